"""Stage 2: candidates gathered, ranked, and chosen among by the controller.

Imported by `agent`; imports both seams, `hub` and `core`. A new need of a request is a field of `ranking.Needs`, a cue
in ``needs.yaml`` and a part of the sort key.
"""
