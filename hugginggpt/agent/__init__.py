"""The agent: the four stages of a request over one session, and the factory that puts it together.

Imported by the front ends (ui, cli) alone; imports every floor below. A new way to ask goes through
`agent.HuggingGPT.run` into the request's context; a new back end or controller is put together in `factory`.
"""
