"""Failures of the Hub, its router and the providers, each as one sentence that a person can act on.

Statuses: https://huggingface.co/docs/inference-providers and the error codes in huggingface_hub's own `errors`.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import unquote

import httpx2

from hugginggpt.core.errors import (
    AccountError,
    BackendError,
    BusyProviderError,
    ExpertError,
    HuggingGPTError,
    ModelError,
    ProviderError,
)
from hugginggpt.core.http import describe_wait, read_retry_after
from hugginggpt.core.refusals import DEFAULT_STATUS, RefusedReplyError, ServerRefusal, parse_refusal
from hugginggpt.core.ssrf import RefusedError
from hugginggpt.hub.client import FailedAtOnceError
from hugginggpt.hub.faults import SENTENCES, FaultScope, HubFault, classify_refusal

TOKENS_PAGE: Final = "huggingface.co/settings/tokens"
_MAX_WAIT_SECONDS: Final = 86_400  # a server may estimate anything

CalledServer = Literal["hub", "router", "job", "files", "endpoint", "unknown endpoint"]
"""A job is one that a provider has accepted, and that is polled for; files are its results, which lie on servers of their own;
an unknown endpoint is one that a token was not sent to, because nobody said that it may have it."""

_ERRORS: Final[Mapping[FaultScope, type[ExpertError]]] = {
    "request": ModelError,
    "model": ModelError,
    "provider": ProviderError,
    "account": AccountError,
    "key": AccountError,
    "network": BackendError,
}
"""Classes of the errors that rule out more than one deployment."""
_HF_INFERENCE: Final = "hf-inference"
_OWN_FAULTS: Final[Mapping[str, HubFault]] = {
    SENTENCES["unpaid"]: HubFault(SENTENCES["no_credit"], "account"),
    SENTENCES["provider_key"]: HubFault(SENTENCES["no_token"], "key"),
}
"""Faults between Hugging Face and a provider, and what they are where the provider is Hugging Face itself."""
_PROVIDERS_OWN: Final = frozenset({SENTENCES["provider_key"], SENTENCES["unpaid"], SENTENCES["no_free_calls"]})


def read_fault(error: BaseException, *, model: str, provider: str, seconds: float, server: CalledServer = "router") -> HubFault:
    """Classify a call's failure.

    Args:
        error: What the client raised.
        model: Id on the Hub.
        provider: Name of the server that was called, as people know it.
        seconds: Time that the call was given.
        server: Kind of server that was called. A failure at an endpoint says nothing about the account or the network.
    """
    if isinstance(error, FailedAtOnceError) and error.__cause__ is not None:
        error = error.__cause__
    refusal = read_hub_refusal(error)
    found = _adjust_to_server(_classify_error(error, refusal), refusal, server)
    found = _OWN_FAULTS.get(found.sentence, found) if provider == _HF_INFERENCE else found
    values = {"model": model, "provider": provider, "seconds": f"{seconds:.3g} s", "wait": describe_wait(found.wait)}
    sentence = found.sentence.format(**values, status=refusal.status if refusal else "")
    return replace(found, sentence=sentence[:4].replace("the ", "The ") + sentence[4:])  # "the Hub" may come first


def read_hub_refusal(error: BaseException) -> ServerRefusal | None:
    """Return the refusal behind an exception of huggingface_hub's client; None where it is none, but a failure on the way."""
    if isinstance(error, FailedAtOnceError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, RefusedReplyError):
        return error.refusal
    response = getattr(error, "response", None)  # of HfHubHTTPError, and of httpx's own
    if not isinstance(response, httpx2.Response):
        return None
    wait = read_retry_after(response.headers) or _read_seconds(response, "retry_after")
    refusal = parse_refusal(_read_text(response), response.status_code, wait)
    codes = refusal.codes | {response.headers.get(name, "").lower() for name in ("X-Error-Code", "X-Fal-Error-Type")} - {""}
    text = unquote(refusal.text) if "%20" in refusal.text else refusal.text  # xAI escapes its words as if they were a URL
    return replace(refusal, text=f"{text} {response.headers.get('X-Error-Message', '')}".strip(), codes=codes)


def _adjust_to_server(found: HubFault, refusal: ServerRefusal | None, server: CalledServer) -> HubFault:
    """Adjust a fault to the kind of server where it happened."""
    status = refusal.status if refusal else 0
    if server == "unknown endpoint" and status in {401, 403}:
        return HubFault(SENTENCES["endpoint_wants_token"])
    if server in {"endpoint", "unknown endpoint"}:
        if (
            found.scope in {"account", "key"}
            or found.sentence in _PROVIDERS_OWN
            or (status in {401, 402, 403} and found.sentence != SENTENCES["content"])
        ):
            return HubFault(SENTENCES["endpoint_refuses"])
        if found.scope == "network" and found.sentence == SENTENCES["unreachable"]:
            return HubFault(SENTENCES["endpoint_away"])
        return replace(found, scope="deployment")
    if server == "job" and found.moved and refusal:  # what is gone is the job
        return classify_refusal(replace(refusal, status=DEFAULT_STATUS, codes=frozenset(), is_job=True), came_with_success=True)
    if server == "files" and not found.timed_out:
        return HubFault(SENTENCES["result_away"], "provider")
    if server == "hub" and status == 403 and found.sentence != SENTENCES["gated"]:
        return HubFault(SENTENCES["no_search"], "account")
    return found


def _classify_error(error: BaseException, refusal: ServerRefusal | None) -> HubFault:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    match error:
        case HuggingGPTError():
            return HubFault(str(error).replace("{", "{{").replace("}", "}}"))  # read_fault formats it
        case GatedRepoError():  # a kind of RepositoryNotFoundError, so it comes first
            return HubFault(SENTENCES["gated"], "model")
        case RepositoryNotFoundError():
            return HubFault(SENTENCES["gone"], moved=True)
        case RefusedReplyError():
            return classify_refusal(error.refusal, came_with_success=True)
        case _ if refusal is not None:
            return _classify_response(error.response, refusal)  # type: ignore[attr-defined]
        case RefusedError():
            return HubFault(SENTENCES["private"])
        case TimeoutError() | httpx2.TimeoutException():  # the library's own timeout has httpx's as its cause
            connecting = isinstance(error, httpx2.ConnectTimeout) or isinstance(error.__cause__, httpx2.ConnectTimeout)
            if connecting:
                return HubFault(SENTENCES["unreachable"], "network")
            return HubFault(SENTENCES["slow"], outage=True, timed_out=True)  # the provider's other models may be quicker
        case httpx2.ProxyError():
            return HubFault(SENTENCES["proxy"], "network")
        case httpx2.ConnectError() | OfflineModeIsEnabled():
            sentence = SENTENCES["certificate"] if "CERTIFICATE_VERIFY_FAILED" in str(error) else SENTENCES["unreachable"]
            return HubFault(sentence, "network", retryable=True)
        case httpx2.TransportError():
            return HubFault(SENTENCES["broken_off"], "provider", retryable=True, outage=True)
        case _:  # a body that is no JSON, lacks a field, or is no picture: the client raises whatever that led to
            return HubFault(SENTENCES["nonsense"])


def _classify_response(response: httpx2.Response, refusal: ServerRefusal) -> HubFault:
    if refusal.status in {429, 503} and "loading" in refusal.text.lower():
        wait = _read_seconds(response, "estimated_time", refusal.wait)
        return HubFault(SENTENCES["loading"], retryable=True, wait=wait, loading=True)
    return classify_refusal(refusal)


def _read_text(response: httpx2.Response) -> str:
    try:
        return response.text
    except (httpx2.StreamError, UnicodeError, LookupError):  # StreamError: the body wasn't read; LookupError: an odd charset
        return ""


def _read_seconds(response: httpx2.Response, name: str, default: float = 0.0) -> float:
    """Return a body's field as seconds, at least 0 and at most a day; the default where it is no number."""
    try:
        content = response.json()
    except (ValueError, httpx2.StreamError, UnicodeError):
        return default
    value = content.get(name) if isinstance(content, dict) else None  # any JSON value; Python's json reads NaN, too
    if not isinstance(value, int | float) or math.isnan(min(value, _MAX_WAIT_SECONDS)):  # an int may be too large for a float
        return default
    return float(min(max(value, 0), _MAX_WAIT_SECONDS))


def build_fault_error(fault: HubFault) -> ExpertError:
    """Turn a fault into an exception, whose class says what not to try next; without the cause, which may quote a token."""
    if fault.scope == "provider" and (fault.outage or fault.retryable):
        return BusyProviderError(fault.sentence)
    return _ERRORS.get(fault.scope, ExpertError)(fault.sentence)
