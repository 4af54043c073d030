"""Language models behind OpenAI-compatible servers: client, capabilities, structured output, context window, errors.

Imports `core` alone; imported by controllers, experts and every floor above.
What a server refuses is learnt in `chat_requester` and remembered in `capabilities`; replies of another shape are read in
`completions`, whole and streamed ones apart.
"""
