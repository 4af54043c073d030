"""Options of calls, which a dedicated endpoint may not take: then it is asked once more without them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hugginggpt.experts.base import Call
from hugginggpt.hub.account import is_url
from hugginggpt.hub.endpoint_state import read_endpoint_fault
from hugginggpt.hub.errors import read_hub_refusal

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

T = TypeVar("T")

_WRONG_INPUT: Final = frozenset({400, 422})
"""Statuses by which servers refuse a request for what stands in it."""


def may_ask_otherwise(call: Call, error: HfHubHTTPError) -> bool:
    """Return whether an endpoint has refused a question for what stands in it, rather than for its own state."""
    refusal = read_hub_refusal(error)
    if not is_url(call.card.id) or not refusal or refusal.status not in _WRONG_INPUT or refusal.reason:
        return False
    return read_endpoint_fault(error, call.card.provider, lambda: "") is None


async def ask_with_options(call: Call, method: Callable[..., Awaitable[T]], *inputs: Any, **options: Any) -> T:
    """Return the answer to a question; an endpoint that refuses it is asked without the options.

    Containers of different ages take different ones: a slow tokenizer aggregates no words, a custom handler has parameters of
    its own, and with options a picture is sent in base64, which some don't decode.

    Args:
        call: The call.
        method: The client's.
        inputs: What the question is about.
        options: What would make the answer better.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return await method(*inputs, **options)
    except HfHubHTTPError as error:
        if not may_ask_otherwise(call, error):
            raise
    return await method(*inputs)
