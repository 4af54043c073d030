"""Defensive reading of a server's chat completions: text, token counts, cost."""

from typing import Any, Final, Literal

_OPEN, _CLOSE = "<think>", "</think>"
_MAX_BLANKS: Final = 64  # blanks kept from before a reply; some servers send them to keep a connection open
_FILTERED: Final = ("content_filter", "safety", "prohibited_content", "blocklist", "refusal")
"""Beginnings of finish reasons where a filter or the model itself has declined."""
_MAX_COST: Final = 1e6  # cost in dollars from which on a server's figure is not believed


def read_chunk(chunk: Any) -> tuple[str, str]:
    """Return the text and the finish reason of a streamed chunk; no text where a server's form is another one."""
    choice = _get_first_choice(chunk)
    return _join_parts(_get_field(choice, "delta", "content")), str(_get_field(choice, "finish_reason"))


def read_completion(reply: Any) -> tuple[str, str] | None:
    """Return the text of a whole reply, without thoughts, and its finish reason; None where it is no completion."""
    choice = _get_first_choice(reply)
    message = _get_field(choice, "message")
    if message is None:
        return None
    text = strip_thoughts(_join_parts(_get_field(message, "content")))
    return text if text.strip() else "", str(_get_field(choice, "finish_reason"))


def has_declined(reply: Any) -> bool:
    """Return whether a model, or a filter behind it, declined to answer, in a whole reply or a chunk."""
    choice = _get_first_choice(reply)
    said = _get_field(choice, "message", "refusal") or _get_field(choice, "delta", "refusal")
    reason = str(_get_field(choice, "finish_reason")).lower()
    return bool(said) or reason.startswith(_FILTERED)


def read_usage(reply: Any) -> Any:
    """Return a server's usage report beside a reply or a chunk; None where there is none."""
    return _get_field(reply, "usage")


def read_token_count(usage: Any, name: str) -> int:
    """Return a token count of a server's usage report; 0 where it gives none that can be used."""
    count = _get_field(usage, name)
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else 0  # True is an int, too


def read_cost(usage: Any) -> float | None:
    """Return a call's cost in dollars where the server tells: OpenRouter and its imitators put it beside the tokens."""
    cost = _get_field(usage, "cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if 0 <= cost < _MAX_COST else None  # NaN is in no range


def _join_parts(content: Any) -> str:
    """Return the text of a content: a text, or a list of parts, among which thoughts are none of it (Mistral)."""
    if isinstance(content, list):
        is_text = {"text", "output_text", None}
        texts = [part.get("text") if isinstance(part, dict) and part.get("type") in is_text else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def is_empty_completion(reply: Any) -> bool:
    """Return whether a reply has a completion's form, and no choice in it: the address is right, the model said nothing."""
    return isinstance(reply, dict) and "choices" in reply and not reply["choices"]


def _get_first_choice(reply: Any) -> Any:
    choices = _get_field(reply, "choices")  # a server may send anything: an HTML page is a str here
    return choices[0] if isinstance(choices, list) and choices else None


def _get_field(value: Any, *names: str) -> Any:
    """Return the value under a path of names in a JSON value; None where there is none."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def strip_thoughts(reply: str) -> str:
    """Return a whole reply without the thoughts that some models write first; empty where it is nothing else.

    >>> strip_thoughts("<think>An invoice, so...</think> It says 20417.")
    'It says 20417.'
    """
    return ThoughtFilter().feed(reply)


class ThoughtFilter:
    """Filter of a streamed reply: keeps back the thoughts before it, and looks at each character once."""

    def __init__(self) -> None:
        self._held = ""
        """Text that nothing can be said about yet."""
        self._state: Literal["start", "thoughts", "gap", "reply"] = "start"

    def feed(self, text: str) -> str:
        """Read the next piece; return the part of the reply that is certain by now."""
        if self._state == "reply":
            return text
        self._held += text
        if self._state == "start":
            start = self._held.lstrip()
            if start.startswith(_OPEN):
                self._state, self._held = "thoughts", start[len(_OPEN) :]
            elif _OPEN.startswith(start):  # too short to tell
                self._held = self._held[-_MAX_BLANKS:]
                return ""
            else:
                self._state = "reply"
                return self._held
        if self._state == "thoughts":
            _, end, rest = self._held.partition(_CLOSE)
            self._state, self._held = ("gap", rest) if end else ("thoughts", self._held[-len(_CLOSE) :])
        if self._state == "gap":
            self._held = self._held.lstrip()
            self._state = "reply" if self._held else "gap"
            return self._held
        return ""
