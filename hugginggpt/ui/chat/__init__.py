"""The chat: requests, their steps, answers, examples, and the form that approves a plan.

Imported by `ui.page`. How an event looks is decided in `messages`, what a click does in `handlers`.
"""
