"""The page of all known models, and their downloads.

Imported by `ui.page`. A new filter is a rule of `table` and a field of `page`.
"""
