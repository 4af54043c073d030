"""What a server's chat completions hold, as far as their form can be relied on: words, tokens, money."""

from __future__ import annotations

from typing import Any, Final

_NO_PRICE: Final = 1e6
"""So many dollars no call costs."""


def words_of(piece: Any) -> tuple[str, str]:
    """The words of a piece of a stream, and how the reply ends with it; nothing where a server's form is another one."""
    choices = getattr(piece, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    text = getattr(getattr(choice, "delta", None), "content", None)
    return text if isinstance(text, str) else "", str(getattr(choice, "finish_reason", None))


def whole_words(reply: Any) -> tuple[str, str] | None:
    """The words of a reply in one piece, without thoughts, and how it ends; None where it is no completion."""
    choices = getattr(reply, "choices", None)  # the client hands on an HTML page as a str
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None:
        return None
    content = getattr(message, "content", None)
    text = (spoken(content) if isinstance(content, str) else None) or ""
    return text if text.strip() else "", str(getattr(choice, "finish_reason", None))


def tokens(usage: Any, name: str) -> int:
    """How many tokens, as far as a server tells it in a form that can be counted."""
    told = getattr(usage, name, None)
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else 0


def dollars(usage: Any) -> float | None:
    """What a call cost, where the server tells: OpenRouter and those that do as it does put it beside the tokens."""
    told = getattr(usage, "cost", None)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if 0 <= told < _NO_PRICE else None


def spoken(reply: str) -> str | None:
    """A reply, or the beginning of one, without the thoughts that some models write first; None while these go on.

    >>> spoken("<think>An invoice, so...</think> It says 20417.")
    'It says 20417.'
    """
    start = reply.lstrip()
    if start.startswith("<think>"):
        _, end, rest = start.partition("</think>")
        return rest.lstrip() if end else None
    return None if "<think>".startswith(start) else reply
