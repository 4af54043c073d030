"""States of dedicated endpoints, read off refusals and Hugging Face's list: asleep and starting, paused, failed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from hugginggpt.core.http import read_retry_after
from hugginggpt.core.yaml_files import read_yaml
from hugginggpt.hub.faults import HubFault

_TABLE: Final[Any] = read_yaml(Path(__file__).with_suffix(".yaml"), Any)
_MAX_CHARS: Final = 4_000  # of a body that words are looked for in
_POLL_SECONDS: Final = 5.0  # pause before an endpoint that starts is asked again
_HOSTS: Final = ".endpoints.huggingface.cloud"


@dataclass(frozen=True, slots=True)
class StartingFault(HubFault):
    """Fault of a call at an endpoint that is being started: the call itself has woken it."""


def read_endpoint_fault(error: BaseException, host: str, find_listed_state: Callable[[], str]) -> HubFault | None:
    """Return what a failed call says about the state of a dedicated endpoint; None where it says nothing about that.

    Args:
        error: What the client raised.
        host: The endpoint's.
        find_listed_state: Returns its state in Hugging Face's list, empty where it isn't there; called where the refusal
            alone doesn't tell.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, httpx2.Response):
        return None
    state = _read_state(response, host, find_listed_state)
    if not state:
        return None
    sentence = _TABLE["sentences"][state].format(host=host)
    if state != "starting":
        return HubFault(sentence)
    return StartingFault(sentence, retryable=True, wait=read_retry_after(response.headers) or _POLL_SECONDS, loading=True)


def _read_state(response: httpx2.Response, host: str, find_listed_state: Callable[[], str]) -> str:
    words = _read_words(response)
    for row in _TABLE["refusals"]:
        if response.status_code in row["statuses"] and re.search(row["words"], words):
            return str(row["state"])
    unavailable = response.status_code in _TABLE["unavailable"]
    if not (unavailable or response.status_code in _TABLE["unclear"]) or re.search(_TABLE["overloaded"], words):
        return ""
    if listed := find_listed_state():
        known = _TABLE["listed"] | (_TABLE["listed_unavailable"] if unavailable else {})
        return str(known.get(listed, ""))
    # somebody else's, which isn't listed: the proxy answers so for each
    return "starting" if unavailable and host.endswith(_HOSTS) else ""


def _read_words(response: httpx2.Response) -> str:
    try:
        return response.text[:_MAX_CHARS].lower()
    except httpx2.StreamError:  # the body wasn't read
        return ""
