"""Refusals of language models' servers: what they say, wherever it stands, and what that means.

Servers put an error's words into `error.message`, into `error` itself, into `message`, `detail` (a text or a list), into a list
around all that, into plain text or a web page; with status 400 or 500, and with 200 in place of a reply or amid a stream.
The tables are in ``refusals.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.http import read_retry_after
from hugginggpt.core.json_text import JsonError, parse_json

_TEXT_KEYS: Final = frozenset({"error", "message", "detail", "details", "msg", "reason", "title", "raw", "metadata", "errors"})
"""Fields in which servers put words, or further fields with words; OpenRouter hands on what a provider said as `raw`."""
_CODE_KEYS: Final = frozenset({"code", "type", "status", "reason", "error_code"})
_PARAM_KEYS: Final = frozenset({"param", "loc"})
_MAX_TEXT_CHARS: Final = 4_000  # a refusal may quote the whole request
_MAX_DEPTH: Final = 6
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^<>]{0,500}>", re.DOTALL | re.IGNORECASE)
_MIN_ERROR_STATUS, _MAX_ERROR_STATUS = 400, 599
_DEFAULT_STATUS: Final = 400
"""Status of a refusal that came with 200 and names none of its own."""


@dataclass(frozen=True, slots=True)
class ServerRefusal:
    """Words of a server in place of a reply."""

    status: int
    """HTTP status; the one that the words name where it came with 200."""
    text: str
    """All that it says, in one line, cut off where it is long."""
    codes: frozenset[str] = frozenset()
    """Its own codes, in lower case."""
    params: frozenset[str] = frozenset()
    """Parameters that it names as such."""
    wait: float = 0.0
    """Seconds after which it may be asked again; 0 where it doesn't say."""
    is_page: bool = False
    """True if it is a web page: what answers there is no such server."""

    @property
    def reason(self) -> Reason | None:
        """Reason that it gives; None where only its status tells."""
        return next((reason for reason in _load_reasons() if reason.fits(self)), None)

    @property
    def names_parameter(self) -> bool:
        """Return whether it refuses any parameter, in so many words."""
        return any(map(self.names, list_parameters()))

    def names(self, parameter: str) -> bool:
        """Return whether it refuses that parameter of ``refusals.yaml``, in so many words."""
        return _load_parameters()[parameter].fits(self)


class RefusedReplyError(Exception):
    """A refusal that came with status 200."""

    def __init__(self, refusal: ServerRefusal) -> None:
        """Wrap a refusal; the text is for the log."""
        self.refusal = refusal
        super().__init__(f"{refusal.status}: {refusal.text}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Row of a table: a refusal fits by one of its codes, of its parameters, or of its words."""

    codes: frozenset[str]
    params: frozenset[str]
    words: re.Pattern[str] | None
    statuses: frozenset[int]
    """Statuses that it may have; empty for any."""

    def fits(self, refusal: ServerRefusal) -> bool:
        """Return whether a refusal fits."""
        if self.statuses and refusal.status not in self.statuses:
            return False
        return bool(
            self.codes & refusal.codes
            or self.params & refusal.params
            or (self.words is not None and self.words.search(refusal.text))
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Row of the reasons that a refusal may give."""

    name: str
    sentence: str
    """Name of its sentence in ``errors.yaml``."""
    pattern: Pattern
    passes: bool
    """True if the same request may be answered in a moment; else no other form of it would help."""

    def fits(self, refusal: ServerRefusal) -> bool:
        """Return whether a refusal is about this."""
        return self.pattern.fits(refusal)


def read_refusal(error: Exception) -> ServerRefusal | None:
    """Return the refusal behind an exception of openai's client; None where it is none, but a failure on the way."""
    import openai

    if isinstance(error, RefusedReplyError):
        return error.refusal
    if isinstance(error, openai.APIStatusError):
        body = error.body if error.body is not None else error.response.text
        return parse_refusal(body, error.status_code, read_retry_after(error.response.headers))
    if type(error) is openai.APIError:  # an error amid a stream, which the client has noticed
        return parse_refusal({"message": error.message, "error": error.body}, _DEFAULT_STATUS)
    return None


def find_refusal(reply: Any) -> ServerRefusal | None:
    """Return the refusal that came in place of a reply, or of a piece of one, with status 200; None where it is none."""
    if not isinstance(reply, Mapping):
        return None
    choices = reply.get("choices")
    inner = choices[0].get("error") if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None
    if inner or reply.get("error"):
        return parse_refusal(inner or reply["error"], _DEFAULT_STATUS)
    if "choices" in reply or not _TEXT_KEYS & set(reply):
        return None
    refusal = parse_refusal(reply, _DEFAULT_STATUS)  # vLLM's {"object": "error", "message": …}; or no model's answer at all
    return refusal if refusal.reason or refusal.names_parameter else None


def parse_refusal(body: Any, status: int, wait: float = 0.0) -> ServerRefusal:
    """Return what a refusal's body says.

    Args:
        body: Text, or JSON.
        status: The HTTP status; one that stands in the body counts for more where this says little.
        wait: Seconds after which the server may be asked again.
    """
    body, is_page = _parse_text(body) if isinstance(body, str) else (body, False)
    found = list(_walk(body, "", 0))
    numbers = [int(value) for kind, value in found if kind == "code" and value.isdecimal() and len(value) == 3]
    if status in {200, _DEFAULT_STATUS}:  # words that came with 200, or with a 400 that hides what a provider said
        status = next((number for number in numbers if _MIN_ERROR_STATUS <= number <= _MAX_ERROR_STATUS), _DEFAULT_STATUS)
    texts = dict.fromkeys(" ".join(value.split()) for kind, value in found if kind == "text")
    return ServerRefusal(
        status,
        " ".join(texts)[:_MAX_TEXT_CHARS],
        frozenset(value.lower() for kind, value in found if kind == "code" and not value.isdecimal()),
        frozenset(value for kind, value in found if kind == "param"),
        wait,
        is_page,
    )


def _parse_text(body: str) -> tuple[Any, bool]:
    body = body[:_MAX_TEXT_CHARS]
    if body.lstrip().startswith("<"):
        return _TAG.sub(" ", body), True
    try:
        return parse_json(body), False
    except JsonError:
        return body, False


def _walk(value: Any, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield what a body says: ("text", words), ("code", a code or a number), ("param", a parameter's name)."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        yield from _read_text(value, key, depth)
    elif isinstance(value, int) and not isinstance(value, bool):
        if key in _CODE_KEYS:
            yield "code", str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _TEXT_KEYS | _CODE_KEYS | _PARAM_KEYS:
                yield from _walk(inner, name, depth + 1)
    elif isinstance(value, Sequence):
        if key == "loc":
            yield "param", ".".join(str(part) for part in value[:10] if part != "body")
            return
        for inner in value[:10]:
            yield from _walk(inner, key, depth + 1)


def _read_text(value: str, key: str, depth: int) -> Iterator[tuple[str, str]]:
    if key in _PARAM_KEYS:
        yield "param", value[:200]
    elif key in _CODE_KEYS:
        yield "code", value[:200]
        if key == "reason":
            yield "text", value[:_MAX_TEXT_CHARS]
    elif value.lstrip().startswith(("{", "[")) and depth:  # what a provider said, as text
        parsed, _ = _parse_text(value)
        found = [] if isinstance(parsed, str) else list(_walk(parsed, key, depth + 1))
        yield from found or [("text", value[:_MAX_TEXT_CHARS])]
    else:
        yield "text", value[:_MAX_TEXT_CHARS]


@cache
def _load_tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    )
    return tables


@cache
def _load_reasons() -> Sequence[Reason]:
    rows = _load_tables()["reasons"]
    return tuple(Reason(row["reason"], row["sentence"], _build_pattern(row), bool(row.get("passes"))) for row in rows)


@cache
def _load_parameters() -> Mapping[str, Pattern]:
    return {row["parameter"]: _build_pattern(row) for row in _load_tables()["parameters"]}


def list_parameters() -> Sequence[str]:
    """Return the parameters that servers may refuse, in the order in which they are looked for."""
    return tuple(_load_parameters())


def _build_pattern(row: Mapping[str, Any]) -> Pattern:
    words = row.get("words") or []
    return Pattern(
        frozenset(code.lower() for code in row.get("codes", ())),
        frozenset(row.get("params", ())),
        re.compile("|".join(f"(?:{each})" for each in words), re.IGNORECASE) if words else None,
        frozenset(row.get("statuses", ())),
    )
