"""Table of hosted tasks: the function of each, and what providers and the Hub call it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CHAT: Final = "conversational"


@dataclass(frozen=True, slots=True)
class HostedTask:
    """A task as hosted models do it."""

    function: str
    """Module and name, imported at the first call."""
    does: str = ""
    """The task's name in a provider's mapping, where it is another one."""
    tag: str = ""
    """Under which tag the Hub lists models for it, where that is another one still."""


_SEEING: Final = {"does": CHAT, "tag": "image-text-to-text"}
_WRITING: Final = {"does": CHAT, "tag": "text-generation"}

HOSTED_TASKS: Final[Mapping[str, HostedTask]] = {
    "text-classification": HostedTask("text:classify"),
    "token-classification": HostedTask("text:find_entities"),
    "fill-mask": HostedTask("text:fill_gap"),
    "zero-shot-classification": HostedTask("text:sort_into_labels"),
    "sentence-similarity": HostedTask("text:compare"),
    "summarization": HostedTask("text:summarize"),
    "translation": HostedTask("text:translate"),
    "question-answering": HostedTask("text:answer_from_text"),
    "table-question-answering": HostedTask("text:answer_from_table"),
    "tabular-classification": HostedTask("text:classify_rows"),
    "conversational": HostedTask("chat:converse", **_WRITING),
    "text-generation": HostedTask("chat:converse", **_WRITING),
    "text2text-generation": HostedTask("chat:rewrite", **_WRITING),
    "image-to-text": HostedTask("chat:describe", **_SEEING),
    "visual-question-answering": HostedTask("chat:answer_about_picture", **_SEEING),
    "document-question-answering": HostedTask("chat:answer_about_document", **_SEEING),
    "image-classification": HostedTask("images:classify"),
    "zero-shot-image-classification": HostedTask("images:sort_into_labels"),
    "object-detection": HostedTask("images:detect"),
    "image-segmentation": HostedTask("images:segment"),
    "text-to-image": HostedTask("generation:paint"),
    "image-to-image": HostedTask("generation:repaint"),
    "text-to-video": HostedTask("generation:film"),
    "image-to-video": HostedTask("generation:animate"),
    "text-to-speech": HostedTask("audio:speak"),
    "automatic-speech-recognition": HostedTask("audio:transcribe"),
    "audio-classification": HostedTask("audio:classify"),
    "audio-to-audio": HostedTask("audio:clean"),
}

TASKS: Final = frozenset(HOSTED_TASKS)
"""Tasks that can be done by hosted models."""
