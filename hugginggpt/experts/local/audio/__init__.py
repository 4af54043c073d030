"""Local models that hear, speak and make sounds.

Imported like text/. Add an architecture to `RECOGNIZERS`, `VOICE_OPENERS` or `COMPOSERS`.
"""
