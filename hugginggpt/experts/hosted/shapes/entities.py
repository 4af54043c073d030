"""Named entities: pieces of words with tags, which the pipeline sends where nobody aggregates them, made into names.

As the pipeline aggregates with the strategy "first" (transformers' pipelines/token_classification.py): a word has the tag of
its first piece, and neighbouring words of one tag are one name unless a tag says that a new one begins.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from hugginggpt.experts.hosted.shapes.common import AnswerShapeError, list_rows

_TAG: Final = re.compile(r"(?:(?P<place>[BIESLUM])[-_])?(?P<label>.+)", re.DOTALL)
"""A tag of the schemes IOB, IOBES, BILOU and BMES, or a label alone."""
_BEGINNING: Final = frozenset("BSU")
_ENDING: Final = frozenset("ESLU")
_CONTINUATION: Final = "##"  # WordPiece
_WORD_STARTS: Final = ("▁", "Ġ")  # SentencePiece, and byte-level BPE
_SPACELESS: Final = frozenset("WF")
"""East Asian widths: what is written in these has no spaces between words."""
_MAX_WORD_CHARS: Final = 200
"""Longest word, and longest gap within a name: an endpoint that tells other offsets has its names cut, not the text copied."""
_MAX_SEARCHES: Final = 1_000
"""Most times that a whole text is searched through for pieces without offsets."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token with its tag, or a word made of several."""

    label: str
    place: str
    """Place in a name that its tag tells (B, I, E, S …); empty without one."""
    score: float
    start: int
    end: int
    first: int | None
    """Number of its first token in the text; None where the answer doesn't tell."""
    last: int | None
    continues: bool
    """True if it is no beginning of a word."""


def read_entities(value: Any, asked: Any) -> Any:
    """Read named entities: aggregated ones as they are, pieces of words as the names that they make up."""
    rows = list_rows(value)
    text = asked if isinstance(asked, str) else ""
    if all("entity_group" in row for row in rows):
        return rows
    grouped = [row for row in rows if "entity_group" in row]
    names = _group_words(_join_words(_read_pieces((row for row in rows if "entity_group" not in row), text), text), text)
    return sorted([*grouped, *names], key=lambda name: name.get("start") or 0)


def _read_pieces(rows: Iterable[Mapping[str, Any]], text: str) -> list[_Piece]:
    tagged = [row for row in rows if (row.get("entity") or "O") != "O"]
    words = [str(row.get("word") or "") for row in tagged]
    marks_starts = any(word.startswith(_WORD_STARTS) for word in words)
    pieces: list[_Piece] = []
    lower, cursor, searched = text.lower(), 0, 0
    for row, word in zip(tagged, words, strict=True):
        found = _TAG.fullmatch(str(row["entity"]))
        start, end = _locate(row, word, lower, cursor)
        if not isinstance(row.get("start"), int):
            searched += (start if start < end else len(lower)) - cursor
        if searched > _MAX_SEARCHES * (len(lower) + 1):
            raise AnswerShapeError("pieces of the text were expected")
        cursor = end
        inside = marks_starts and not word.startswith(_WORD_STARTS) and _is_inside(text, start - 1)
        continues = word.startswith(_CONTINUATION) or inside
        number = row["index"] if isinstance(row.get("index"), int) else None
        label, place = (found["label"], found["place"] or "") if found else (str(row["entity"]), "")
        pieces.append(_Piece(label, place, float(row["score"]), start, end, number, number, continues))
    return pieces


def _locate(row: Mapping[str, Any], word: str, lower: str, cursor: int) -> tuple[int, int]:
    """Return a piece's offsets; slow tokenizers don't tell them, so it is looked for in the text, which is in lower case."""
    start, end = row.get("start"), row.get("end")
    if isinstance(start, int) and isinstance(end, int):
        start = min(max(start, 0), len(lower))
        return start, min(max(end, start), start + _MAX_WORD_CHARS, len(lower))
    bare = word.removeprefix(_CONTINUATION).lstrip("".join(_WORD_STARTS))
    place = lower.find(bare.lower(), cursor)
    return (place, place + len(bare)) if place >= 0 else (cursor, cursor)


def _join_words(pieces: Sequence[_Piece], text: str) -> list[_Piece]:
    """Join the pieces of each word; pieces of a word whose beginning has no tag are left out."""
    words: list[_Piece] = []
    for piece in pieces:
        if not piece.continues:
            words.append(piece)
        elif words and _is_word(text, words[-1].end, piece.start):
            before = words.pop()
            # the tag and the score of the first piece count, but a name that ends inside of a word ends with it
            place = piece.place if piece.place in _ENDING and before.place not in _BEGINNING else before.place
            words.append(replace(before, place=place, end=piece.end, last=piece.last))
    return [_complete(word, text) for word in words] if any(piece.continues for piece in pieces) else words


def _complete(word: _Piece, text: str) -> _Piece:
    """Return a word with its last pieces, where those have no tag."""
    end, limit = word.end, word.end + _MAX_WORD_CHARS
    while end < limit and _is_inside(text, end) and _is_inside(text, end - 1):
        end += 1
    return replace(word, end=end)


def _is_word(text: str, start: int, end: int) -> bool:
    """Return whether there is nothing between two pieces but letters and digits."""
    return start == end or (
        0 < end - start <= _MAX_WORD_CHARS and all(_is_inside(text, offset) for offset in range(start, end))
    )


def _is_inside(text: str, offset: int) -> bool:
    """Return whether a character is a letter or digit of a word that spaces end."""
    return 0 <= offset < len(text) and text[offset].isalnum() and unicodedata.east_asian_width(text[offset]) not in _SPACELESS


def _group_words(words: Sequence[_Piece], text: str) -> list[dict[str, Any]]:
    groups: list[list[_Piece]] = [[word] for word in words[:1]]
    for before, word in pairwise(words):
        begins = word.place in _BEGINNING or before.place in (_ENDING - _BEGINNING)
        if word.label == before.label and not begins and _are_neighbours(before, word, text):
            groups[-1].append(word)
        else:
            groups.append([word])
    return [_describe(group, text) for group in groups]


def _are_neighbours(before: _Piece, after: _Piece, text: str) -> bool:
    """Return whether nothing stands between two words: by the numbers of their tokens, where those are told, or by the text."""
    if not 0 <= after.start - before.end <= _MAX_WORD_CHARS:
        return False
    follows = before.last is not None and after.first is not None and after.first == before.last + 1
    return follows or not text[before.end : after.start].strip()


def _describe(group: Sequence[_Piece], text: str) -> dict[str, Any]:
    start, end = group[0].start, group[-1].end
    score = sum(word.score for word in group) / len(group)
    return {"entity_group": group[0].label, "score": score, "word": text[start:end], "start": start, "end": end}
