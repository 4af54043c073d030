"""Splitting of texts into sentences, for any language with full stops and best for English; and into pieces for a model."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_BOUNDARY: Final = re.compile(
    r"""\n\s*                                  # a new line
      | (?<=[。！？])[」』”’)]*\s*              # a full stop of Chinese or Japanese, which no space follows
      | (?<=[.!?…؟।])["'”’»)\]]*\s+            # a stop and a space
    """,
    re.VERBOSE,
)
_NEW_PARAGRAPH: Final = re.compile(
    r"""\n\s*\n+                        # an empty line
      | \n(?=\s*+(?:[-*•]|\d++[.)])\s)  # an item of a list
    """,
    re.VERBOSE,
)
_LAST_WORD: Final = re.compile(r"[\w.]*\Z")
_FIRST_WORD: Final = re.compile(r"\W*(\w+)")
_CONTEXT_CHARS: Final = 60  # characters before and after a stop that tell whether it ends a sentence
_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr prof sr jr st rev gen col capt lt sgt hon gov sen rep mt ft vs etc inc ltd co corp no nr nos vol fig eq "
    "ch sec pp approx dept est ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e a.m p.m u.s u.k "
    "u.n ph.d z.b d.h bzw ca cf".split()
)
_FINAL_ABBREVIATIONS: Final = frozenset("a.m p.m u.s u.k u.n etc inc ltd co corp jr sr ph.d".split())
_STARTERS: Final = frozenset(
    "the a an he she it they we i you this that these those but and however in on at after before when while his her "
    "their our its there".split()
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text and the white space that follows it; all of them in a row are the text."""

    text: str
    gap: str = ""

    def __len__(self) -> int:
        return len(self.text) + len(self.gap)


def split_pieces(text: str, *, ordinals: bool = True) -> list[Piece]:
    """Return the sentences of a text in any language that has full stops; a new line ends one too.

    Args:
        text: Any.
        ordinals: Whether a number of one or two digits and a stop is an ordinal ("am 3. Juni"), which ends none.

    >>> [piece.text for piece in split_pieces("Er kam am 3. Juni. Dr. Lee ging.\\nEnde")]
    ['Er kam am 3. Juni.', 'Dr. Lee ging.', 'Ende']
    """
    pieces, start = [], 0
    for match in _BOUNDARY.finditer(text):
        end = match.start() + len(match[0]) - len(match[0].lstrip("\"'”’»)]」』"))  # closing quotes stay with the sentence
        before, after = text[max(start, end - _CONTEXT_CHARS) : end], text[match.end() : match.end() + _CONTEXT_CHARS]  # linear
        if before.strip() and ("\n" in match[0] or _ends_sentence(before, after, ordinals)):
            pieces.append(Piece(text[start:end], text[end : match.end()]))
            start = match.end()
    return [*pieces, Piece(text[start:])] if start < len(text) else pieces


def split_sentences(text: str) -> list[str]:
    """Return the sentences of an English text, white space folded; a new line ends one only before a list's item.

    >>> split_sentences("Dr. Lee paid $3.50. He left at 6 p.m. The shop shut.")
    ['Dr. Lee paid $3.50.', 'He left at 6 p.m.', 'The shop shut.']
    """
    paragraphs = (" ".join(each.split()) for each in _NEW_PARAGRAPH.split(text))
    return [piece.text.strip() for each in paragraphs for piece in split_pieces(each, ordinals=False) if piece.text.strip()]


def _ends_sentence(before: str, after: str, ordinals: bool) -> bool:
    """Return whether a sentence ends at the end of `before`, given the text `after` it."""
    if after[:1].islower():  # "Yahoo! is"; a script without small letters has none here
        return False
    if not before.endswith("."):
        return True
    last = _LAST_WORD.search(before)
    word = last[0].rstrip(".").lower() if last else ""
    if word in _ABBREVIATIONS:
        next_word = _FIRST_WORD.match(after)  # "at 6 p.m. The", but not "6 p.m. Greenwich"
        return word in _FINAL_ABBREVIATIONS and next_word is not None and next_word[1].lower() in _STARTERS
    if ordinals and len(word) < 3 and word.isdigit():  # not in English, which writes 3rd
        return False
    return not (len(word) == 1 and word.isalpha() and word != "i")  # an initial: J. K. Rowling


def pack_pieces(parts: Sequence[Piece], count: Callable[[str], int], room: int) -> list[Piece]:
    """Pack neighbouring parts into pieces of a length; a part that is longer is cut between words.

    Args:
        parts: For example sentences.
        count: Returns a text's length, for example in tokens.
        room: Greatest length of a piece.
    """
    packed: list[Piece] = []
    last = 0
    for part in (fitting for whole in parts for fitting in cut_piece(whole, count, room)):
        length = count(part.text)  # lengths are added up, not counted anew: `count` may tokenize
        if packed and last + length < room:  # one is left over for the space between them
            packed[-1] = Piece(packed[-1].text + packed[-1].gap + part.text, part.gap)
            last += length + 1
        else:
            packed.append(part)
            last = length
    return packed


def cut_piece(part: Piece, count: Callable[[str], int], room: int) -> Iterator[Piece]:
    """Yield a part halved between words until each fits, or it is a single character."""
    if len(part.text) < 2 or count(part.text) <= room:
        yield part
        return
    middle = len(part.text) // 2
    at = part.text.rfind(" ", 1, middle + 1) + 1 or middle  # no blank there: inside a word, so that each half is smaller
    first = part.text[:at]
    yield from cut_piece(Piece(first.rstrip(" "), first[len(first.rstrip(" ")) :]), count, room)
    yield from cut_piece(Piece(part.text[at:], part.gap), count, room)
