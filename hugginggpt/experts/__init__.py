"""Seam 2: the back ends that run models.

Imported by the stages, which know only `base`; imports `hub`, `llm`, `workspace` and `core`, and nothing of plans. A
new back end is one class with `cards` and `run`, put together in `agent.factory`; a new task one small function for
each back end that serves it.
"""
