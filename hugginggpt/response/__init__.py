"""Stage 4: the answer, and the checks of what it claims.

Imported by `agent`; imports the controller seam, `workspace` and `core`. A new check is a function of `checks` that
`responder` calls.
"""
