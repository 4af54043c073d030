"""Borders of words: where an answer that tokens mark out begins and ends."""

import re
import unicodedata
from typing import Final

_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_LOOSE_ENDS: Final = " \t\r\n,;:"


def align_to_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the whole words that a span of characters touches, less white space and commas at its ends.

    A word is letters and digits; an apostrophe joins letters, a stop, comma or colon digits. A script without spaces has
    no borders to look for.

    >>> text = "It cost 1,250.75 euros."
    >>> text[slice(*align_to_words(text, 10, 12))]
    '1,250.75'
    """
    while start < end and text[start] in _LOOSE_ENDS:
        start += 1
    while end > start and text[end - 1] in _LOOSE_ENDS:
        end -= 1
    if start == end:
        return start, end
    while start > 0 and _is_inside_word(text, start):
        start -= 1
    while end < len(text) and _is_inside_word(text, end):
        end += 1
    return start, end


def _is_inside_word(text: str, at: int) -> bool:
    """Return whether the characters before and behind a position belong to one word."""
    before, after = text[at - 1], text[at]
    if _is_part(before) and _is_part(after):
        return True
    if _is_part(before) and at + 1 < len(text):
        return _joins(before, after, text[at + 1])
    return at >= 2 and _is_part(after) and _joins(text[at - 2], before, after)


def _is_part(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" and not _UNSPACED.match(char)


def _joins(before: str, sign: str, after: str) -> bool:
    return (sign in "'’" and before.isalpha() and after.isalpha()) or (sign in ".,:" and before.isdigit() and after.isdigit())
