"""Exports of a run: as a trace, a web page, a script, a workflow; and a session's files as an archive.

All of it is made of a `Recording` and says nothing of keys, sessions or where files lie.
"""
