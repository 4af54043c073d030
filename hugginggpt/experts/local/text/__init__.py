"""Local models for texts and tables.

Only the table in `local/expert.py` names these functions; they are imported at a task's first call. Add a task as one function
from calls and a `Runtime` to results.
"""
