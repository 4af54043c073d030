"""Language models behind OpenAI-compatible servers: client, capabilities, structured output, context window, errors.

Imports `core` alone; imported by controllers, experts and every floor above.
A server's refusals are read by `core.refusals`; which parameter one refuses is told by `refusals`, what fits a reply by
`reply_limit`, each by the table of its YAML file; `request_form` says what is tried instead, and `capabilities` remembers it.
Replies of another shape are read in `completions`, whole and streamed ones apart.
"""
