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
from hugginggpt.core.http import describe_wait
from hugginggpt.core.refusals import ServerRefusal
from hugginggpt.core.ssrf import RefusedError
from hugginggpt.llm.refusals import find_reason

_TABLE: Final[Mapping[str, Mapping[Any, str]]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_NAME_BY_STATUS: Final[Mapping[int, str]] = _TABLE["by_status"]
"""Names of sentences by HTTP status, for refusals whose words say no more."""
_WRONG_ADDRESS_STATUSES: Final = frozenset({400, 403, 404, 405, 410})
"""Statuses with which a web server answers where no language model does."""
_MIN_SERVER_ERROR_STATUS: Final = 500
ERROR_SENTENCES: Final[Mapping[str, str]] = _TABLE["sentences"]
"""Sentences for all that goes wrong, by name."""
_IMAGE_WORDS: Final = re.compile(r"\bimages?(?:_url)?\b|\bvision\b|multi-?modal|mmproj", re.IGNORECASE)


def describe_error(error: Exception, refusal: ServerRefusal | None, *, seconds: float, started: bool) -> str:
    """Return the sentence for a failure.

    Args:
        error: What the client raised.
        refusal: The server's refusal behind it, if it is one.
        seconds: Time that the call was given.
        started: Whether a part of the reply had arrived.
    """
    import openai

    if refusal is not None:
        return _describe_refusal(refusal, started=started)
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


def _describe_refusal(refusal: ServerRefusal, *, started: bool) -> str:
    if reason := find_reason(refusal):
        name = reason.name
    elif started:
        name = "broken_off"
    elif refusal.is_page and refusal.status in _WRONG_ADDRESS_STATUSES:
        name = "wrong_address"
    else:
        other = "trouble" if refusal.status >= _MIN_SERVER_ERROR_STATUS else "wrong_address"
        name = _NAME_BY_STATUS.get(refusal.status, other)
    # with `replace`: {server} and {model} are filled in later
    return ERROR_SENTENCES[name].replace("{status}", str(refusal.status)).replace("{wait}", describe_wait(refusal.wait))


def is_about_images(refusal: ServerRefusal) -> bool:
    """Return whether a server refused a request because its model takes no pictures."""
    return bool(_IMAGE_WORDS.search(refusal.text))
