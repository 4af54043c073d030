"""Pages that a request names: one that isn't there is refused, and what a page says is quoted without any task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.controllers.file_mentions import blank_out
from hugginggpt.controllers.rules.cue_table import load_pattern
from hugginggpt.controllers.rules.request_parser import ParsedRequest
from hugginggpt.core.errors import RequestError
from hugginggpt.core.markdown import escape, quote_text
from hugginggpt.core.page_references import find_page_references
from hugginggpt.core.resources import Resource

_ASKED: Final = load_pattern("pages", "asked")
_PLACE: Final = load_pattern("pages", "place")
_PAGE: Final = "§"
_MIN_WORDS: Final = 3  # fewest words of a question
_MAX_CHARS: Final = 4_000  # of a page that is quoted; its resource holds all of it


def check_pages(parsed: ParsedRequest, attached: Sequence[Resource]) -> None:
    """Refuse a request for a page that the only document with pages doesn't have.

    Raises:
        RequestError: There is no such page; the message says how many there are.
    """
    paged = [each for each in attached if each.file and each.file.pages > 1]
    if len(paged) != 1 or (facts := paged[0].file) is None:
        return
    for reference in find_page_references(parsed.instruction):
        missing = [number for number in reference.list_numbers(facts.pages) if not 0 < number <= facts.pages]
        if reference.unit == facts.unit and missing:
            label, unit = paged[0].origin.label, facts.unit
            raise RequestError(f"“{label}” has {facts.pages} {unit}s: there is no {unit} {missing[0]} in it.")


def quote_pages(parsed: ParsedRequest, attached: Sequence[Resource]) -> str:
    """Return what the pages say that a request asks for, and nothing else; empty for any other request."""
    pages = [each for each in attached if "section" in each.data]
    if not pages:
        return ""
    spans = [(reference.start, reference.end) for reference in find_page_references(parsed.instruction)]
    words = re.sub(f"{_PAGE}+", _PAGE, blank_out(parsed.instruction, spans, _PAGE))
    if not _ASKED.fullmatch(words.strip()):
        return ""
    return "\n\n".join(_quote(page) for page in pages)


def strip_pages(question: str) -> str:
    """Return a question without the words that say on which page its answer stands.

    >>> strip_pages("On page 2, how much is the deposit?")
    'how much is the deposit?'
    """
    spans = [(reference.start, reference.end) for reference in find_page_references(question)]
    stripped = _PLACE.sub("", blank_out(question, spans, _PAGE)).strip()
    return question if _PAGE in stripped or len(stripped.split()) < _MIN_WORDS else stripped


def _quote(page: Resource) -> str:
    label = escape(page.origin.label)
    return f"**{label}**\n\n{quote_text(page.text or '', _MAX_CHARS)}" if page.text else f"There is no text on {label}."
