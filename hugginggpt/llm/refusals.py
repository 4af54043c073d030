"""Refusals of language models' servers: what openai's client raises for them, and which parameter each refuses.

How a refusal's words are read, and which reasons there are, is told by `core.refusals`; the parameters, and the reasons that
only such servers give, stand in ``refusals.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hugginggpt.core.http import read_retry_after
from hugginggpt.core.refusals import (
    DEFAULT_STATUS,
    TEXT_KEYS,
    Pattern,
    Reason,
    RefusedReplyError,
    ServerRefusal,
    build_pattern,
    build_reasons,
    parse_refusal,
)


def read_refusal(error: Exception) -> ServerRefusal | None:
    """Return the refusal behind an exception of openai's client; None where it is none, but a failure on the way."""
    import openai

    if isinstance(error, RefusedReplyError):
        return error.refusal
    if isinstance(error, openai.APIStatusError):
        body = error.body if error.body is not None else error.response.text
        return parse_refusal(body, error.status_code, read_retry_after(error.response.headers))
    if type(error) is openai.APIError:  # an error amid a stream, which the client has noticed
        return parse_refusal({"message": error.message, "error": error.body}, DEFAULT_STATUS)
    return None


def find_refusal(reply: Any) -> ServerRefusal | None:
    """Return the refusal that came in place of a reply, or of a piece of one, with status 200; None where it is none."""
    if not isinstance(reply, Mapping):
        return None
    choices = reply.get("choices")
    inner = choices[0].get("error") if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None
    if inner or reply.get("error"):
        return parse_refusal(inner or reply["error"], DEFAULT_STATUS)
    if "choices" in reply or not TEXT_KEYS & set(reply):
        return None
    refusal = parse_refusal(reply, DEFAULT_STATUS)  # vLLM's {"object": "error", "message": …}; or no model's answer at all
    return refusal if find_reason(refusal) or names_any_parameter(refusal) else None


def find_reason(refusal: ServerRefusal) -> Reason | None:
    """Return the reason that a language model's server gives; None where only its status tells."""
    return next((reason for reason in _load_own_reasons() if reason.pattern.fits(refusal)), refusal.reason)


def names_parameter(refusal: ServerRefusal, parameter: str) -> bool:
    """Return whether a server refuses that parameter of ``refusals.yaml``, in so many words."""
    return _load_parameters()[parameter].fits(refusal)


def names_any_parameter(refusal: ServerRefusal) -> bool:
    """Return whether a server refuses any parameter, in so many words."""
    return any(names_parameter(refusal, parameter) for parameter in list_parameters())


def list_parameters() -> Sequence[str]:
    """Return the parameters that servers may refuse, in the order in which they are looked for."""
    return tuple(_load_parameters())


@cache
def _load_parameters() -> Mapping[str, Pattern]:
    return {row["parameter"]: build_pattern(row) for row in _load_table()["parameters"]}


@cache
def _load_own_reasons() -> Sequence[Reason]:
    return build_reasons(_load_table()["reasons"])


@cache
def _load_table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return table
