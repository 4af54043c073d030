"""Failures of a language model's server, each as one sentence that a person can act on.

In the sentences {server}, {model} and {wait} stand for the server's host, the model's name and how long to wait.
"""

import re
from collections.abc import Mapping
from typing import Final

import httpx2

from hugginggpt.core.http import describe_wait, read_retry_after
from hugginggpt.core.ssrf import RefusedError

_REDIRECT: Final = "{server} sends requests on to another address, which is not followed: check the base URL."
PROXY: Final = "A proxy on this network blocks the way to {server}: have it allowed there, or unset HTTP_PROXY and HTTPS_PROXY."
_SENTENCES: Final[Mapping[int | str, str]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECT),
    400: "{server} did not accept the request: the model “{model}” may not fit it.",
    401: "{server} refused the key: check it, or enter another one.",
    402: "The account at {server} is out of credit: top it up, or use another key.",
    403: "The key may not use “{model}” at {server}: choose another model, or give the key that permission.",
    404: "{server} knows no model “{model}”: check the name and the base URL.",
    407: PROXY,
    413: "The request is too long for “{model}” at {server}: shorten it, or choose another model.",
    422: "{server} did not accept the request: the model “{model}” may not fit it.",
    429: "{server} is over its rate limit or the account is out of quota: wait {wait}, or check the account.",
    "insufficient_quota": "The account at {server} is out of credit: top it up, or use another key.",
    "context_length_exceeded": "The request is too long for “{model}” at {server}: shorten it, or choose another model.",
}
"""Sentences by HTTP status, or by the server's own code where that says more."""
TOO_LONG: Final = frozenset({400, 413, 422, 500})
"""Statuses with which servers refuse a request that is too long."""
_TROUBLE: Final = "{server} has trouble of its own (status {status}): try again in a minute."
_BROKEN_OFF: Final = "{server} broke off in the middle of its answer: try again in a minute."
UNREACHABLE: Final = "{server} can't be reached: check the base URL and the network."
CERTIFICATE: Final = (
    "The certificate of {server} is not trusted: if this network inspects connections, set SSL_CERT_FILE to its certificate."
)
PRIVATE_ADDRESS: Final = "{server} is a private address, which this server may not reach: run the app on your own machine."
NO_COMPLETION: Final = "{server} answered something that is no chat completion: check the base URL."
NO_REPLY: Final = "“{model}” at {server} answered nothing: try again, or another model."
CUT_OFF: Final = (
    "“{model}” at {server} ran out of room in the middle of its reply: shorten the request, or choose another model."
)
BAD_URL: Final = "The base URL is not valid: write it like https://host/v1, without a name or password in it."
BAD_KEY: Final = "The key for {server} holds a blank or a sign that no key has: copy it again."
BAD_PROXY: Final = "The proxy that the environment names can't be used: correct or unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
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
        code = "context_length_exceeded" if error.status_code in TOO_LONG and is_too_long(error) else error.code
        known = _SENTENCES.get(code) if isinstance(code, str) else None
        template = known or _SENTENCES.get(error.status_code) or _TROUBLE.replace("{status}", str(error.status_code))
        return template.replace("{wait}", describe_wait(read_retry_after(error.response.headers)))
    if isinstance(error, RefusedError):
        return PRIVATE_ADDRESS
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return f"{{server}} did not answer within {seconds:g} s: try again, or another model."
    if started:
        return _BROKEN_OFF
    if not isinstance(error, openai.APIConnectionError):
        return NO_COMPLETION
    if isinstance(error.__cause__, httpx2.ProxyError):
        return PROXY
    return CERTIFICATE if "CERTIFICATE_VERIFY_FAILED" in str(error.__cause__) else UNREACHABLE


def is_too_long(error: Exception) -> bool:
    """Return whether a server refused a request because it doesn't fit the model's window."""
    message = str(getattr(error, "message", "") or error)
    return getattr(error, "code", None) == "context_length_exceeded" or bool(_LENGTH_WORDS.search(message))


def is_about_images(error: Exception) -> bool:
    """Return whether a server refused a request because its model takes no pictures."""
    return bool(_IMAGE_WORDS.search(str(getattr(error, "message", "") or error)))
