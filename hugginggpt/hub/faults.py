"""Faults of hosted calls: what a refusal means, and what it rules out for the next call.

The tables are in ``errors.yaml``; how a refusal's words are read is told by `core.refusals`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from hugginggpt.core.http import redact_key
from hugginggpt.core.refusals import DEFAULT_STATUS, Pattern, ServerRefusal, build_pattern

_TABLE: Final[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("errors.yaml").read_text(encoding="utf-8"))
SENTENCES: Final[Mapping[str, str]] = _TABLE["sentences"]
"""Sentences for all that goes wrong, by name."""
_MAX_QUOTED_CHARS: Final = 160
_NOT_QUOTED: Final = re.compile(r"(?:https?|data):\S*|[^\w\s.,;:'’%/()+-]")
"""Parts of a server's words that are not shown: addresses, and signs that a page would take for markup."""

FaultScope = Literal["deployment", "request", "model", "provider", "account", "key", "network"]
"""Reach of a failure: one model at one provider (a deployment), this request to the model anywhere, the model, the provider, or
the account, the key or the network, and so all providers."""


@dataclass(frozen=True, slots=True)
class HubFault:
    """Meaning of a failed call."""

    sentence: str
    scope: FaultScope = "deployment"
    retryable: bool = False
    """True if the same call may succeed in a while."""
    outage: bool = False
    """True if the provider itself has failed: its circuit breaker counts it."""
    wait: float = 0.0
    """Wait that the server asks for, in seconds; 0 where it says nothing."""
    loading: bool = False
    """True if the model is being loaded."""
    moved: bool = False
    """True if the provider no longer serves the model: the cached mapping is out of date."""
    timed_out: bool = False
    """True if there was no answer in time; what an earlier try was told says more."""


@dataclass(frozen=True, slots=True)
class _FaultRow:
    pattern: Pattern
    fault: HubFault


def _build_fault(row: Mapping[str, Any]) -> HubFault:
    name, rest = row["sentence"], {key: value for key, value in row.items() if key in {"scope", "retryable", "outage"}}
    return HubFault(SENTENCES[name], moved=name == "gone", **rest)


_REFUSALS: Final[Sequence[_FaultRow]] = tuple(_FaultRow(build_pattern(row), _build_fault(row)) for row in _TABLE["refusals"])
_REASONS: Final[Mapping[str, HubFault]] = {name: _build_fault(row) for name, row in _TABLE["reasons"].items()}
_STATUSES: Final[Mapping[int, HubFault]] = {status: _build_fault(row) for status, row in _TABLE["statuses"].items()}
_TROUBLE: Final = HubFault(SENTENCES["trouble"], "provider", retryable=False, outage=True)


def classify_refusal(refusal: ServerRefusal, *, came_with_success: bool = False) -> HubFault:
    """Return what a refusal means; its sentence is still to be filled in.

    Args:
        refusal: What a server says.
        came_with_success: Whether it came with status 200, in place of a result.
    """
    if came_with_success and not refusal.text and not refusal.codes:
        return HubFault(SENTENCES["nonsense"])
    row = next((row for row in _REFUSALS if row.pattern.fits(refusal)), None)
    if row is not None:
        found = row.fault
    elif refusal.reason is not None:
        found = _REASONS[refusal.reason.name]
    elif came_with_success and (refusal.is_job or refusal.status == DEFAULT_STATUS):
        found = HubFault(SENTENCES["job_failed"])
    else:
        found = _STATUSES.get(refusal.status, _TROUBLE)
    words = _quote(refusal.text)
    sentence = found.sentence.replace("{words}", f" (“{words}”)" if words else "")
    # once a job is accepted, a second try would be a second job, and be paid for
    return replace(found, sentence=sentence, wait=refusal.wait, retryable=found.retryable and not refusal.is_job)


def _quote(text: str) -> str:
    """Return a server's words as they may be shown: cut, and without what a page would take for markup or an address."""
    words = " ".join(_NOT_QUOTED.sub(" ", redact_key(text, "")).split())
    return words if len(words) <= _MAX_QUOTED_CHARS else f"{words[:_MAX_QUOTED_CHARS].rstrip()} …"
