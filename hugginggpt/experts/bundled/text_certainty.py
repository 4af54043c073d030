"""Certainty of what was read: a page's text, writing that may be there, and texture that only looks like it.

Grass, bricks, fur and windows are read as "0000", "AAA" or "48", now and then with a high score. On a page with several
good lines the rest is believed. Elsewhere each line is read again in other cut-outs, and what doesn't stay the same is
dropped; what stays, but is short, faint or monotonous, is doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from hugginggpt.experts.bundled.image_classification import is_flat
from hugginggpt.experts.bundled.page_layout import IDEOGRAPH
from hugginggpt.experts.bundled.text_reader import FoundLine, Reading, read_again

_MIN_ANCHOR_SCORE: Final = 0.9
_MIN_PAGE_ANCHORS: Final = 4
_MIN_PAGE_CHARACTERS: Final = 25
"""Fewest good lines, or letters and digits in them, of a page whose other lines are believed without another look."""
_MIN_CERTAIN_SCORE: Final = 0.85
_MIN_DOUBTFUL_SCORE: Final = 0.7
_MIN_CERTAIN_CHARACTERS: Final = 3
"""Fewest letters and digits of a line that is believed wherever it stands; shorter ones must be large, as on a sign."""
_MIN_CHARACTERS: Final = 2  # fewest letters and digits of a doubtful line: a stray "0" is in many photographs
_MIN_LARGE_SHARE: Final = 0.12
"""Least height, relative to the picture's, of short or monotonous writing that is believed."""
_MIN_LETTER_SHARE: Final = 0.3
"""The same of a single letter or digit, as on a flash card; in photographs it is doubtful, a spoon being an "8"."""
_MIN_LARGE_SCORE: Final = 0.95
_MIN_ALIKE: Final = 0.75  # least similarity of two readings that agree, as difflib has it


@dataclass(frozen=True, slots=True)
class SortedLines:
    """Lines by how certain they are."""

    certain: tuple[FoundLine, ...] = ()
    doubtful: tuple[FoundLine, ...] = ()


def sort_lines(reading: Reading) -> SortedLines:
    """Sort what was read into certain and doubtful lines; texture is left out."""
    lines = reading.lines
    anchors = [line for line in lines if _is_anchor(line)]
    if len(anchors) >= _MIN_PAGE_ANCHORS or sum(_count(line.text) for line in anchors) >= _MIN_PAGE_CHARACTERS:
        return SortedLines(lines)
    looked_at = [line for line in lines if _count(line.text) and line.score >= _MIN_DOUBTFUL_SCORE]
    looked_at.sort(key=lambda line: -line.score)
    certain, doubtful = [], []
    for line, others in zip(looked_at, read_again(reading, looked_at), strict=False):
        agreeing = sum(_are_alike(text, line.text) for text, _ in others)
        believed = _is_worded(line.text) or _is_large(line, reading)
        is_card = _count(line.text) >= _MIN_CHARACTERS or is_flat(reading.image)
        if believed and is_card and line.score >= _MIN_CERTAIN_SCORE and agreeing >= len(others) - 1:
            certain.append(line)
        elif agreeing and (believed or _count(line.text) >= _MIN_CHARACTERS):
            doubtful.append(line)
    kept = [line for line in lines if line in certain]
    return SortedLines(tuple(kept), tuple(line for line in lines if line in doubtful))


def _is_anchor(line: FoundLine) -> bool:
    return line.score >= _MIN_ANCHOR_SCORE and _is_worded(line.text)


def _is_worded(text: str) -> bool:
    """Tell whether a text is long and varied enough to be no texture."""
    return _count(text) >= _MIN_CERTAIN_CHARACTERS and len(set(_fold(text))) > 1


def _are_alike(text: str, other: str) -> bool:
    return SequenceMatcher(None, _fold(text), _fold(other)).ratio() >= _MIN_ALIKE


def _is_large(line: FoundLine, reading: Reading) -> bool:
    heights = line.corners[:, 1]
    share = _MIN_LARGE_SHARE if _count(line.text) >= _MIN_CHARACTERS else _MIN_LETTER_SHARE
    return bool(heights.max() - heights.min() >= share * reading.image.height) and line.score >= _MIN_LARGE_SCORE


def _count(text: str) -> int:
    return sum(character.isalnum() for character in text) + len(IDEOGRAPH.findall(text))  # one of those is half a word


def _fold(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def quote_doubtful(lines: Sequence[FoundLine]) -> str:
    """Return doubtful lines as a sentence: "Perhaps written in it: “48”."; empty if there are none."""
    texts = dict.fromkeys(line.text for line in lines)
    return f"Perhaps written in it: {', '.join(f'“{text}”' for text in texts)}." if texts else ""
