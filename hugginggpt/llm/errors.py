"""Failures of a language model's server, each as one sentence that a person can act on.

In the sentences {server}, {model} and {wait} stand for the server's host, the model's name and how long to wait.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from hugginggpt.core.bounded_body import TooLargeError
from hugginggpt.core.http import describe_wait, read_retry_after
from hugginggpt.core.ssrf import RefusedError

_TABLE: Final[Mapping[str, Mapping[Any, str]]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_BY_STATUS: Final[Mapping[int | str, str]] = _TABLE["by_status"]
"""Sentences by HTTP status, or by the server's own code where that says more."""
TOO_LONG_STATUSES: Final = frozenset({400, 413, 422, 500})
"""Statuses with which servers refuse a request that is too long."""
ERROR_SENTENCES: Final[Mapping[str, str]] = _TABLE["others"]
"""Sentences for all else that goes wrong, by name."""
_LENGTH_WORDS: Final = re.compile(
    r"context.{0,12}(?:length|window|size)|maximum.{0,20}tokens|too many tokens|prompt is too long|exceeds? the.{0,30}context",
    re.IGNORECASE,
)
_IMAGE_WORDS: Final = re.compile(r"\bimages?(?:_url)?\b|\bvision\b|multi-?modal|mmproj", re.IGNORECASE)


def describe_error(error: Exception, *, seconds: float, started: bool) -> str:
    """Return the sentence for a failure.

    Args:
        error: What the client raised.
        seconds: Time that the call was given.
        started: Whether a part of the reply had arrived.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        code = "context_length_exceeded" if error.status_code in TOO_LONG_STATUSES and is_too_long(error) else error.code
        known = _BY_STATUS.get(code) if isinstance(code, str) else None  # servers send codes of any type
        template = (  # with `replace`: {server} and {model} are filled in later
            known or _BY_STATUS.get(error.status_code) or ERROR_SENTENCES["trouble"].replace("{status}", str(error.status_code))
        )
        return template.replace("{wait}", describe_wait(read_retry_after(error.response.headers)))
    if isinstance(error, RefusedError):
        return ERROR_SENTENCES["private_address"]
    if isinstance(error, TooLargeError) or isinstance(error.__cause__, TooLargeError):
        return ERROR_SENTENCES["too_large"]
    if isinstance(error, TimeoutError | openai.APITimeoutError):  # before APIConnectionError, of which it is one
        return f"{{server}} did not answer within {seconds:g} s: try again, or another model."
    if started:
        return ERROR_SENTENCES["broken_off"]
    if not isinstance(error, openai.APIConnectionError):
        return ERROR_SENTENCES["no_completion"]
    if isinstance(error.__cause__, httpx2.ProxyError):
        return ERROR_SENTENCES["proxy"]
    return (
        ERROR_SENTENCES["certificate"]
        if "CERTIFICATE_VERIFY_FAILED" in str(error.__cause__)
        else ERROR_SENTENCES["unreachable"]
    )


def is_too_long(error: Exception) -> bool:
    """Return whether a server refused a request because it doesn't fit the model's window."""
    message = str(getattr(error, "message", "") or error)
    return getattr(error, "code", None) == "context_length_exceeded" or bool(_LENGTH_WORDS.search(message))


def is_about_images(error: Exception) -> bool:
    """Return whether a server refused a request because its model takes no pictures."""
    return bool(_IMAGE_WORDS.search(str(getattr(error, "message", "") or error)))
