"""Failures of the Hub, its router and the providers, each as one sentence that a person can act on.

Statuses: https://huggingface.co/docs/inference-providers and the error codes in huggingface_hub's own `errors`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import httpx2

from hugginggpt.core.errors import BackendError, ExpertError, HuggingGPTError
from hugginggpt.core.http import describe_wait, read_retry_after
from hugginggpt.core.ssrf import RefusedError
from hugginggpt.hub.client import FailedAtOnceError

TOKENS_PAGE: Final = "huggingface.co/settings/tokens"
_NO_TOKEN: Final = f"Hugging Face refused the token: check it, or make a new one at {TOKENS_PAGE}."
_NO_CREDIT: Final = (
    "The token's account has no inference credit left: top it up at huggingface.co/settings/billing, "
    "or use models that run here."
)
_NO_PERMISSION: Final = (
    f"The token may not call {{provider}}: give it the permission “Make calls to Inference Providers” at {TOKENS_PAGE}."
)
_GATED: Final = (
    "{model} asks for consent: accept its terms at https://huggingface.co/{model} with the token's account, then try again."
)
_GONE: Final = "{model} is not served by {provider} any more: choose another model."
_REFUSED_INPUT: Final = "{model} at {provider} did not accept this input: change it, or choose another model."
_TOO_LARGE: Final = "The input is too large for {model} at {provider}: make it smaller, or choose another model."
_RATE: Final = "{provider} is over its rate limit: wait {wait}, or choose another model."
_LOADING: Final = "{model} was still loading at {provider} when the time was up: try again in a few minutes."
_BUSY: Final = "{provider} is overloaded or down: try again in a minute, or choose another model."
_TROUBLE: Final = "{provider} has trouble of its own (status {status}): try again in a minute, or choose another model."
_SLOW: Final = "{model} at {provider} did not answer within {seconds}: try again, or choose another model."
_BROKEN_OFF: Final = "{provider} broke off in the middle of its answer: try again, or choose another model."
_UNREACHABLE: Final = "{provider} can't be reached: check the network; models that run here go on working."
_PROXY: Final = (
    "A proxy on this network blocks the way to {provider}: have it allowed there, or unset HTTP_PROXY and HTTPS_PROXY."
)
_CERTIFICATE: Final = (
    "The certificate of {provider} is not trusted: if this network inspects connections, set SSL_CERT_FILE to its certificate."
)
_PRIVATE: Final = "{provider} is a private address, which this server may not reach: run the app on your own machine."
_ENDPOINT_REFUSES: Final = (
    "The endpoint at {provider} refused the call: it belongs to another account, or wants a token that is not sent there."
)
_ENDPOINT_AWAY: Final = "The endpoint at {provider} can't be reached: check its address, and whether it is running."
_NO_SEARCH: Final = f"The token may not read the Hub: give it the permission to read at {TOKENS_PAGE}."
_NONSENSE: Final = "{provider} answered something that can't be used: try again, or choose another model."
_MAX_WAIT_SECONDS: Final = 86_400

FaultScope = Literal["model", "provider", "account", "network"]
CalledServer = Literal["hub", "router", "endpoint"]


@dataclass(frozen=True, slots=True)
class HubFault:
    """Meaning of a failed call."""

    sentence: str
    scope: FaultScope = "model"
    """Reach of the failure: this model for this visitor, the provider for everybody, the account everywhere, or the network."""
    retryable: bool = False
    """True if the same call may succeed in a while."""
    wait: float = 0.0
    """Wait that the server asks for, in seconds; 0 where it says nothing."""
    loading: bool = False
    """True if the model is being loaded."""
    gone: bool = False
    """True if the model is no longer where it was thought to be."""


@dataclass(frozen=True, slots=True)
class _StatusMeaning:
    sentence: str
    scope: FaultScope = "model"
    retryable: bool = False


_STATUSES: Final[Mapping[int, _StatusMeaning]] = {
    400: _StatusMeaning(_REFUSED_INPUT),
    401: _StatusMeaning(_NO_TOKEN, "account"),
    402: _StatusMeaning(_NO_CREDIT, "account"),
    403: _StatusMeaning(_NO_PERMISSION),
    404: _StatusMeaning(_GONE),
    407: _StatusMeaning(_PROXY, "network"),
    408: _StatusMeaning(_SLOW, "provider", retryable=True),
    410: _StatusMeaning(_GONE),
    413: _StatusMeaning(_TOO_LARGE),
    422: _StatusMeaning(_REFUSED_INPUT),
    429: _StatusMeaning(_RATE, retryable=True),
    502: _StatusMeaning(_BUSY, "provider", retryable=True),
    503: _StatusMeaning(_BUSY, "provider", retryable=True),
    504: _StatusMeaning(_SLOW, "provider"),
}


def read_fault(error: BaseException, *, model: str, provider: str, seconds: float, server: CalledServer = "router") -> HubFault:
    """Return the meaning of a call's failure.

    Args:
        error: What the client raised.
        model: Id on the Hub.
        provider: Name of the server that was called, as people know it.
        seconds: Time that the call was given.
        server: Kind of server that was called. A failure at an endpoint says nothing about the account or the network.
    """
    if isinstance(error, FailedAtOnceError) and error.__cause__ is not None:
        error = error.__cause__
    found = _adjust_to_server(_classify_error(error), error, server)
    words = {"model": model, "provider": provider, "seconds": f"{seconds:.3g} s", "wait": describe_wait(found.wait)}
    status = getattr(getattr(error, "response", None), "status_code", "")
    sentence = found.sentence.format(**words, status=status)
    return replace(found, sentence=sentence[:4].replace("the ", "The ") + sentence[4:])  # "the Hub" may come first


def _adjust_to_server(found: HubFault, error: BaseException, server: CalledServer) -> HubFault:
    """Return what a fault means at the kind of server where it happened."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if server == "endpoint":
        if status in {401, 402, 403}:
            return HubFault(_ENDPOINT_REFUSES)
        if found.scope == "network" and found.sentence == _UNREACHABLE:
            return HubFault(_ENDPOINT_AWAY)
        return replace(found, scope="model")
    if server == "hub" and status == 403:
        return HubFault(_NO_SEARCH, "account")
    return found


def _classify_error(error: BaseException) -> HubFault:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    match error:
        case HuggingGPTError():
            return HubFault(str(error).replace("{", "{{").replace("}", "}}"))  # read_fault formats it
        case GatedRepoError():
            return HubFault(_GATED)
        case RepositoryNotFoundError():
            return HubFault(_GONE, gone=True)
        case httpx2.HTTPStatusError():  # HfHubHTTPError is one, in effect: it has a response
            return _classify_response(error.response)
        case _ if isinstance(getattr(error, "response", None), httpx2.Response):
            return _classify_response(error.response)  # type: ignore[attr-defined]
        case RefusedError():
            return HubFault(_PRIVATE)
        case TimeoutError() | httpx2.TimeoutException():
            connecting = isinstance(error, httpx2.ConnectTimeout) or isinstance(error.__cause__, httpx2.ConnectTimeout)
            return HubFault(_UNREACHABLE, "network") if connecting else HubFault(_SLOW, "provider")
        case httpx2.ProxyError():
            return HubFault(_PROXY, "network")
        case httpx2.ConnectError() | OfflineModeIsEnabled():
            sentence = _CERTIFICATE if "CERTIFICATE_VERIFY_FAILED" in str(error) else _UNREACHABLE
            return HubFault(sentence, "network", retryable=True)
        case httpx2.TransportError():
            return HubFault(_BROKEN_OFF, "provider", retryable=True)
        case _:  # a body that is no JSON, lacks a field, or is no picture: the client raises whatever that led to
            return HubFault(_NONSENSE)


def _classify_response(response: httpx2.Response) -> HubFault:
    status, message = response.status_code, _read_message(response)
    asks_consent = re.search(r"\bgated\b|\baccept\b.{0,40}\b(?:terms|conditions|licen[cs]e|agreement)\b", message)
    if response.headers.get("X-Error-Code") == "GatedRepo" or (status == 403 and asks_consent):
        return HubFault(_GATED)
    wait = read_retry_after(response.headers)
    if status in {429, 503} and "loading" in message:
        estimate = _read_field(response, "estimated_time")
        is_number = isinstance(estimate, int) or (isinstance(estimate, float) and not math.isnan(estimate))
        loading_wait = min(max(estimate, 0), _MAX_WAIT_SECONDS) if is_number else wait
        return HubFault(_LOADING, retryable=True, wait=float(loading_wait), loading=True)
    known = _STATUSES.get(status) or _StatusMeaning(_TROUBLE, "provider")
    return HubFault(known.sentence, known.scope, known.retryable, wait, gone=known.sentence == _GONE)


def _read_message(response: httpx2.Response) -> str:
    found = _read_field(response, "error")
    return (str(found) if found is not None else "").lower() + response.headers.get("X-Error-Message", "").lower()


def _read_field(response: httpx2.Response, name: str) -> Any:
    try:
        content = response.json()
    except (ValueError, httpx2.StreamError, UnicodeError):
        return None
    return content.get(name) if isinstance(content, dict) else None


def build_fault_error(fault: HubFault) -> ExpertError:
    """Return a fault as an exception, without the cause, which may quote a token."""
    return BackendError(fault.sentence) if fault.scope in {"account", "network"} else ExpertError(fault.sentence)
