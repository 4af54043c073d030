"""Context window of a language model: asked for in its server's list of models, or named by a refusal as too long."""

import asyncio
import logging
import re
from typing import Any, Final

from hugginggpt.llm.connection import Connection
from hugginggpt.llm.model_list import is_window

log = logging.getLogger(__name__)

DEFAULT_WINDOW: Final = 8_192
"""Tokens to assume where the server doesn't tell: what most hold today; where it is too many, their refusal shows it."""
CHARS_PER_TOKEN: Final = 3
"""Characters per token when estimating what fits: cautious for English, where four is usual."""
_LIST_SECONDS: Final = 3.0  # time for a server to list its models
_REFUSAL: Final = re.compile(r"(?:context|window|maximum|limit)[^.]{0,60}?\b(\d{3,8})\b(?!\s*(?:requests|per))", re.IGNORECASE)


async def fetch_model_list(connection: Connection) -> Any:
    """Return what a server answers to GET /models; None where it doesn't, for whatever reason."""
    try:
        async with asyncio.timeout(_LIST_SECONDS), connection.client() as client:  # short: a request waits for this
            return await client.with_options(max_retries=0).get("/models", cast_to=object)
    except Exception as error:  # a guess will do: whatever goes wrong here is no reason to fail
        log.info("no list of models from %s: %s", connection.server, type(error).__name__)
        return None


def parse_refusal_window(refusal: str) -> int | None:
    """Return the window that a refusal names: "This model's maximum context length is 4096 tokens."."""
    match = _REFUSAL.search(refusal)
    return int(match[1]) if match and is_window(int(match[1])) else None
