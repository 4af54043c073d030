"""Room for a reply: how many of its tokens a server has left beside the question, as its refusal tells."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.refusals import ServerRefusal

_NUMBER: Final = r"\d[\d,]{0,9}"
_PARAM: Final = re.compile(r"max_?(?:new_|completion_|output_)?tokens", re.IGNORECASE)
MIN_REPLY_TOKENS: Final = 64
"""Fewest tokens that a reply is asked for: with less room than that, the question is too long."""

_FEWER: Final = 4  # what the reply's tokens are divided by where a refusal names no number


@dataclass(frozen=True, slots=True)
class ReplyLimit:
    """Limit of a reply's tokens, from a refusal."""

    tokens: int
    """Tokens that a reply to this question may have."""
    window: int = 0
    """The model's window, where that is the limit; 0 else."""
    max_reply: int = 0
    """Most tokens of any reply, where that is the limit; 0 else."""


@dataclass(frozen=True, slots=True)
class _LimitRow:
    words: re.Pattern[str]
    lasts: bool
    needs_param: bool
    """True if the words name no parameter: the refusal must, apart from them."""


def parse_reply_limit(refusal: ServerRefusal, asked: int) -> ReplyLimit | None:
    """Return the limit that a refusal names; None where it names none, or one that leaves no room for a reply.

    Args:
        refusal: The server's.
        asked: Tokens that the reply was allowed.
    """
    names_tokens = any(map(_PARAM.search, refusal.params))
    for row in _load_rows():
        if (found := row.words.search(refusal.text)) and (names_tokens or not row.needs_param):
            numbers = {name: int(value.replace(",", "")) for name, value in found.groupdict().items()}
            limit = _build_limit(numbers, asked, lasts=row.lasts)
            return limit if MIN_REPLY_TOKENS <= limit.tokens < asked else None
    return None


def _build_limit(numbers: Mapping[str, int], asked: int, *, lasts: bool) -> ReplyLimit:
    if not numbers:
        return ReplyLimit(asked // _FEWER, max_reply=asked // _FEWER)
    if "reply" in numbers:
        return ReplyLimit(numbers["reply"], max_reply=numbers["reply"] if lasts else 0)
    window = numbers["window"]
    tokens = window - numbers["input"] if "input" in numbers else asked - (numbers["total"] - window)
    return ReplyLimit(tokens, window=window if lasts else 0)


@cache
def _load_rows() -> Sequence[_LimitRow]:
    rows: Sequence[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))[
        "limits"
    ]
    return tuple(_LimitRow(_compile(row["words"]), row.get("lasts", True), row.get("param", False)) for row in rows)


def _compile(words: str) -> re.Pattern[str]:
    for name in ("window", "input", "total", "reply"):
        words = words.replace(f"{{{name}}}", f"(?P<{name}>{_NUMBER})")
    return re.compile(words, re.IGNORECASE)
