"""Chat completions of hosted models, with as many tokens for the reply as the server has room for.

A server counts the question and all tokens that the reply may have against one window. What a refusal tells of it is asked for
next, and remembered for the provider and the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.hub.errors import read_hub_refusal
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.reply_limit import MIN_REPLY_TOKENS, ReplyLimit, parse_reply_limit

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient, ChatCompletionOutput

MAX_REPLY_TOKENS: Final = 2_048
"""Most tokens of a reply, thoughts included; a provider's own limit may be as low as 20."""
_MAX_FURTHER: Final = 2  # further requests: one limit may hide another
_CHARS_PER_TOKEN: Final = 4  # where that is too many, the refusal counts exactly
_PICTURE_TOKENS: Final = 1_000  # a guess; models take from 85 to several thousand


async def complete_chat(
    call: Call, client: AsyncInferenceClient, messages: Sequence[Mapping[str, Any]]
) -> ChatCompletionOutput:
    """Ask for a reply, and again for a shorter one where the server has no room for it.

    Args:
        call: Names model and provider.
        client: Bound to them.
        messages: role and content of each.
    """
    server = f"hosted:{call.card.provider}"
    tokens = _choose_tokens(CAPABILITIES.get(server, call.card.id), messages)
    for further in range(_MAX_FURTHER + 1):
        try:
            return await client.chat_completion([dict(message) for message in messages], max_tokens=tokens)
        except Exception as error:
            refusal = read_hub_refusal(error)
            limit = parse_reply_limit(refusal, tokens) if refusal and further < _MAX_FURTHER else None
            if limit is None:
                raise
        CAPABILITIES.store(server, call.card.id, _learn(CAPABILITIES.get(server, call.card.id), limit))
        tokens = limit.tokens
    raise AssertionError("unreachable")  # for the type checker: the last try returns or raises


def _choose_tokens(known: Capabilities, messages: Sequence[Mapping[str, Any]]) -> int:
    most = min(MAX_REPLY_TOKENS, known.max_reply or MAX_REPLY_TOKENS)
    if not known.window:
        return most
    room = known.window - sum(_estimate_tokens(message["content"]) for message in messages)
    return max(min(most, room), MIN_REPLY_TOKENS)


def _estimate_tokens(content: Any) -> int:
    if isinstance(content, str):
        return len(content) // _CHARS_PER_TOKEN + 1
    return sum(_estimate_tokens(part["text"]) if part["type"] == "text" else _PICTURE_TOKENS for part in content)


def _learn(known: Capabilities, limit: ReplyLimit) -> Capabilities:
    return replace(known, window=limit.window or known.window, max_reply=limit.max_reply or known.max_reply)
