"""Finding the spans of a sentence that can answer a question: dates, sums, numbers, names, places."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.experts.bundled.question_analysis import extract_content_words, stem

_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT_MONTHS: Final = f"{_MONTHS}|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_NUMBER_WORDS: Final = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen"
)
_NUMBER: Final = (
    rf"(?:\d[\d,]*(?:\.\d+)?(?:\s(?:hundred|thousand|million|billion))?"
    rf"|\b(?:{_NUMBER_WORDS})(?:[\s-](?:and\s)?(?:{_NUMBER_WORDS}))*\b)"
)
_UNIT: Final = (
    r"(?:%|percent|per cent|km|kg|k?grams?|kilograms?|kilos?|pounds?|g|tonnes?|tons?|litres?|liters?|ml|mg|m|cm|mm|"
    r"met(?:re|er)s?|kilomet(?:re|er)s?|"
    r"miles?|feet|inches|years?|months?|weeks?|days?|hours?|minutes?|seconds?|degrees?|kwh|square \w+)"
)
_PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {  # longer forms first: what overlaps an earlier match is dropped
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
        rf"{_NUMBER}\s(?:dollars?|euros?|pounds?|cents?|yen|USD|EUR|GBP)",
        r"\d[\d.,]*\s?€",
    ),
    "percent": (rf"{_NUMBER}\s?(?:%|percent\b|per cent\b)",),
    "age": (rf"{_NUMBER}[\s-](?:years?|months?|weeks?|days?)(?:[\s-]old)?", r"(?<=\baged )\d+"),
    "measure": (rf"{_NUMBER}\s?{_UNIT}(?!\w)",),
    "number": (rf"{_NUMBER}\s?{_UNIT}(?!\w)", _NUMBER),
    "code": (r"\b[A-Z]{0,6}[-/ ]?\d[\dA-Z]*(?:[-/.]\d[\dA-Z]*)*(?: \d{2,})*\b",),
}
_PLAIN_AMOUNT: Final = re.compile(r"(?<![\w.,/-])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d\d)?(?![\w/%-]|[.,]\d| per ?cent)")
"""A number that may be a sum of money without its currency."""
_CODE_PREFIX: Final = re.compile(
    r"(?:\b(?:no|nr|number|code|account|acct|ref|reference|id|iban|phone|tel|fax|page|room|quote)\b|#)[\W\d]*$", re.IGNORECASE
)
_MAX_CHARS: Final = 2_000
"""Longest part of a sentence that is searched: a text without full stops would cost the patterns too much time."""
_NAME_PATTERN: Final = r"\b[A-Z][\w'’-]*(?:\s(?:of|de|van|von|the|and)\s[A-Z][\w-]*|\s[A-Z][\w'’-]*|(?<=\b[A-Z])\.\s[A-Z]\w*)*"
_NON_NAME_WORDS: Final = frozenset(
    "the a an he she it they we i you this that these those but and however in on at after before when while his her "
    "their our its there what who which where how why some many most all no one two for from with by as if so then later "
    "today since during because although both each every monday tuesday wednesday thursday friday saturday sunday "
    "last next total".split()
) | frozenset(_MONTHS.lower().split("|"))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a sentence; offsets in characters, end exclusive."""

    start: int
    end: int
    text: str


def find_answer_spans(kind: str, sentence: str, question: str) -> list[Span]:
    """Return the spans of the kind that is asked for, without those that the question itself contains."""
    found = _FINDERS.get(kind, _find_by_pattern)(kind, sentence[:_MAX_CHARS], question)
    return [span for span in found if span.text.lower() not in question.lower()]


def _find_by_pattern(kind: str, sentence: str, question: str) -> list[Span]:
    flags = 0 if kind in {"date", "code"} else re.IGNORECASE  # else "may" is a month and "no 7" a code
    spans: list[Span] = []
    for pattern in _PATTERNS[kind]:
        for match in re.finditer(pattern, sentence, flags):
            if not any(match.start() < span.end and span.start < match.end() for span in spans):
                spans.append(Span(match.start(), match.end(), match[0].strip(" ,.")))
    return spans


def find_spans_in_texts(kind: str, texts: Sequence[str], question: str) -> list[list[Span]]:
    """Return the answer spans of each text; for sums, plain numbers if no text has a currency."""
    found = [find_answer_spans(kind, text, question) for text in texts]
    if kind == "money" and not any(found):
        return [_find_plain_amounts(text[:_MAX_CHARS], question) for text in texts]
    return found


def _find_plain_amounts(sentence: str, question: str) -> list[Span]:
    dates = _find_by_pattern("date", sentence, question) + _find_by_pattern("measure", sentence, question)
    return [
        Span(match.start(), match.end(), match[0])
        for match in _PLAIN_AMOUNT.finditer(sentence)
        if not _looks_like_code(sentence, match.start(), match[0])
        and match[0] not in question
        and not any(match.start() < span.end and span.start < match.end() for span in dates)
    ]


def _looks_like_code(sentence: str, start: int, number: str) -> bool:
    """Return whether a number more likely names something (an invoice, an account) than counts money."""
    bare = number.isdigit()  # no commas and no cents, which larger sums have
    return (bare and (number[0] == "0" or len(number) > 4)) or bool(_CODE_PREFIX.search(sentence[max(0, start - 20) : start]))


def _find_numbers(kind: str, sentence: str, question: str) -> list[Span]:
    """Return numbers that are neither shares nor sums of money; for "how many visitors" those right before the visitors."""
    spans = [span for span in _find_by_pattern(kind, sentence, question) if not _is_share_or_sum(span, sentence)]
    return [span for span in spans if matches_counted_noun(span, sentence, question)] or spans


def _is_share_or_sum(span: Span, sentence: str) -> bool:
    around = sentence[max(0, span.start - 2) : span.end + 10]  # as far as " per cent" reaches
    return bool(re.search(r"%|\bper ?cent\b", around) or re.search(r"[$€£¥]\s?$", sentence[: span.start]))


def matches_counted_noun(span: Span, sentence: str, question: str) -> bool:
    """Return whether a number stands right before the noun that "how many ..." asks for; True for other questions."""
    counted = re.search(r"how many (\w+)", question.lower())
    if not counted:
        return True
    counted_stem = stem(counted[1])[:5]  # so that "visits" also count visitors
    words = re.findall(r"\w+", sentence[span.end :].lower())
    return any(word.startswith(counted_stem) for word in words[:3])  # "12 paying adult visitors"


def _find_names(kind: str, sentence: str, question: str) -> list[Span]:
    """Return capitalised phrases: places stand after a preposition, persons don't, unless it is from, of or to."""
    known = extract_content_words(question)
    spans: list[Span] = []
    for match in re.finditer(_NAME_PATTERN, sentence):
        start, words = match.start(), match[0].split()
        while words and words[0].lower() in _NON_NAME_WORDS:  # capitalised, but no names
            start += len(words[0]) + 1
            words = words[1:]
        text = " ".join(words).strip(" ,.")
        if not text or re.search(r"\d|['’]s?$", text) or extract_content_words(text) <= known:  # or the question names it
            continue
        before = sentence[max(0, start - 12) : start].lower()
        after_preposition = bool(re.search(r"\b(?:in|at|to|from|near|of|outside|on|into)\s(?:the\s)?$", before))
        if after_preposition == (kind == "place") or (kind == "person" and before.endswith(("from ", "of ", "to "))):
            spans.append(Span(start, match.end(), text))
    return spans


_FINDERS: Final[Mapping[str, Callable[[str, str, str], list[Span]]]] = {
    "number": _find_numbers,
    "person": _find_names,
    "place": _find_names,
}
