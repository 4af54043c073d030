"""Splitting of texts into sentences, for any language with full stops and best for English; and into pieces for a model."""

import itertools
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
_ITEM_MARK: Final = re.compile(r"(?:[-*•+–—]|\d{1,2}[.)]|\[[ xX]?\]|\#{1,6}|>)\s+")
"""The mark before an item of a list, a heading or a quoted line."""
_INNER_STOP: Final = re.compile(r"[.!?] [A-Z]")
_OWN_LINE: Final = re.compile(
    rf"""{_ITEM_MARK.pattern}
      | \|                                              # a row of a table
      | \[?\d{{4}}-\d\d-\d\d | \[?\d{{1,2}}:\d\d       # a log's or a chat's time
      | \[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b
      | [^\W\d_][\w .()/'-]{{0,30}}:(?:\s|$)            # a label, or who says it
    """,
    re.VERBOSE,
)
"""Beginning of a line that doesn't go on with the one before it."""
_MIN_WRAPPED_CHARS: Final = 30  # where no line is longer, none was wrapped
_MAX_LINES_SHARE: Final = 0.6
"""Share of lines without room for the next word up to which the lines of a paragraph are those of a list."""
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
    """Return the sentences of an English text, white space folded.

    A new line ends one where it was meant: before an item, a label, a time, or where the next word had room in the line.

    >>> split_sentences("Dr. Lee paid $3.50. He left at 6 p.m. The shop shut.")
    ['Dr. Lee paid $3.50.', 'He left at 6 p.m.', 'The shop shut.']
    >>> split_sentences("- two cups of tea\\n- the cake that we\\n  had")
    ['- two cups of tea', '- the cake that we had']
    """
    lines = (line for paragraph in _NEW_PARAGRAPH.split(text) for line in _join_wrapped_lines(paragraph))
    return [sentence for line in lines for sentence in _split_line(line)]


def _split_line(line: str) -> list[str]:
    """Split one line; the number of a list's item ends no sentence."""
    rest = strip_item_mark(line)
    found = [piece.text.strip() for piece in split_pieces(rest, ordinals=False) if piece.text.strip()]
    return [line[: len(line) - len(rest)] + found[0], *found[1:]] if found else []


def strip_item_mark(line: str) -> str:
    """Return a line without the marks before it: "- [ ] call Ann" is "call Ann"; one of marks alone stays as it is."""
    rest = line
    while mark := _ITEM_MARK.match(rest):
        rest = rest[mark.end() :]
    return rest or line


def _join_wrapped_lines(paragraph: str) -> list[str]:
    """Return the lines of a paragraph as they were meant: those that a margin broke are joined."""
    lines = [line for raw in paragraph.splitlines() if (line := " ".join(raw.split()))]
    joined = lines[:1]
    for line, is_wrapped in zip(lines[1:], _find_wrapped(lines), strict=True):
        joined[-1:] = [f"{joined[-1]} {line}"] if is_wrapped else [joined[-1], line]
    return joined


def _find_wrapped(lines: Sequence[str]) -> list[bool]:
    """Tell for each line but the last whether it goes on: the next word had no room in it, or begins in small letters."""
    longest = max(map(len, lines), default=0)
    pairs = [(line, following, bool(_OWN_LINE.match(following))) for line, following in itertools.pairwise(lines)]
    full = [
        longest >= _MIN_WRAPPED_CHARS and len(line) + 1 + len(following.split(" ", 1)[0]) > longest
        for line, following, _ in pairs
    ]
    goes_on = [  # an item of a list may begin in small letters, too, but holds no end of a sentence
        following[0].islower() and len(line.split()) > 2 and (not line[0].islower() or bool(_INNER_STOP.search(line)))
        for line, following, _ in pairs
    ]
    free = [is_full or goes for (*_, own), is_full, goes in zip(pairs, full, goes_on, strict=True) if not own]
    if sum(free) <= _MAX_LINES_SHARE * len(free):  # the lines of a list
        full = [False] * len(full)
    return [(is_full or goes) and not own for (*_, own), is_full, goes in zip(pairs, full, goes_on, strict=True)]


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
