"""The sentences of a text in any language that has full stops, and pieces made of them that a model can take."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_STOP: Final = re.compile(
    r"""\n\s*                                  # a new line
      | (?<=[。！？])[」』”’)]*\s*              # a full stop of Chinese or Japanese, which no space follows
      | (?<=[.!?…؟।])["'”’»)\]]*\s+            # a stop and a space
    """,
    re.VERBOSE,
)
_NO_END: Final = re.compile(
    r"(?:\b(?:[^\W\d_]|\d{1,2}|Mr|Mrs|Ms|Dr|Prof|St|Mt|No|Nr|vs|e\.g|i\.e|z\.B|d\.h|bzw|ca|cf|Fig))\.\Z"
)
"""Full stops that end no sentence: after initials, ordinal numbers, titles."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text and the white space that follows it; all of them in a row are the text."""

    text: str
    gap: str = ""

    def __len__(self) -> int:
        return len(self.text) + len(self.gap)


def sentences(text: str) -> list[Piece]:
    """Return the sentences of a text in any language that has full stops; a new line ends one too.

    >>> [piece.text for piece in sentences("Er kam am 3. Juni. Dr. Lee ging.\\nEnde")]
    ['Er kam am 3. Juni.', 'Dr. Lee ging.', 'Ende']
    """
    found, start = [], 0
    for match in _STOP.finditer(text):
        end = match.start() + len(match[0]) - len(match[0].lstrip("\"'”’»)]」』"))  # closing quotes stay with the sentence
        before, after = text[start:end], text[match.end() : match.end() + 1]
        breaks = "\n" in match[0] or not (after.islower() or _NO_END.search(before[-12:]))
        if before.strip() and breaks:
            found.append(Piece(before, text[end : match.end()]))
            start = match.end()
    return [*found, Piece(text[start:])] if start < len(text) else found


def packed(parts: Sequence[Piece], count: Callable[[str], int], room: int) -> list[Piece]:
    """Return neighbouring parts put together, as many as fit; one that doesn't fit alone is cut between words.

    Args:
        parts: For example sentences.
        count: How long a text is, for example in tokens.
        room: How long a piece may be.
    """
    found: list[Piece] = []
    last = 0
    for part in (fitting for whole in parts for fitting in cut(whole, count, room)):
        length = count(part.text)
        if found and last + length < room:  # one is left over for the space between them
            found[-1] = Piece(found[-1].text + found[-1].gap + part.text, part.gap)
            last += length + 1
        else:
            found.append(part)
            last = length
    return found


def cut(part: Piece, count: Callable[[str], int], room: int) -> Iterator[Piece]:
    """Yield a part halved between words until each fits, or it is a single character."""
    if len(part.text) < 2 or count(part.text) <= room:
        yield part
        return
    middle = len(part.text) // 2
    at = part.text.rfind(" ", 1, middle + 1) + 1 or middle
    first = part.text[:at]
    yield from cut(Piece(first.rstrip(" "), first[len(first.rstrip(" ")) :]), count, room)
    yield from cut(Piece(part.text[at:], part.gap), count, room)
