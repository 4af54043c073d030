"""A text in the pieces in which a voice says it."""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from hugginggpt.core.sentences import split_pieces

_DANDA: Final = re.compile(r"(?<=[।॥။។])\s*")
"""Full stops of Indian scripts, Burmese and Khmer."""
_PAUSE: Final = re.compile(r"(?<=[;:,،；]\s)|(?<=[、，；])")
_WORD: Final = re.compile(r"\w")


def split_utterances(text: str, longest: int) -> list[str]:
    """Return the sentences of a text; one that is too long is cut at a pause, else between words, else anywhere.

    Args:
        text: In any language.
        longest: Most characters of one piece.

    >>> utterances("Dr. Lee left. 她走了。他也是。", 20)
    ['Dr. Lee left.', '她走了。', '他也是。']
    """
    whole = (part.strip() for piece in split_pieces(text) for part in _DANDA.split(piece.text))
    return [piece for part in whole for piece in _cut(part, longest) if _WORD.search(piece)]


def _cut(sentence: str, longest: int) -> Iterator[str]:
    if len(sentence) <= longest:
        yield sentence
        return
    found = ""
    for clause in _PAUSE.split(sentence):
        if len(found) + len(clause) <= longest:
            found += clause
            continue
        *done, found = [found, *(textwrap.wrap(clause, longest) or [""])]
        yield from (piece.strip() for piece in done)
        found += clause[len(clause.rstrip()) :]
    yield found.strip()
