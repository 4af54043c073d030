"""Splitting English text into sentences."""

from __future__ import annotations

import re
from typing import Final

_BOUNDARY: Final = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’)\]]*+\s++(?=["'“‘(\[]*+[A-Z0-9])   # a stop, then what can begin a sentence
      | \n\s*\n+                                      # an empty line
      | \n(?=\s*+(?:[-*•]|\d++[.)])\s)                # an item of a list
    """,
    re.VERBOSE,
)
_LAST_WORD: Final = re.compile(r"[\w.]*\Z")
_CONTEXT_CHARS: Final = 60
"""Characters looked at before and after a stop: a bound, so that time stays linear in the text's length."""
_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr prof sr jr st rev gen col capt lt sgt hon gov sen rep mt ft vs etc inc ltd co corp no nos vol fig eq "
    "ch sec pp approx dept est ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e a.m p.m u.s u.k "
    "u.n ph.d".split()
)
_SENTENCE_FINAL: Final = frozenset("a.m p.m u.s u.k u.n etc inc ltd co corp jr sr ph.d".split())
"""Abbreviations that may end a sentence, if one of `_STARTERS` follows."""
_STARTERS: Final = frozenset(
    "the a an he she it they we i you this that these those but and however in on at after before when while his her "
    "their our its there".split()
)


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences, white space folded; abbreviations, initials and decimals don't end one.

    >>> split_sentences("Dr. Lee paid $3.50. He left at 6 p.m. The shop shut.")
    ['Dr. Lee paid $3.50.', 'He left at 6 p.m.', 'The shop shut.']
    """
    found: list[str] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        before = text[max(start, match.start() - _CONTEXT_CHARS) : match.start()]
        if text[match.start()] == "." and not _is_sentence_end(before, text[match.end() : match.end() + _CONTEXT_CHARS]):
            continue
        if sentence := " ".join(text[start : match.end()].split()):
            found.append(sentence)
        start = match.end()
    if rest := " ".join(text[start:].split()):
        found.append(rest)
    return found


def _is_sentence_end(before: str, after: str) -> bool:
    """Return whether a full stop between the two texts ends a sentence."""
    word_match = _LAST_WORD.search(before)
    word = word_match[0].lower() if word_match else ""
    following = re.match(r"\W*(\w+)", after)
    if word in _ABBREVIATIONS:
        return word in _SENTENCE_FINAL and bool(following) and following[1].lower() in _STARTERS  # type: ignore[index]
    return not (len(word) == 1 and word.isalpha() and word != "i")  # an initial: J. K. Rowling
