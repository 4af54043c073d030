"""The local back end beside the libraries' own pipelines, on the same tiny checkpoints and real inputs.

A new comparison is a `Case` in the table of its medium: `texts`, `pictures`, `sounds`, `generators`.
"""
