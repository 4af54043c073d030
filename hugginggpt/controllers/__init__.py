"""Seam 1: whoever plans, selects and answers.

Imported by the stages, which know only `base` and the request's `context`; imports of experts the seam alone. A new
controller is one class with `plan`, `select` and `respond`, put together in `agent.factory`.
"""
