"""Verdicts on answers: right, hedged, wrong, denied, invented, failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.truth.questions import Question

Verdict = Literal["right", "hedged", "wrong", "denied", "invented", "failed"]
VERDICTS: Final[tuple[Verdict, ...]] = ("right", "hedged", "wrong", "denied", "invented", "failed")
_MAX_MORE_WORDS: Final = 12
"""Most words of an answer beyond those that are right: what holds them among much else doesn't answer."""
_HEDGE: Final = re.compile(r"did not find|could not|can't tell|cannot tell|not sure|perhaps|may be|English (?:texts )?only")
_DENIAL: Final = re.compile(r"\bis not (?:in|answered in) the (?:text|page|picture)\b|\bnothing in it answers\b")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    stated: Sequence[str] = ()
    """What is stated as an answer, without the passages that are quoted for it; one for each file that was asked."""
    text: str = ""
    """The whole answer."""
    error: str = ""
    """Empty if all went well."""


def judge(question: Question, reply: Reply) -> Verdict:
    """Return the verdict on a reply.

    "failed" are requests that end in an error; "denied" says that it isn't there, of something that is.
    """
    stated = "\n".join(reply.stated).strip()
    hedged = bool(_HEDGE.search(reply.text))
    if question.absent:
        return "invented" if stated and not hedged else "denied" if _DENIAL.search(reply.text) else "right"
    if reply.error and not stated:
        return "failed"
    if stated and is_right(question, stated):
        return "right"
    if question.foreign and "English" in reply.text:
        return "right"
    if stated and not hedged:
        return "wrong"
    return "denied" if _DENIAL.search(reply.text) else "hedged"


def is_right(question: Question, stated: str) -> bool:
    """Return whether an answer holds what is right, and little else."""
    words = _fold(stated)
    if question.parts:
        return sum(_fold(part) in words for part in question.parts.of) >= question.parts.least
    expected = [right for right in question.right if _contains(words, _fold(right))]
    needed = question.also
    if not expected or not all(_contains(words, _fold(each)) for each in needed):
        return False
    length = sum(len(_fold(each).split()) for each in (max(expected, key=len), *needed))
    return len(words.split()) <= length + _MAX_MORE_WORDS


def _contains(words: str, piece: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(piece)}(?!\w)", words))


def _fold(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())
