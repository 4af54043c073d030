"""Facts of files and texts that need no model: how long, how large, how many pages or words, which format or language."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import compile_pattern, load
from hugginggpt.controllers.rules.file_references import resolve_ordinals
from hugginggpt.controllers.rules.request_parser import ParsedRequest
from hugginggpt.core.languages import detect_language
from hugginggpt.core.resources import Resource
from hugginggpt.core.sentences import split_sentences
from hugginggpt.core.tasks import Kind

_MAX_FILES: Final = 20
"""Most files that one answer tells of."""
_MAX_QUESTIONS: Final = 20
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD: Final = re.compile(r"\w+(?:['’-]\w+)*")
_GIVEN_NAME: Final = "The text"
_KILO: Final = 1000


@dataclass(frozen=True, slots=True)
class FactsAnswer:
    """Answer to the questions of a request that need no model."""

    sentences: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Start and end of each question in the request."""


@dataclass(frozen=True, slots=True)
class _FactPattern:
    fact: str
    kinds: frozenset[Kind]
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A file, or a text in the request itself."""

    name: str
    kind: Kind
    resource: Resource | None
    text: str


def find_facts(parsed: ParsedRequest, resources: Sequence[Resource]) -> FactsAnswer | None:
    """Answer what a request asks of its files and texts, as far as no model is needed; None where it asks nothing such.

    Args:
        parsed: The request.
        resources: What it is about, parts of documents among them.
    """
    given = parsed.given or max(parsed.quotes, key=len, default="")
    subjects = [_Subject(f"“{r.origin.label}”", r.kind, r, r.text or "") for r in resources if not r.part_of]
    subjects += [_Subject(_GIVEN_NAME, Kind.TEXT, None, given)] if given and not subjects else []

    @functools.cache  # a text may be long, and asked of in each sentence
    def describe(fact: str, subject: _Subject) -> str:
        return _DESCRIBERS[fact](subject)

    sentences: dict[str, None] = {}
    spans: list[tuple[int, int]] = []
    for row in _load_facts():
        fitting = [subject for subject in subjects if subject.kind in row.kinds]
        for match in (m for pattern in row.patterns for m in pattern.finditer(parsed.instruction) if fitting):
            if any(start < match.end() and match.start() < end for start, end in spans):
                continue  # "how big is it?" of a picture means its pixels, and of any other file its bytes
            if len(spans) >= _MAX_QUESTIONS:
                break
            told = [describe(row.fact, subject) for subject in _choose(fitting, match, parsed)]
            if any(told):
                sentences |= dict.fromkeys(filter(None, told))
                spans.append(match.span())
    return FactsAnswer(tuple(sentences), tuple(spans)) if spans else None


def _choose(subjects: Sequence[_Subject], match: re.Match[str], parsed: ParsedRequest) -> list[_Subject]:
    """Choose the files that a question means: those that it names or counts, else all."""
    asked = parsed.text[match.start() : match.end()].lower()
    named = [subject for subject in subjects if subject.resource and subject.resource.origin.label.lower() in asked]
    files = [subject.resource for subject in subjects if subject.resource]
    counted = [resource for _, resource in resolve_ordinals(match[0], files)]
    return (named or [subject for subject in subjects if subject.resource in counted] or list(subjects))[:_MAX_FILES]


@functools.cache
def _load_facts() -> tuple[_FactPattern, ...]:
    raw: dict[str, Any] = load("file_facts.yaml")

    def fill_in(text: str, noun: str) -> str:
        return text.replace("{which}", raw["which"].replace("{noun}", noun)).replace("{end}", raw["end"])

    return tuple(
        _FactPattern(
            row["fact"],
            frozenset(Kind(kind) for kind in row["kinds"]),
            tuple(compile_pattern(fill_in(say, row["noun"])) for say in row["say"]),
        )
        for row in raw["facts"]
    )


def _describe_duration(subject: _Subject) -> str:
    measure = subject.resource.measure.removesuffix(" s") if subject.resource else ""
    if not re.fullmatch(r"\d+(\.\d+)?", measure):
        return ""
    seconds = float(measure)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    in_parts = " ".join(f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count)
    return f"{subject.name} is {seconds:.1f} seconds long{f' ({in_parts})' if seconds >= 60 else ''}."


def _describe_dimensions(subject: _Subject) -> str:
    measure = subject.resource.measure if subject.resource else ""
    sides = re.findall(r"\d+", measure)
    if len(sides) < 2:
        return ""
    pixels = int(sides[0]) * int(sides[1])
    in_all = f"{pixels / 1_000_000:.1f} megapixels" if pixels >= 100_000 else f"{pixels:,} pixels"
    return f"{subject.name} is {sides[0]} × {sides[1]} pixels ({in_all})."


def _describe_size(subject: _Subject) -> str:
    if subject.resource is None or subject.resource.file is None:
        return ""
    size = subject.resource.file.size
    rounded = f"{size / _KILO**2:.1f} MB" if size >= _KILO**2 else f"{size / _KILO:.1f} kB" if size >= _KILO else ""
    return f"{subject.name} has {f'{rounded} ({size:,} bytes)' if rounded else f'{size:,} bytes'}."


def _describe_pages(subject: _Subject) -> str:
    facts = subject.resource.file if subject.resource else None
    if facts is None:
        return ""
    if subject.kind is Kind.IMAGE and facts.pages < 2:
        return f"{subject.name} is a single picture."
    if not facts.pages:
        return f"{subject.name} has no pages: its format is {facts.format}."
    return f"{subject.name} has {facts.pages} {facts.unit}{'s' if facts.pages > 1 else ''}."


def _describe_format(subject: _Subject) -> str:
    facts = subject.resource.file if subject.resource else None
    if facts is None:
        return ""
    encoded = f", encoded as {facts.encoding.upper()}" if facts.encoding else ""
    return f"The format of {subject.name} is {facts.format}{encoded}."


def _describe_language(subject: _Subject) -> str:
    found = detect_language(subject.text)
    if found is None:
        return f"I can't tell which language {subject.name[0].lower() + subject.name[1:]} is in."
    return f"{subject.name} seems to be in {found.name}."


def _count(noun: str, count: Callable[[str], int]) -> Callable[[_Subject], str]:
    def describe(subject: _Subject) -> str:
        number = count(subject.text)
        return f"{subject.name} has {number:,} {noun}{'' if number == 1 else 's'}."

    return describe


def _count_words(text: str) -> int:
    """Count words; of Chinese and Japanese, between whose words no blanks stand, the characters."""
    spaced, count = _UNSPACED.subn(" ", text)
    return count + len(_WORD.findall(spaced))


_DESCRIBERS: Final[Mapping[str, Callable[[_Subject], str]]] = {
    "duration": _describe_duration,
    "dimensions": _describe_dimensions,
    "size": _describe_size,
    "pages": _describe_pages,
    "format": _describe_format,
    "language": _describe_language,
    "words": _count("word", _count_words),
    "characters": _count("character", len),
    "lines": _count("line", lambda text: len(text.splitlines())),
    "sentences": _count("sentence", lambda text: len(list(split_sentences(text)))),
}
