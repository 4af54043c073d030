"""Thoughts of reasoning models, which come before the reply and are not part of it."""

import re
from typing import Final

_TAGS: Final = (
    ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"), ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"), ("<reasoning>", "</reasoning>"), ("◁think▷", "◁/think▷"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"), ("<|channel>thought", "<channel|>"),
)  # fmt: skip
"""Opening and closing marks: Qwen, DeepSeek and most others; Granite; Magistral; Seed; Kimi; gpt-oss; Gemma."""
_UNQUOTED: Final = r"(?<![`“\"'])"  # a reply about such marks quotes them


def find_open_thoughts(prompt: str) -> str:
    """Return the mark with which a template opens thoughts at a prompt's end; empty where it opens none."""
    end = prompt.rstrip()
    return next((opening for opening, _ in _TAGS if end.endswith(opening)), "")


def drop_thoughts(text: str) -> str:
    """Return a reply without thoughts; empty where it is nothing else, because the limit of tokens came first.

    Args:
        text: All that the model wrote, behind the mark with which its template opens thoughts, with special tokens.

    >>> drop_thoughts("<think>An invoice, so…</think> It says 20417.")
    'It says 20417.'
    >>> drop_thoughts("<think>An invoice, so…")
    ''
    """
    for opening, closing in _TAGS:
        if (found := re.search(_UNQUOTED + re.escape(closing), text)) and opening not in text[: found.start()]:
            text = text[found.end() :]  # opened by a token that isn't shown
        text = re.sub(rf"{_UNQUOTED}{re.escape(opening)}.*?(?:{re.escape(closing)}|\Z)", "", text, flags=re.DOTALL)
    return text.strip()
