"""Experts: the seam (`base`), one package per back end, and what back ends share (results, labels, tables, errors).

`agent`, `execution` and `selection` import it; it imports `hub`, `llm`, `workspace` and `core`, and knows nothing of plans.
Add a back end as a new package or module with one class that fulfils the `Expert` protocol of `base`.
"""
