"""References to pages of a document in a request: "page 3", "the last slide", "chapters 2 to 4", 第三页."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hugginggpt.core.yaml_files import read_yaml

_FORMS: Final = ("numbered", "ordered", "chinese")
_MAX_REFERENCES: Final = 50


@dataclass(frozen=True, slots=True)
class PageReference:
    """Words that name a page, a slide or a chapter."""

    start: int
    """Position of the words in the text, as `end`."""
    end: int
    unit: str
    """The unit's name: "page", "slide", "chapter"."""
    first: int
    """Number of the first page that is meant, from 1; -1 for the last of the document."""
    last: int

    def list_numbers(self, count: int) -> range:
        """List the numbers of the pages that are meant of a document of `count` pages, those that it lacks among them."""
        first = count + 1 + self.first if self.first < 0 else self.first
        return range(first, max(first, self.last) + 1)


def find_page_references(text: str) -> list[PageReference]:
    """Find the first references to pages in a text, in their order.

    >>> [reference.first for reference in find_page_references("Read page 2, then the third page")]
    [2, 3]
    """
    lowered = text.lower()
    found = (each for pattern in _load().patterns for each in itertools.islice(_find(pattern, lowered), _MAX_REFERENCES))
    return sorted(found, key=lambda reference: reference.start)[:_MAX_REFERENCES]


def _find(pattern: re.Pattern[str], text: str) -> Iterator[PageReference]:
    forms, position = _load(), 0
    while match := pattern.search(text, position):
        unit, first = forms.name_unit(match["unit"]), forms.read_number(match["first"])
        reference = PageReference(match.start(), match.end(), unit, first, first)
        while (joined := forms.joined.match(text, reference.end)) and forms.name_unit(joined["unit"] or match["unit"]) == unit:
            number = forms.read_number(joined["first"])
            if forms.range.fullmatch(joined["join"].strip()):
                reference = replace(reference, end=joined.end(), last=number)
            else:
                yield reference
                reference = PageReference(joined.start("first"), joined.end(), unit, number, number)
        yield reference
        position = reference.end


@dataclass(frozen=True, slots=True)
class _Forms:
    units: Mapping[str, re.Pattern[str]]
    patterns: tuple[re.Pattern[str], ...]
    joined: re.Pattern[str]
    range: re.Pattern[str]
    numbers: Mapping[str, int]

    def name_unit(self, word: str) -> str:
        return next(name for name, words in self.units.items() if words.fullmatch(word))

    def read_number(self, word: str) -> int:
        return self.numbers[word] if word in self.numbers else int(word)


@functools.cache
def _load() -> _Forms:
    raw = read_yaml(Path(__file__).with_suffix(".yaml"), dict[str, Any])
    orders, numbers = raw["orders"], raw["numbers"]
    parts = {
        "{unit}": "|".join(raw["units"].values()),
        "{number}": rf"\d{{1,4}}|{'|'.join(numbers)}",
        "{order}": "|".join(orders),
    }

    def compile_form(form: str) -> re.Pattern[str]:
        return re.compile(functools.reduce(lambda pattern, part: pattern.replace(part, parts[part]), parts, raw[form]))

    return _Forms(
        units={name: re.compile(words) for name, words in raw["units"].items()},
        patterns=tuple(compile_form(form) for form in _FORMS),
        joined=compile_form("joined"),
        range=compile_form("range"),
        numbers={**numbers, **orders},
    )
