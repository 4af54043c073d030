"""How much a language model can be told at once: its window, as its server gives it.

OpenAI's own list of models doesn't say; vLLM, llama.cpp, LM Studio, Groq, OpenRouter, Together and the Hugging Face router do,
each in its own field. What a server refuses as too long teaches its window, too.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hugginggpt.llm.connection import Connection

log = logging.getLogger(__name__)

USUAL: Final = 8_192
"""Tokens, where nobody tells: what most of today's servers hold; where it is too many, their refusal shows it."""
CHARS_PER_TOKEN: Final = 3
"""Of what people and models write, when what fits is reckoned: cautious for English, where four is usual."""
_LIST_SECONDS: Final = 3.0
"""How long a server may take to list its models."""
_LEAST, _MOST = 512, 10_000_000
_FIELDS: Final = frozenset(
    {"max_model_len", "context_length", "context_window", "max_context_length", "loaded_context_length", "n_ctx"}
)
_TOLD: Final = re.compile(r"(?:context|window|maximum|limit)[^.]{0,60}?\b(\d{3,8})\b(?!\s*(?:requests|per))", re.IGNORECASE)


async def told_window(connection: Connection, model: str) -> int:
    """The window of a model as its server tells it, in tokens; 0 where it doesn't, for whatever reason."""
    try:
        async with asyncio.timeout(_LIST_SECONDS), connection.client() as client:
            listed = await client.with_options(max_retries=0).get("/models", cast_to=object)
    except Exception as error:  # the seam to a server: whatever it answers, it is no reason to fail
        log.info("no list of models from %s: %s", connection.server, type(error).__name__)
        return 0
    return window_of(listed, model) or 0


def window_of(models: Any, model: str) -> int | None:
    """The window of a model in a server's list of models, in tokens; the smallest, where several providers serve it.

    Args:
        models: The body of GET /models.
        model: Its id there; where the list holds one model, it is meant whatever it is called.
    """
    entries = models.get("data") if isinstance(models, Mapping) else models
    found = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    meant = [entry for entry in found if entry.get("id") == model] or (found if len(found) == 1 else [])
    return min((size for entry in meant for size in _sizes(entry)), default=None)


def window_in(refusal: str) -> int | None:
    """The window that a refusal names: "This model's maximum context length is 4096 tokens."."""
    named = _TOLD.search(refusal)
    return int(named[1]) if named and _LEAST <= int(named[1]) <= _MOST else None


def _sizes(value: Any) -> Iterator[int]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _FIELDS and isinstance(inner, int) and _LEAST <= inner <= _MOST:
                yield inner
            else:
                yield from _sizes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _sizes(inner)
