"""Catalogue of what strangers may send, as tables: texts, plans, traces, markup, addresses, files, and calls over HTTP.

`tests/attacks` runs each row of the tables, ``python -m benchmarks.attacks`` combines and mutates them for as long as one
likes. A new kind is a module with a table and a function that makes an `Attack` of it, in `catalogue.py`.
"""
