"""Local models for texts and tables.

Imported by name, at a task's first call, through the table in `local/expert.py`. Add a task as one function.
"""
