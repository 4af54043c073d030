"""Shared by all HTTP clients: error texts without keys, and the waits that servers ask for."""

import json
import math
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

CHECK_SECONDS: Final = 10.0
"""Time that a server has to answer a check, in seconds."""
MAX_ID_CHARS: Final = 200
"""The longest name of a model or an account that is taken from a server's reply."""
_MASKED_KEY: Final = re.compile(r"\b(?:sk|hf|gsk|pk|xai|nvapi)[-_][\w*.…-]+")  # servers quote keys masked, "sk-ab***yz"
_MAX_FAULT_CHARS: Final = 600
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS: Final[Mapping[str, float]] = {
    "ms": 0.001, "millisecond": 0.001, "s": 1, "sec": 1, "second": 1, "m": _MINUTE, "min": _MINUTE, "minute": _MINUTE,
    "h": _HOUR, "hr": _HOUR, "hour": _HOUR, "d": _DAY, "day": _DAY,
}  # fmt: skip
_SPAN: Final = re.compile(
    r"(\d{1,9}(?:\.\d{1,9})?)\s*(milliseconds?|ms|sec(?:ond)?s?|s|min(?:ute)?s?|m|h(?:ou)?rs?|h|days?|d)(?![a-z])"
)
_WAIT: Final = re.compile(
    r"\b(?:(?:again|retry|retrying|available|resets?|refreshes)\b[^.;\d]{0,30}?\b(?:in|after|within)|wait(?:ing)?(?: for)?)"
    rf"(?: about| approximately| another| at least)?\s*~?((?:{_SPAN.pattern}(?:,? and |, | )?)+)"
)


class ServerFault(Exception):  # noqa: N818 (a cause kept for the log, never shown)
    """A server's error text, with the key taken out."""


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that a server asks to wait before the next try; 0 where it says nothing that can be read."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):  # OpenAI's, the finer one, first
        with suppress(ValueError):
            seconds = float(headers.get(name, "")) * unit
            return max(seconds, 0.0) if math.isfinite(seconds) else 0.0  # "inf" and "nan" are floats, too
    with suppress(ValueError, OverflowError):  # the header may hold a date instead (RFC 9110)
        return max(parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time(), 0.0)
    return 0.0


def read_wait(text: str) -> float:
    """Return the seconds to wait that a server's words name ("Please try again in 1m26.5s"); 0 where they name none."""
    found = _WAIT.search(text.lower())
    if not found:
        return 0.0
    spans = _SPAN.findall(found[1])
    return float(sum(float(number) * _UNITS[unit if unit in _UNITS else unit.removesuffix("s")] for number, unit in spans))


def describe_wait(seconds: float) -> str:
    if seconds < 1:  # 0 where the server named no time
        return "a minute"
    if seconds > _DAY:
        return "more than a day"
    if seconds > 2 * _HOUR:
        return f"{math.ceil(seconds / _HOUR)} hours"
    return f"{math.ceil(seconds)} s" if seconds <= 2 * _MINUTE else f"{math.ceil(seconds / _MINUTE)} minutes"


def redact_key(text: str, key: str) -> str:
    """Return a text for the log, cut to a length and without the key, in whatever form, and without parts of other keys."""
    for form in {key, repr(key)[1:-1], json.dumps(key)[1:-1], quote(key, safe="")} - {""}:  # an empty one matches anywhere
        text = text.replace(form, "[key]")
    return _MASKED_KEY.sub("[key]", text)[:_MAX_FAULT_CHARS]  # cut last: half a key would stay unmasked
