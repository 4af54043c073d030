"""Context window of a language model, as its server tells it.

OpenAI's own list of models doesn't say; vLLM, llama.cpp, LM Studio, Groq, OpenRouter, Together and the Hugging Face router do,
each in its own field. A refusal of a request as too long names the window, too.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hugginggpt.llm.connection import Connection

log = logging.getLogger(__name__)

DEFAULT_WINDOW: Final = 8_192
"""Tokens to assume where the server doesn't tell: what most hold today; where it is too many, their refusal shows it."""
CHARS_PER_TOKEN: Final = 3
"""Characters per token when estimating what fits: cautious for English, where four is usual."""
_LIST_SECONDS: Final = 3.0  # time for a server to list its models
_MIN_WINDOW, _MAX_WINDOW = 512, 10_000_000  # other numbers are no windows
_WINDOW_FIELDS: Final = frozenset(
    {"max_model_len", "context_length", "context_window", "max_context_length", "loaded_context_length", "n_ctx"}
)
_REFUSAL: Final = re.compile(r"(?:context|window|maximum|limit)[^.]{0,60}?\b(\d{3,8})\b(?!\s*(?:requests|per))", re.IGNORECASE)


async def fetch_window(connection: Connection, model: str) -> int:
    """Return a model's window in tokens as its server tells it; 0 where it doesn't, for whatever reason."""
    try:
        async with asyncio.timeout(_LIST_SECONDS), connection.client() as client:  # short: a request waits for this
            models = await client.with_options(max_retries=0).get("/models", cast_to=object)
    except Exception as error:  # a guess will do: whatever goes wrong here is no reason to fail
        log.info("no list of models from %s: %s", connection.server, type(error).__name__)
        return 0
    return find_window(models, model) or 0


def find_window(models: Any, model: str) -> int | None:
    """Return a model's window in tokens from a server's list; the smallest, where several providers serve it.

    Args:
        models: The body of GET /models.
        model: Its id there; the only model of a list is taken whatever it is called.
    """
    entries = models.get("data") if isinstance(models, Mapping) else models
    found = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    matching = [entry for entry in found if entry.get("id") == model] or (found if len(found) == 1 else [])
    return min((size for entry in matching for size in _find_sizes(entry)), default=None)  # any of them may answer


def parse_refusal_window(refusal: str) -> int | None:
    """Return the window that a refusal names: "This model's maximum context length is 4096 tokens."."""
    match = _REFUSAL.search(refusal)
    return int(match[1]) if match and _MIN_WINDOW <= int(match[1]) <= _MAX_WINDOW else None


def _find_sizes(value: Any) -> Iterator[int]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _WINDOW_FIELDS and isinstance(inner, int) and _MIN_WINDOW <= inner <= _MAX_WINDOW:
                yield inner
            else:
                yield from _find_sizes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_sizes(inner)
