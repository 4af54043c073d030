"""What a question asks for, and the pieces of a sentence that can answer it: dates, sums, numbers, names, places."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT_MONTHS: Final = f"{_MONTHS}|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_WORDS: Final = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen"
)
_NUMBER: Final = (
    rf"(?:\d[\d,]*(?:\.\d+)?(?:\s(?:hundred|thousand|million|billion))?"
    rf"|\b(?:{_WORDS})(?:[\s-](?:and\s)?(?:{_WORDS}))*\b)"
)
_UNIT: Final = (
    r"(?:%|percent|per cent|km|kg|k?grams?|kilograms?|kilos?|pounds?|g|tonnes?|tons?|litres?|liters?|ml|mg|m|cm|mm|"
    r"met(?:re|er)s?|kilomet(?:re|er)s?|"
    r"miles?|feet|inches|years?|months?|weeks?|days?|hours?|minutes?|seconds?|degrees?|kwh|square \w+)"
)
_PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?(?:{_SHORT_MONTHS})\b\.?(?:,?\s\d{{4}})?",
        rf"\b(?:{_SHORT_MONTHS})\b\.?\s\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s\d{{4}})?\b",
        r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        rf"\b(?:{_MONTHS})(?:\s\d{{4}})?\b",
        r"\b\d{1,2}(?::\d\d)?\s?[ap]\.?m\b\.?",
        r"\b\d{1,2}:\d\d\b",
        r"\b(?:1[0-9]|20)\d\d\b",
        r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?:\s(?:morning|evening|afternoon|night))?",
        r"\b(?:yesterday|tomorrow|today|tonight|noon|midnight|(?:last|next)\s\w+|half past \w+)\b",
    ),
    "money": (
        r"(?:[$€£¥]|EUR|USD|GBP)\s?\d[\d,.]*\d?(?:\s(?:thousand|million|billion))?",
        rf"{_NUMBER}\s(?:dollars?|euros?|pounds?|cents?|yen|percent|per cent|USD|EUR|GBP)",
        r"\d[\d.,]*\s?[%€]",
    ),
    "age": (rf"{_NUMBER}[\s-](?:years?|months?|weeks?|days?)(?:[\s-]old)?", r"(?<=\baged )\d+"),
    "measure": (rf"{_NUMBER}\s?{_UNIT}(?!\w)",),
    "number": (rf"{_NUMBER}\s?{_UNIT}(?!\w)", _NUMBER),
    "code": (r"\b[A-Z]{0,6}[-/ ]?\d[\dA-Z]*(?:[-/.]\d[\dA-Z]*)*\b",),
}
_MAX_CHARS: Final = 2_000
"""No sentence is longer; what is comes from a text without full stops, and patterns take their time on it."""
_PHRASE: Final = r"\b[A-Z][\w'’-]*(?:\s(?:of|de|van|von|the|and)\s[A-Z][\w-]*|\s[A-Z][\w'’-]*|(?<=\b[A-Z])\.\s[A-Z]\w*)*"
_NO_NAMES: Final = frozenset(
    "the a an he she it they we i you this that these those but and however in on at after before when while his her "
    "their our its there what who which where how why some many most all no one two for from with by as if so then later "
    "today since during because although both each every monday tuesday wednesday thursday friday saturday sunday "
    "last next total".split()
) | frozenset(_MONTHS.lower().split("|"))
_STOP: Final = frozenset(
    "the a an of in on at to is was are were did do does what who whom whose when where which why how many much long old "
    "far tall big and or for with by from it its this that be been has have had there their they he she you his her i my "
    "me tell please".split()
)
_ASKED: Final[tuple[tuple[str, str], ...]] = (
    ("age", r"\bhow old\b"),
    ("money", r"\bhow much\b(?!.*\b(?:weigh|time|water|energy|power|electricity)\b)|\bowe\b|\btotal\b"
              r"|\b(?:what|which|the)\b.*\b(?:cost|price|total|sum|amount|vat|tax|subtotal|fee|balance|rent)\b"),
    ("code", r"\b(?:number|no\.?|code|reference|iban|id)\b(?! of)(?!.*\bhow many\b)"),
    ("measure", r"\bhow (?:much|long|tall|far|big|deep|high|fast|heavy)\b"),
    ("number", r"\bhow many\b|\bnumber of\b|\bwhat percent|\bhow often\b"),
    ("date", r"\bwhen\b|\b(?:what|which|by what|the)\b.{0,20}\b(?:year|date|day|time|month|deadline)\b|\bdue\b"),
    ("person", r"\bwho(?:m|se)?\b"),
    ("place", r"\bwhere\b|\b(?:what|which) (?:city|country|town|place)\b"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence."""

    start: int
    end: int
    text: str


def asked_kind(question: str) -> str | None:
    """What sort of thing a question asks for (age, money, code, measure, number, date, person, place), if it shows."""
    lower = question.lower()
    return next((kind for kind, pattern in _ASKED if re.search(pattern, lower)), None)


def content_words(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(_stem(word) for word in re.findall(r"[^\W_]+", text) if word.lower() not in _STOP)


def _stem(word: str) -> str:
    word = word.lower()
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def answer_spans(kind: str, sentence: str, question: str) -> list[Span]:
    """The pieces of a sentence that are of the kind that is asked for and that the question doesn't contain itself."""
    found = _FINDERS.get(kind, _by_pattern)(kind, sentence[:_MAX_CHARS], question)
    return [span for span in found if span.text.lower() not in question.lower()]


def _by_pattern(kind: str, sentence: str, question: str) -> list[Span]:
    flags = 0 if kind in {"date", "code"} else re.IGNORECASE
    spans: list[Span] = []
    for pattern in _PATTERNS[kind]:
        for match in re.finditer(pattern, sentence, flags):
            if not any(match.start() < span.end and span.start < match.end() for span in spans):
                spans.append(Span(match.start(), match.end(), match[0].strip(" ,.")))
    if not spans and kind == "money":
        return _by_pattern("number", sentence, question)
    return spans


def _number(kind: str, sentence: str, question: str) -> list[Span]:
    """For "how many visitors" the number right before the visitors."""
    spans = _by_pattern(kind, sentence, question)
    return [span for span in spans if counts(span, sentence, question)] or spans


def counts(span: Span, sentence: str, question: str) -> bool:
    """Whether a number stands right before what "how many ..." asks for; True for all other questions."""
    counted = re.search(r"how many (\w+)", question.lower())
    if not counted:
        return True
    stem = _stem(counted[1])[:5]  # "visitors" are counted by "visits" as well
    words = re.findall(r"\w+", sentence[span.end :].lower())
    return any(word.startswith(stem) for word in words[:3])


def _name(kind: str, sentence: str, question: str) -> list[Span]:
    known = content_words(question)
    spans: list[Span] = []
    for match in re.finditer(_PHRASE, sentence):
        start, words = match.start(), match[0].split()
        while words and words[0].lower() in _NO_NAMES:
            start += len(words[0]) + 1
            words = words[1:]
        text = " ".join(words).strip(" ,.")
        if not text or re.search(r"\d|['’]s?$", text) or content_words(text) <= known:
            continue
        before = sentence[max(0, start - 12) : start].lower()
        placed = bool(re.search(r"\b(?:in|at|to|from|near|of|outside|on|into)\s(?:the\s)?$", before))
        if placed == (kind == "place") or (kind == "person" and before.endswith(("from ", "of ", "to "))):
            spans.append(Span(start, match.end(), text))
    return spans


_FINDERS: Final[Mapping[str, Callable[[str, str, str], list[Span]]]] = {
    "number": _number,
    "person": _name,
    "place": _name,
}
