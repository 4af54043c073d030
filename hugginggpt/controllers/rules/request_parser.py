"""Parts of a request: its instruction, and the texts, files and addresses that are given in it.

Quotes, URLs and file names are blanked out of the instruction, character for character, so that their words are
never mistaken for instructions and positions stay true.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hugginggpt.controllers.file_mentions import blank_out, find_file_names, find_urls
from hugginggpt.controllers.rules.cue_table import load_cue_table, load_pattern
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

BLANK = "¤"  # one character, hardly in any request; the tables' patterns know it, too

_QUOTES = re.compile(
    r"\"([^\"]{1,8000})\"|“([^”]{1,8000})”|«([^»]{1,8000})»|„([^“”]{1,8000})[“”]"  # bounded: a lone quote costs no more
    r"|(?<![\w'’])'((?:[^'\n]|(?<=\w)'(?=\w)){2,8000}?)'(?!\w)|‘((?:[^’]|(?<=\w)’(?=\w)){2,8000}?)’(?!\w)"  # not "don't"
)
_MAX_INSTRUCTION_CHARS = 3_000
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9])|(?<=[!?])\s+")
_MIN_GIVEN_WORDS = 4  # fewer words behind a colon are a detail of the instruction
_ALL_KINDS = frozenset(kind.value for kind in Kind)
_KINDS_WITHOUT_FILE = frozenset({"none", "text"})
_MIN_REST_WORDS = 10  # fewer are a second instruction
_MIN_LABEL_CHARS = 3  # a shorter name of a file is a word like any other
_MIN_QUESTION_WORDS = 6
_BOUNDARY = re.compile(r"[,;:]\s|\b(?:and|then|but|also|plus)\b|\s[-–—]{1,2}\s|[()]")
_STEP: Final = load_pattern("wording", "step")
_REQUEST: Final = load_pattern("wording", "wish")
_LABEL = r"[\w'-]{1,30}(?: [\w'-]{1,30}){0,3} ?"
_DASHES = frozenset({"-", "--", "–", "—"})


class _CuePositions:
    """Positions of an instruction's cues, found by few searches however often one asks: a text may have a dash at each word."""

    def __init__(self, instruction: str, kinds: frozenset[str]) -> None:
        self._instruction, self._kinds = instruction, kinds
        self._last_start = -1

    @functools.cached_property
    def _first_end(self) -> int:
        found = load_cue_table().match(self._instruction, self._kinds)
        return min((cue.end for cue in found), default=len(self._instruction) + 1)

    def is_before(self, position: int) -> bool:
        """Tell whether a cue ends before a position."""
        return self._first_end <= position

    def is_after(self, position: int) -> bool:
        """Tell whether a cue begins at a position or after it; quick where positions are asked for in their order."""
        if position > self._last_start:
            found = load_cue_table().match(self._instruction[position:], self._kinds)
            self._last_start = position + found[-1].start if found else -1
        return position <= self._last_start


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """Parsed request."""

    text: str
    """As it was written, white space in one line folded."""
    instruction: str
    """Lower case, of the same length, with everything that is given blanked out."""
    quotes: tuple[str, ...] = ()
    given: str = ""
    """A text to work on that follows the instruction: after a colon, or on lines of its own."""
    urls: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """File names that are mentioned."""
    places: tuple[tuple[int, str], ...] = ()
    """Position of each mention of a file, in the order of the text."""

    def blank_spans(self, spans: Sequence[tuple[int, int]]) -> ParsedRequest:
        """Return a copy with some words of the instruction blanked out."""
        return replace(self, instruction=blank_out(self.instruction, spans, BLANK))

    def get_sentence(self, position: int) -> tuple[int, int]:
        """Return the start and end of the sentence that holds a position."""
        return next(((s, e) for s, e in find_sentences(self.text) if s <= position < e), (0, len(self.text)))

    def get_clause(self, position: int) -> tuple[int, int]:
        """Return the start and end of the part of a sentence that holds a position, between commas, "and" and "then"."""
        start, end = self.get_sentence(position)
        for boundary in _BOUNDARY.finditer(self.instruction, start, end):
            if boundary.end() <= position:
                start = boundary.end()
            elif boundary.start() > position:
                return start, boundary.start()
        return start, end


def parse_request(text: str, attached: Sequence[Resource] = ()) -> ParsedRequest:
    """Parse a request."""
    text = text.strip().replace("’", "'") if "“" not in text else text.strip()
    instruction = _blank_middle(text)
    addresses = list(find_urls(text))  # first: an address may hold quotes and file names
    instruction = blank_out(instruction, addresses, BLANK)
    quotes: list[str] = []
    for match in _QUOTES.finditer(instruction):
        quotes.append(next(group for group in match.groups() if group is not None).strip())
        instruction = _blank_span(instruction, match.start(), match.end())
    places: list[tuple[int, str]] = []
    labels = sorted({r.origin.label for r in attached if r.origin.source != "task"}, key=len, reverse=True)
    for label in labels:
        if len(label) > _MIN_LABEL_CHARS:
            for match in list(re.finditer(rf"(?<!\w){re.escape(label)}(?!\w)", instruction, re.IGNORECASE)):
                places.append((match.start(), label))
                instruction = _blank_span(instruction, match.start(), match.end())
    for start, end in list(find_file_names(instruction)):
        places.append((start, instruction[start:end]))
        instruction = _blank_span(instruction, start, end)
    places.sort()  # labels were found by length, names behind them
    files = tuple(dict.fromkeys(name for _, name in places))
    named = tuple(text[start:end] for start, end in addresses)
    parsed = ParsedRequest(text, _lower(instruction), tuple(q for q in quotes if q), "", named, files, tuple(places))
    parsed = _split_at_colon(parsed, attached=bool(attached))
    return parsed if attached or parsed.quotes or parsed.given or named or files else _split_at_sentence(parsed)


def _lower(text: str) -> str:
    """Lower a text's case but keep its length: a few capitals have two small letters."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _blank_middle(text: str) -> str:
    """Blank out the middle of a long text: instructions stand at its beginning or its end, the rest is material.

    It also bounds the time that the search for cues takes, whatever somebody sends.
    """
    if len(text) <= _MAX_INSTRUCTION_CHARS:
        return text
    return _blank_span(text, _MAX_INSTRUCTION_CHARS * 2 // 3, len(text) - _MAX_INSTRUCTION_CHARS // 3)


def _blank_span(text: str, start: int, end: int) -> str:
    return blank_out(text, [(start, end)], BLANK)


def _split_at_colon(parsed: ParsedRequest, *, attached: bool) -> ParsedRequest:
    """Split off a text that follows a colon or an empty line: it is given, not part of the instruction."""
    cues = _CuePositions(parsed.instruction, _ALL_KINDS)
    cues_without_file = _CuePositions(parsed.instruction, _KINDS_WITHOUT_FILE)
    for match in re.finditer(r":(?=\s)|\n\s*\n|\n|\s[-–—]{1,2}>?\s", parsed.instruction):
        rest = parsed.text[match.end() :].strip()
        before = parsed.instruction[: match.start()].strip()
        if not before or len(rest.split()) < _MIN_GIVEN_WORDS or BLANK in parsed.instruction[match.end() :]:
            continue
        if attached:
            continue  # with a file there, what follows the colon says what to do with it
        if match[0].strip() == ":" and (_is_list(rest) or _is_instruction(rest, cues.is_before(match.start()))):
            continue
        if match[0].strip(" >") in _DASHES:
            if _is_question_about(before, rest) and not cues_without_file.is_before(match.start()):
                start, end = 0, match.start()
                return replace(parsed, given=parsed.text[:end].strip(), instruction=_blank_span(parsed.instruction, start, end))
            if cues.is_after(match.end()):
                continue
        start = match.end()
        return replace(parsed, given=rest, instruction=_blank_span(parsed.instruction, start, len(parsed.text)))
    return parsed


def _split_at_sentence(parsed: ParsedRequest) -> ParsedRequest:
    """Split off a long rest after the first sentence: with nothing attached or quoted, it is the text to work on."""
    bounds = find_sentences(parsed.text)
    if len(bounds) < 2:
        return parsed
    last = parsed.instruction[slice(*bounds[-1])].strip(" -–—")
    before = parsed.text[: bounds[-1][0]].strip(" -–—")
    cues, asked = load_cue_table(), last.endswith("?") and len(before.split()) >= _MIN_QUESTION_WORDS
    if asked and cues.question.search(last) and not cues.match(parsed.instruction, _KINDS_WITHOUT_FILE):
        return replace(parsed, given=before, instruction=_blank_span(parsed.instruction, 0, bounds[-1][0]))
    first = parsed.instruction[slice(*bounds[0])]
    rest = parsed.text[bounds[1][0] :]
    if not re.search(r"\b(?:below|following|this|these|here)\b", first) or len(rest.split()) < _MIN_REST_WORDS:
        return parsed
    return replace(parsed, given=rest, instruction=_blank_span(parsed.instruction, bounds[1][0], len(parsed.text)))


def _is_list(text: str) -> bool:
    """Tell whether a text is, or begins with, a list of labels ("bill, advert or official."), rather than a text to work on."""
    first = re.split(r"[.:\n]", text, maxsplit=1)[0]
    return bool(re.fullmatch(rf"(?:{_LABEL},\s*)+(?:and |or )?{_LABEL}|[\w-]{1, 20} or [\w-]{1, 20}", first.strip()))


def _is_instruction(text: str, cued: bool) -> bool:
    """Tell whether what follows a colon are the steps themselves ("too long for me: get the text off it, shorten it").

    Args:
        text: What follows.
        cued: Whether a task is asked for before the colon.
    """
    return bool(_STEP.match(text) or (_REQUEST.match(text) and not cued))


def _is_question_about(before: str, rest: str) -> bool:
    """Tell whether what follows a dash may be a question about the text before it."""
    if not rest.endswith("?") or len(before.split()) < _MIN_QUESTION_WORDS:
        return False
    return bool(load_cue_table().question.search(rest.lower()))


def find_clauses(parsed: ParsedRequest) -> list[tuple[int, int]]:
    """Split a request into the parts of its sentences, between commas, "and" and "then"; return the start and end of each."""
    bounds = []
    for start, end in find_sentences(parsed.text):
        position = start
        for boundary in _BOUNDARY.finditer(parsed.instruction, start, end):
            bounds.append((position, boundary.start()))
            position = boundary.end()
        bounds.append((position, end))
    return bounds


@functools.lru_cache(maxsize=32)  # asked for at every cue; bounded, as it keeps whole requests in memory
def find_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into sentences; return the start and end of each."""
    bounds: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE.finditer(text):
        bounds.append((start, match.start()))
        start = match.end()
    if start < len(text):
        bounds.append((start, len(text)))
    return tuple(bounds)
