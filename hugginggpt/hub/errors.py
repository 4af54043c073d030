"""Failures of the Hub, its router and the providers, each as one sentence that a person can act on.

Statuses: https://huggingface.co/docs/inference-providers and the error codes in huggingface_hub's own `errors`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import httpx2
import yaml

from hugginggpt.core.errors import BackendError, ExpertError, HuggingGPTError
from hugginggpt.core.http import describe_wait, read_retry_after
from hugginggpt.core.ssrf import RefusedError
from hugginggpt.hub.client import FailedAtOnceError

TOKENS_PAGE: Final = "huggingface.co/settings/tokens"
_TABLE: Final[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_SENTENCES: Final[Mapping[str, str]] = _TABLE["sentences"]
_MAX_WAIT_SECONDS: Final = 86_400  # a server may estimate anything

FaultScope = Literal["model", "provider", "account", "network"]
CalledServer = Literal["hub", "router", "endpoint", "unknown endpoint"]
"""An unknown endpoint is one that a token was not sent to, because nobody said that it may have it."""


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
    moved: bool = False
    """True if the provider no longer serves the model: the cached mapping is out of date."""
    timed_out: bool = False
    """True if there was no answer in time; what an earlier try was told says more."""


@dataclass(frozen=True, slots=True)
class _StatusMeaning:
    sentence: str
    scope: FaultScope = "model"
    retryable: bool = False


_STATUSES: Final[Mapping[int, _StatusMeaning]] = {
    status: _StatusMeaning(**row | {"sentence": _SENTENCES[row["sentence"]]}) for status, row in _TABLE["statuses"].items()
}


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
    found = _adjust_to_server(_classify_error(error), error, server)
    values = {"model": model, "provider": provider, "seconds": f"{seconds:.3g} s", "wait": describe_wait(found.wait)}
    status = getattr(getattr(error, "response", None), "status_code", "")
    sentence = found.sentence.format(**values, status=status)
    return replace(found, sentence=sentence[:4].replace("the ", "The ") + sentence[4:])  # "the Hub" may come first


def _adjust_to_server(found: HubFault, error: BaseException, server: CalledServer) -> HubFault:
    """Adjust a fault to the kind of server where it happened."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if server == "unknown endpoint" and status in {401, 403}:
        return HubFault(_SENTENCES["endpoint_wants_token"])
    if server in {"endpoint", "unknown endpoint"}:
        if status in {401, 402, 403}:
            return HubFault(_SENTENCES["endpoint_refuses"])
        if found.scope == "network" and found.sentence == _SENTENCES["unreachable"]:
            return HubFault(_SENTENCES["endpoint_away"])
        return replace(found, scope="model")
    if server == "hub" and status == 403:
        return HubFault(_SENTENCES["no_search"], "account")
    return found


def _classify_error(error: BaseException) -> HubFault:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    match error:
        case HuggingGPTError():
            return HubFault(str(error).replace("{", "{{").replace("}", "}}"))  # read_fault formats it
        case GatedRepoError():  # a kind of RepositoryNotFoundError, so it comes first
            return HubFault(_SENTENCES["gated"])
        case RepositoryNotFoundError():
            return HubFault(_SENTENCES["gone"], moved=True)
        case httpx2.HTTPStatusError():  # HfHubHTTPError is one, in effect: it has a response
            return _classify_response(error.response)
        case _ if isinstance(getattr(error, "response", None), httpx2.Response):
            return _classify_response(error.response)  # type: ignore[attr-defined]
        case RefusedError():
            return HubFault(_SENTENCES["private"])
        case TimeoutError() | httpx2.TimeoutException():  # the library's own timeout has httpx's as its cause
            connecting = isinstance(error, httpx2.ConnectTimeout) or isinstance(error.__cause__, httpx2.ConnectTimeout)
            if connecting:
                return HubFault(_SENTENCES["unreachable"], "network")
            return HubFault(_SENTENCES["slow"], "provider", timed_out=True)
        case httpx2.ProxyError():
            return HubFault(_SENTENCES["proxy"], "network")
        case httpx2.ConnectError() | OfflineModeIsEnabled():
            sentence = _SENTENCES["certificate"] if "CERTIFICATE_VERIFY_FAILED" in str(error) else _SENTENCES["unreachable"]
            return HubFault(sentence, "network", retryable=True)
        case httpx2.TransportError():
            return HubFault(_SENTENCES["broken_off"], "provider", retryable=True)
        case _:  # a body that is no JSON, lacks a field, or is no picture: the client raises whatever that led to
            return HubFault(_SENTENCES["nonsense"])


def _classify_response(response: httpx2.Response) -> HubFault:
    status, message = response.status_code, _read_message(response)
    asks_consent = re.search(r"\bgated\b|\baccept\b.{0,40}\b(?:terms|conditions|licen[cs]e|agreement)\b", message)
    if response.headers.get("X-Error-Code") == "GatedRepo" or (status == 403 and asks_consent):
        return HubFault(_SENTENCES["gated"])
    wait = read_retry_after(response.headers)
    if status in {429, 503} and "loading" in message:
        estimate = _read_field(response, "estimated_time")  # any JSON value; Python's json reads NaN, too
        is_number = isinstance(estimate, int) or (isinstance(estimate, float) and not math.isnan(estimate))
        loading_wait = min(max(estimate, 0), _MAX_WAIT_SECONDS) if is_number else wait
        return HubFault(_SENTENCES["loading"], retryable=True, wait=float(loading_wait), loading=True)
    known = _STATUSES.get(status) or _StatusMeaning(_SENTENCES["trouble"], "provider")
    return HubFault(known.sentence, known.scope, known.retryable, wait, moved=known.sentence == _SENTENCES["gone"])


def _read_message(response: httpx2.Response) -> str:
    found = _read_field(response, "error")  # providers put it into the body, the Hub into a header as well
    return (str(found) if found is not None else "").lower() + response.headers.get("X-Error-Message", "").lower()


def _read_field(response: httpx2.Response, name: str) -> Any:
    try:
        content = response.json()
    except (ValueError, httpx2.StreamError, UnicodeError):  # StreamError: the body wasn't read
        return None
    return content.get(name) if isinstance(content, dict) else None


def build_fault_error(fault: HubFault) -> ExpertError:
    """Turn a fault into an exception, without the cause, which may quote a token."""
    return BackendError(fault.sentence) if fault.scope in {"account", "network"} else ExpertError(fault.sentence)
