"""Chat completions of hosted models, with as many tokens for the reply as the server has room for.

A server counts the question and all tokens that the reply may have against one window. What a refusal tells of it is asked for
next, and remembered for the provider and the model. A question that is too long by itself is sent without its middle where no
other model can be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.refusals import ServerRefusal
from hugginggpt.experts.base import Call
from hugginggpt.hub.errors import read_hub_refusal
from hugginggpt.hub.faults import SENTENCES, classify_refusal
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.context_window import parse_refusal_window
from hugginggpt.llm.reply_limit import MIN_REPLY_TOKENS, ReplyLimit, parse_reply_limit

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient, ChatCompletionOutput

MAX_REPLY_TOKENS: Final = 2_048
"""Most tokens of a reply, thoughts included; a provider's own limit may be as low as 20."""
_MAX_FURTHER: Final = 2  # further requests: one limit may hide another
_CHARS_PER_TOKEN: Final = 4  # where that is too many, the refusal counts exactly
_PICTURE_TOKENS: Final = 1_000  # a guess; models take from 85 to several thousand


_MIN_CUT_CHARS: Final = 400  # a shorter text is not cut
_MAX_KEPT, _MIN_KEPT = 0.5, 0.02
"""Greatest and least share of a text that is kept where it is too long: it was, so what is estimated of it was too little."""
_WINDOW_SHARE: Final = (
    0.6  # share of a window that a text which was too long is cut to: the rest is for the reply, and a reserve
)
_OMITTED: Final = "\n[…]\n"


@dataclass(frozen=True, slots=True)
class ChatReply:
    """Reply of a model, and how much of the question it has read."""

    completion: ChatCompletionOutput
    read: float = 1.0
    """Share (0..1) of the question's text that was sent."""


async def complete_chat(call: Call, client: AsyncInferenceClient, messages: Sequence[Mapping[str, Any]]) -> ChatReply:
    """Ask for a reply, and again for a shorter one, or with a shorter text, where the server has no room for it.

    A text is cut only where no other model can be asked, whose window may be larger.

    Args:
        call: Names model and provider.
        client: Bound to them.
        messages: role and content of each.
    """
    server = f"hosted:{call.card.provider}"
    tokens = _choose_tokens(CAPABILITIES.get(server, call.card.id), messages)
    read = 1.0
    for further in range(_MAX_FURTHER + 1):
        try:
            sent = [_keep_share(message, read) for message in messages]
            return ChatReply(await client.chat_completion(sent, max_tokens=tokens), read)
        except Exception as error:
            refusal = read_hub_refusal(error)
            if refusal is None or further == _MAX_FURTHER:
                raise
            limit = parse_reply_limit(refusal, tokens)
            kept = _choose_kept_share(refusal, sent)
            if limit is None and (kept is None or call.has_fallback):
                raise
        if limit is not None:
            CAPABILITIES.store(server, call.card.id, _learn(CAPABILITIES.get(server, call.card.id), limit))
            tokens = limit.tokens
        elif kept is not None:
            window = parse_refusal_window(refusal.text)
            read, tokens = read * kept, max(min(tokens, window // 4), MIN_REPLY_TOKENS) if window else tokens
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


def _choose_kept_share(refusal: ServerRefusal, sent: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the share of a text to send next; None where it isn't too long, or can't be cut."""
    chars = sum(len(text) for message in sent for text in _list_texts(message["content"]))
    if chars < _MIN_CUT_CHARS or classify_refusal(refusal).sentence != SENTENCES["too_large"]:
        return None
    window = parse_refusal_window(refusal.text)
    fits = window * _WINDOW_SHARE * _CHARS_PER_TOKEN / chars if window else _MAX_KEPT
    return max(min(fits, _MAX_KEPT), _MIN_KEPT)


def _list_texts(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]


def _keep_share(message: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Return a message whose texts lack their middle: what is asked stands at the beginning or at the end."""
    content = message["content"]
    if share >= 1:
        return dict(message)
    if isinstance(content, str):
        return {**message, "content": _cut_middle(content, share)}
    parts = [{**part, "text": _cut_middle(part["text"], share)} if part["type"] == "text" else part for part in content]
    return {**message, "content": parts}


def _cut_middle(text: str, share: float) -> str:
    half = max(int(len(text) * share) // 2, 1)
    return text if len(text) < _MIN_CUT_CHARS else f"{text[:half]}{_OMITTED}{text[-half:]}"


def _learn(known: Capabilities, limit: ReplyLimit) -> Capabilities:
    return replace(known, window=limit.window or known.window, max_reply=limit.max_reply or known.max_reply)
