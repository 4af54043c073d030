"""Verdicts on answers: right, hedged, wrong, denied, invented, failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from benchmarks.truth.questions import Question

Verdict = Literal["right", "hedged", "wrong", "denied", "invented", "failed"]
VERDICTS: Final[tuple[Verdict, ...]] = ("right", "hedged", "wrong", "denied", "invented", "failed")
_MAX_MORE_WORDS: Final = 12
"""Most words of an answer beyond those that are right: what holds them among much else doesn't answer."""
_MIN_HEARD: Final = 0.8
"""Least share of the words said that a transcript must have."""
_NUMBERS: Final = {"ten": "10", "nine": "9", "four": "4", "eight": "8"}
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
    text = reply.text
    if question.files:  # the others are named together, in one sentence
        if not _names_first(question.files, reply.text):
            return "wrong"
        text = text.replace("I did not find it in", "", 1)
    hedged = bool(_HEDGE.search(text))
    if any(word in reply.text for word in question.never):
        return "invented"
    if question.absent:
        return "invented" if stated and not hedged else "denied" if _DENIAL.search(reply.text) else "right"
    if reply.error and not stated:
        return "failed"
    if stated and is_right(question, stated):
        return "hedged" if hedged and (question.heard or "can't tell" in reply.text) else "right"
    if question.foreign and "English" in reply.text:
        return "right"
    if stated and not hedged:
        return "wrong"
    return "denied" if _DENIAL.search(reply.text) else "hedged"


def is_right(question: Question, stated: str) -> bool:
    """Return whether an answer holds what is right, and little else."""
    words = _fold(stated)
    if question.files and not question.right:
        return True
    if question.heard:
        return _share_heard(question.heard, stated) >= _MIN_HEARD
    if question.shows:
        first = re.split(r"[,;.:]", words.partition("show: ")[2] or words, maxsplit=1)[0]
        return any(_contains(first, _fold(name)) for name in question.shows)
    if question.parts:
        return sum(_fold(part) in words for part in question.parts.of) >= question.parts.least
    expected = [right for right in question.right if _contains(words, _fold(right))]
    needed = question.also
    if not expected or not all(_contains(words, _fold(each)) for each in needed):
        return False
    length = sum(len(_fold(each).split()) for each in (max(expected, key=len), *needed))
    return len(words.split()) <= length + _MAX_MORE_WORDS


def _names_first(files: Sequence[str], text: str) -> bool:
    """Return whether the first titles of an answer are these files."""
    return tuple(re.findall(r"\*\*(.+?)\*\*", text)[: len(files)]) == tuple(files)


def _share_heard(said: str, heard: str) -> float:
    """Return the share of the words said that were heard, in their order."""
    words, others = (
        [_NUMBERS.get(word, word) for word in re.findall(r"\w+", each.lower().replace("twenty seven", "27"))]
        for each in (said, heard)
    )
    return sum(b.size for b in SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()) / len(words)


def _contains(words: str, piece: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(piece)}(?!\w)", words))


def _fold(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())
