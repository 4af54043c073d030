"""The built-in controller: it plans in milliseconds from the words of a request, without key, network or model.

Imported by `agent.factory`, and by `controllers.llm` for its guesses; imports `core`. New wordings are rows of the YAML
files here.
"""
