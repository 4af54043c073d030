"""Local models that hear, speak and make sounds.

Only the table in `local/expert.py` names their functions; they are imported at a task's first call. Add an architecture to
`RECOGNIZERS`, `VOICE_OPENERS` or `COMPOSERS`.
"""
