"""How each task is done by hosted models: which function, and what providers and the Hub call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CHAT: Final = "conversational"


@dataclass(frozen=True, slots=True)
class Way:
    """How a task is done."""

    function: str
    """Module and name, imported at the first call."""
    does: str = ""
    """What a provider's mapping calls it, where that isn't the task's own name."""
    tag: str = ""
    """Under which tag the Hub lists models for it, where that is another one still."""


_SEEING: Final = {"does": CHAT, "tag": "image-text-to-text"}
_WRITING: Final = {"does": CHAT, "tag": "text-generation"}

WAYS: Final[Mapping[str, Way]] = {
    "text-classification": Way("text:classify"),
    "token-classification": Way("text:find_entities"),
    "fill-mask": Way("text:fill_gap"),
    "zero-shot-classification": Way("text:sort_into_labels"),
    "sentence-similarity": Way("text:compare"),
    "summarization": Way("text:summarize"),
    "translation": Way("text:translate"),
    "question-answering": Way("text:answer_from_text"),
    "table-question-answering": Way("text:answer_from_table"),
    "tabular-classification": Way("text:classify_rows"),
    "conversational": Way("chat:converse", **_WRITING),
    "text-generation": Way("chat:converse", **_WRITING),
    "text2text-generation": Way("chat:rewrite", **_WRITING),
    "image-to-text": Way("chat:describe", **_SEEING),
    "visual-question-answering": Way("chat:answer_about_picture", **_SEEING),
    "document-question-answering": Way("chat:answer_about_document", **_SEEING),
    "image-classification": Way("images:classify"),
    "zero-shot-image-classification": Way("images:sort_into_labels"),
    "object-detection": Way("images:detect"),
    "image-segmentation": Way("images:segment"),
    "text-to-image": Way("generation:paint"),
    "image-to-image": Way("generation:repaint"),
    "text-to-video": Way("generation:film"),
    "image-to-video": Way("generation:animate"),
    "text-to-speech": Way("audio:speak"),
    "automatic-speech-recognition": Way("audio:transcribe"),
    "audio-classification": Way("audio:classify"),
    "audio-to-audio": Way("audio:clean"),
}

TASKS: Final = frozenset(WAYS)
"""What can be done elsewhere."""
