"""Refusals of servers: what they say, wherever it stands, and what that means.

Servers put an error's words into `error.message`, into `error` itself, into `message`, `detail` (a text or a list), into a list
around all that, into plain text or a web page; with status 400 or 500, and with 200 in place of a reply, of a job's result, or
amid a stream. The reasons that they give are rows of ``refusals.yaml``, shared by language models and hosted models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.http import read_wait
from hugginggpt.core.json_text import JsonError, parse_json

TEXT_KEYS: Final = frozenset({"error", "message", "detail", "details", "msg", "reason", "title", "raw", "metadata", "errors"})
"""Fields in which servers put words, or further fields with words; OpenRouter hands on what a provider said as `raw`."""
DEFAULT_STATUS: Final = 400
"""Status of a refusal that came with 200 and names none of its own."""
_CODE_KEYS: Final = frozenset({"code", "type", "status", "reason", "error_code", "error_type", "task_status"})
_PARAM_KEYS: Final = frozenset({"param", "loc"})
_DELAY_KEYS: Final = frozenset({"retryDelay"})  # Google's
_BUSY_STATUSES: Final = frozenset({429, 500, 503, 529})
"""Statuses whose words may say when the server can be asked again."""
_MAX_TEXT_CHARS: Final = 4_000  # a refusal may quote the whole request
_MAX_DEPTH: Final = 6
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^<>]{0,500}>", re.DOTALL | re.IGNORECASE)
_MIN_ERROR_STATUS, _MAX_ERROR_STATUS = 400, 599
_STATUS_KEYS: Final = ("status", "task_status", "state")
_JOB_KEYS: Final = ("data", "task", "prediction", "result")
"""Fields in which providers put the job that a reply is about."""
_FAILED: Final = re.compile(
    r"(?:task_status_)?(?:fail(?:ed|ure)?|error(?:ed)?|cancell?ed|aborted|expired|rejected|timed?[ _-]?out"
    r"|(?:content|request)[ _]moderated|moderated|task not found)",
    re.IGNORECASE,
)
"""States of a job that will give no result."""


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
    is_job: bool = False
    """True if a job was accepted and then failed: the same one again would be a second job, and be paid for."""

    @property
    def reason(self) -> Reason | None:
        """Reason that it gives; None where only its status tells."""
        return next((reason for reason in _load_reasons() if reason.pattern.fits(self)), None)


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
    pattern: Pattern
    passes: bool
    """True if the same request may be answered in a moment; else no other form of it would help."""


def find_failed_job(reply: Any) -> ServerRefusal | None:
    """Return what a provider says in place of a result, with status 200; None where it is none.

    Args:
        reply: The reply as JSON: a result, the state of a job, an error.
    """
    reply = reply[0] if isinstance(reply, list) and len(reply) == 1 else reply
    if not isinstance(reply, Mapping):
        return None
    for part in (reply, *(reply.get(key) for key in _JOB_KEYS)):
        if not isinstance(part, Mapping):
            continue
        failed = any(_FAILED.fullmatch(str(part.get(key))) for key in _STATUS_KEYS)
        if failed or part.get("error"):
            return replace(parse_refusal(part, DEFAULT_STATUS), is_job=failed or part is not reply)
    says_nothing_else = set(reply) <= TEXT_KEYS | _CODE_KEYS and TEXT_KEYS & set(reply) and not set(_STATUS_KEYS) & set(reply)
    return parse_refusal(reply, DEFAULT_STATUS) if says_nothing_else else None


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
    if status in {200, DEFAULT_STATUS}:  # words that came with 200, or with a 400 that hides what a provider said
        status = next((number for number in numbers if _MIN_ERROR_STATUS <= number <= _MAX_ERROR_STATUS), DEFAULT_STATUS)
    text = " ".join(dict.fromkeys(" ".join(value.split()) for kind, value in found if kind == "text"))[:_MAX_TEXT_CHARS]
    delay = next((value for kind, value in found if kind == "delay"), "")
    return ServerRefusal(
        status,
        text,
        frozenset(value.lower() for kind, value in found if kind == "code" and not value.isdecimal()),
        frozenset(value for kind, value in found if kind == "param"),
        wait or (read_wait(f"retry in {delay}" if delay else text) if status in _BUSY_STATUSES else 0.0),
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
    """Yield what a body says: ("text", words), ("code", a code or a number), ("param", a name), ("delay", a wait)."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        yield from _read_text(value, key, depth)
    elif isinstance(value, int) and not isinstance(value, bool):
        if key in _CODE_KEYS:
            yield "code", str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in TEXT_KEYS | _CODE_KEYS | _PARAM_KEYS | _DELAY_KEYS:
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
    elif key in _DELAY_KEYS:
        yield "delay", value[:200]
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
def _load_reasons() -> Sequence[Reason]:
    return build_reasons(yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))["reasons"])


def build_reasons(rows: Sequence[Mapping[str, Any]]) -> Sequence[Reason]:
    """Return the reasons that rows of a table are, in its order."""
    return tuple(Reason(row["reason"], build_pattern(row), bool(row.get("passes"))) for row in rows)


def build_pattern(row: Mapping[str, Any]) -> Pattern:
    """Return the pattern that a row of a table is: its `codes`, `params`, `words` and `statuses`."""
    words = row.get("words") or []
    return Pattern(
        frozenset(code.lower() for code in row.get("codes", ())),
        frozenset(row.get("params", ())),
        re.compile("|".join(f"(?:{each})" for each in words), re.IGNORECASE) if words else None,
        frozenset(row.get("statuses", ())),
    )
