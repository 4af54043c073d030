"""Controller by a language model: prompts, demonstrations, structured replies and their incremental reading.

Imports `llm`, `controllers.base` and, for its guesses, `controllers.rules`; imported by `agent.factory` alone. A stage's
instructions are in ``prompts/``; its messages are built by the module of that stage.
"""
