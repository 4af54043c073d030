"""Language models behind OpenAI-compatible servers: client, capabilities, structured output, context window, errors.

Imports `core` alone; imported by controllers, experts and every floor above. A server's quirk goes into `capabilities`.
"""
