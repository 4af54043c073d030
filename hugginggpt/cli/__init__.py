"""The terminal: ``python -m hugginggpt``.

Imported by nobody; imports `agent` and what lies below. A new command is a name in `commands.COMMANDS` and its parser
there, a new option about models a line of `options`.
"""
