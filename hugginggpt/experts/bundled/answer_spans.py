"""Finding the spans of a sentence that can answer a question: dates, sums, numbers, names, places."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.experts.bundled.phrase_spans import find_beside_noun, find_limited_subject
from hugginggpt.experts.bundled.question_analysis import extract_content_words, find_asked_noun, stem, unify_synonyms
from hugginggpt.experts.bundled.span_patterns import CASED, MONTHS, PATTERNS

_PLAIN_AMOUNT: Final = re.compile(r"(?<![\w.,/-])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d\d)?(?![\w/%-]|[.,]\d| per ?cent)")
"""A number that may be a sum of money without its currency."""
_CODE_PREFIX: Final = re.compile(
    r"(?:\b(?:no|nr|number|code|account|acct|ref|reference|id|iban|phone|tel|fax|page|room|quote)\b|#)[\W\d]*$", re.IGNORECASE
)
_DATE_GAP: Final = re.compile(r",?\s+(?:(?:at|on|of|from|to|until)\s+)?|\s?[-–—]\s?|\s+to\s+|,\s*")
"""Text between two parts of one date."""
_COUNTED: Final = re.compile(
    r"\bhow (?:many|much) (?:more )?(?!(?:money|cash|is|are|was|were|do|does|did|has|have|had|will|can)\b)(\w+)"
)
_COUNTED_BEFORE: Final = re.compile(r"(\w+)(?::| of| is| are| was| were)\s?$")
"""The noun before its number: "Visitors: 12", "a discount of 15 %"."""
_MAX_COUNTED_CHARS: Final = 100  # after a number, in which the word that it counts is looked for
_MAX_CHARS: Final = 2_000
"""Longest part of a sentence that is searched: a text without full stops would cost the patterns too much time."""
_NAME_PATTERN: Final = r"\b[A-Z][\w'’-]*(?:\s(?:of|de|van|von|the|and)\s[A-Z][\w-]*|\s[A-Z][\w'’-]*|(?<=\b[A-Z])\.\s[A-Z]\w*)*"
_NO_SUBJECT: Final = re.compile(
    r"\s*[(:\[]|,\s(?:the|an?|my|your|our|his|her|all|it|i|we|you|please)\s[^,]*$|\s(?:the|an?|my|your|our|his|her|all|some|it|them|to|for|in|on|at|with|of|up|back)\b"
)
_DURATIONS: Final = r"second|minute|hour|night|day|week|month|year|decade|centur"
_LENGTHS: Final = r"met(?:re|er)|\b[kcm]?m\b|mile|yard|feet|foot|\bft\b|inch"
_DIMENSIONS: Final = (
    (r"\bhow (?:hot|cold|warm)\b|\btemperature\b", r"degree|°"),
    (r"\bhow heavy\b|\bweigh", r"gram|kilo|\bk?g\b|pound|\blbs?\b|ounce|\boz\b|stone|\bt(?:on(?:ne)?s?)?\b"),
    (r"\bhow (?:tall|high|deep|wide|thick|far)\b", _LENGTHS),
    (r"\bhow long\b.*\b(?:take|took|last|keep|stay|wait)", _DURATIONS),
    (r"\bhow long\b", rf"{_DURATIONS}|{_LENGTHS}"),
    (r"\bhow fast\b", r"km/h|mph|knots|per hour"),
)
"""Questions for a measure, and the units of their answers."""
_ASKS_DISCOUNT: Final = re.compile(r"\bhow much (?:of an? )?(?:discount|reduction)\b", re.IGNORECASE)
_ASKS_EXCEPTION: Final = re.compile(r"\bexceptions?\b|\b(?:raised|thrown)\b", re.IGNORECASE)
_CLASS_OF_EXCEPTION: Final = re.compile(r"[\w.]*(?:Error|Exception)\b")
_ASKS_ORIGIN: Final = re.compile(r"\b(?:from|to|of|by|for|whom|whose)\b", re.IGNORECASE)
_ASKS_CALL: Final = re.compile(r"\bwhom?\b.*\b(?:call|ring|phone)\b", re.IGNORECASE)
_BEFORE_THING: Final = re.compile(
    r"\b(?:river|lake|mount|cape|island|village|town|city|valley|street|ship|boat|train|inn|pub|hotel|called)\s(?:the\s)?$"
)
"""Before a name that is no person's."""
_NAMES_NOBODY: Final = re.compile(r"\W*(?:subject|re|topic|title|date)\s?:", re.IGNORECASE)
"""Label of a line that begins with a capital, but with no name."""
_PER: Final = re.compile(r"an? (?:second|minute|hour|day|night|week|month|year)", re.IGNORECASE)
_BEFORE_DURATION: Final = re.compile(
    r"(?:^|[,;:(]|\b(?:for|in|takes?|took|lasts?|lasted|about|only|just|within|after|over|than|is|was|needs?|nearly|almost|half|of))\s*$"
)
_SAID_DIMENSION: Final = re.compile(r"\s(long|high|tall|wide|deep|thick|old|heavy)\b")
_ASKED_DIMENSION: Final = re.compile(r"\bhow (long|high|tall|wide|deep|thick|old|heavy)\b")
_ALIKE: Final = {"tall": "high"}
_PLACE: Final = re.compile(
    r"\b(?:in|at|on|under|behind|near|opposite|next to|beside|inside|outside|above|below|between|from)\s"
    r"(?:the|an?|my|our|his|her|its|their|your)\s[\w'’-]+(?:\s(?!(?:and|but|where|which|who|that|is|are|was|were|for|to|from|with|at|in|on)\b)"
    r"[\w'’-]+){0,3}",
    re.IGNORECASE,
)
_NON_NAME_WORDS: Final = frozenset(
    "the a an he she it they we i you this that these those but and however in on at after before when while his her "
    "their our its there what who which where how why some many most all no one two for from with by as if so then later "
    "today since during because although both each every monday tuesday wednesday thursday friday saturday sunday "
    "last next total info debug warn warning error fatal critical notice trace".split()
) | frozenset(MONTHS.lower().split("|"))


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
    spans: list[Span] = []
    for pattern in PATTERNS[kind]:
        for match in re.finditer(pattern, sentence, 0 if kind in CASED else re.IGNORECASE):
            group = "x" if "x" in match.re.groupindex and match["x"] else 0
            start, end = match.span(group)
            if not any(start < span.end and span.start < end for span in spans):
                spans.append(Span(start, end, match[group].strip(" ,.;:")))
    return spans


def _find_dates(kind: str, sentence: str, question: str) -> list[Span]:
    """Return dates and times, those joined that stand together: "Thursday 4 June at half past eight", "9 am - 6:30 pm"."""
    joined: list[Span] = []
    for span in sorted(_find_by_pattern(kind, sentence, question), key=lambda span: span.start):
        if (
            joined
            and _DATE_GAP.fullmatch(sentence[joined[-1].end : span.start])
            and joined[-1].text.lower() not in question.lower()
        ):
            start = joined.pop().start
            joined.append(Span(start, span.end, sentence[start : span.end].strip(" ,.;:")))
        else:
            joined.append(span)
    return joined


def _find_measures(kind: str, sentence: str, question: str) -> list[Span]:
    """Return measures in units of what is asked for: "how hot" in degrees."""
    lower = question.lower()
    units = next((units for asks, units in _DIMENSIONS if re.search(asks, lower)), "")
    spans = [span for span in _find_by_pattern(kind, sentence, question) if re.search(units, span.text.lower())]
    return [span for span in spans if not _is_rate(span, sentence) and not _is_other_dimension(span, sentence, lower)]


def _is_rate(span: Span, sentence: str) -> bool:
    """Tell whether "a day" says per what: "nine thousand vehicles a day"."""
    return bool(_PER.fullmatch(span.text) and not _BEFORE_DURATION.search(sentence[: span.start].lower()))


def _is_other_dimension(span: Span, sentence: str, question: str) -> bool:
    """Tell whether a measure is said to be another one than is asked for: "312 metres long" is not how high it is."""
    said = _SAID_DIMENSION.match(sentence[span.end :])
    asked = _ASKED_DIMENSION.search(question)
    return bool(said and asked and _ALIKE.get(said[1], said[1]) != _ALIKE.get(asked[1], asked[1]))


def _find_amounts(kind: str, sentence: str, question: str) -> list[Span]:
    """Return what "how much sugar" may mean: measures, shares, sums of money, else numbers."""
    if _ASKS_DISCOUNT.search(question):
        return [*_find_by_pattern("percent", sentence, question), *_find_by_pattern("money", sentence, question)]
    found = (_find_by_pattern(each, sentence, question) for each in ("measure", "percent", "money", "number"))
    return next((spans for spans in found if spans), [])


def _find_failures(kind: str, sentence: str, question: str) -> list[Span]:
    """Return what a line says went wrong; where an exception is asked for, only one that names its class."""
    spans = _find_by_pattern(kind, sentence, question)
    return [span for span in spans if _CLASS_OF_EXCEPTION.match(span.text) or not _ASKS_EXCEPTION.search(question)]


def _find_by_noun(kind: str, sentence: str, question: str) -> list[Span]:
    """Return what stands beside the noun that is asked for: "platform four", "Oakfield Clinic", "the island of Sarn"."""
    noun = find_asked_noun(question)
    spans = []
    for match in find_beside_noun(noun, sentence):
        start, text = match.start("x"), match["x"]
        first, _, rest = text.partition(" ")
        if first[:1].isupper() and first.lower() in _NON_NAME_WORDS and rest:  # "The Harrow Valley"
            start, text = start + len(first) + 1, rest
        if text.lower() not in _NON_NAME_WORDS and extract_content_words(text) - {stem(noun)}:
            spans.append(Span(start, match.end("x"), text))
    return spans


def find_spans_in_texts(kind: str, texts: Sequence[str], question: str) -> list[list[Span]]:
    """Return the answer spans of each text; for sums, plain numbers if no text has a currency."""
    found = [find_answer_spans(kind, text, question) for text in texts]
    if kind == "money" and not any(found):
        plain = [_find_plain_amounts(text[:_MAX_CHARS], question) for text in texts]
        with_cents = [[span for span in spans if "." in span.text] for spans in plain]
        return with_cents if any(with_cents) else plain  # on a receipt, a whole number counts something else
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
    """Return whether a number stands beside the noun that "how many" or "how much" asks for; True for other questions."""
    counted = _COUNTED.search(question.lower())
    if not counted:
        return True
    counted_stem = stem(counted[1])[:5]  # so that "visits" also count visitors
    words = re.findall(r"\w+", sentence[span.end : span.end + _MAX_COUNTED_CHARS].lower())[:3]  # "12 paying adult visitors"
    label = _COUNTED_BEFORE.search(sentence[max(0, span.start - _MAX_COUNTED_CHARS) : span.start].lower())
    words += [label[1]] if label else []
    meant = unify_synonyms(frozenset({stem(counted[1])}))
    return any(word.startswith(counted_stem) for word in words) or bool(meant & unify_synonyms(frozenset(map(stem, words))))


def _find_places(kind: str, sentence: str, question: str) -> list[Span]:
    """Return addresses and names behind a preposition; without those, "in a hollow tree", "opposite the post office"."""
    streets = _find_by_pattern("address", sentence, question)
    if named := streets or _find_names(kind, sentence, question):
        return named
    known = extract_content_words(question)
    matches = [match for match in _PLACE.finditer(sentence) if not extract_content_words(match[0]) <= known]
    return [Span(*match.span(), match[0].strip()) for match in matches]


def _find_names(kind: str, sentence: str, question: str) -> list[Span]:
    """Return capitalised phrases: places stand after a preposition, persons don't, unless it is from, of or to."""
    known = extract_content_words(question)
    spans: list[Span] = []
    if kind == "person" and _NAMES_NOBODY.match(sentence):
        return []
    if kind == "person" and (subject := find_limited_subject(question, sentence)):
        return [Span(*subject.span("x"), subject["x"])]
    for match in re.finditer(_NAME_PATTERN, sentence):
        start, words = match.start(), match[0].split()
        while words and words[0].lower() in _NON_NAME_WORDS:  # capitalised, but no names
            start += len(words[0]) + 1
            words = words[1:]
        text = " ".join(words).strip(" ,.")
        if start == 0 and len(words) == 1 and _NO_SUBJECT.match(sentence[match.end() :]):
            continue  # a label or a command begins with a capital, too
        if not text or re.search(r"\d|['’]s?$", text) or extract_content_words(text) <= known:  # or the question names it
            continue
        before = sentence[max(0, start - 12) : start].lower()
        after_preposition = bool(re.search(r"\b(?:in|at|to|from|near|of|outside|on|into)\s(?:the\s)?$", before))
        is_asked = bool(_ASKS_ORIGIN.search(question)) and before.endswith(("from ", "of ", "to "))
        belongs = after_preposition == (kind == "place") or (kind == "person" and is_asked)
        if kind == "name" or (belongs and not (kind == "person" and _BEFORE_THING.search(before))):
            spans.append(Span(start, match.end(), text))
    return spans if spans or not _ASKS_CALL.search(question) else _find_by_pattern("phone", sentence, question)


_FINDERS: Final[Mapping[str, Callable[[str, str, str], list[Span]]]] = {
    "date": _find_dates,
    "measure": _find_measures,
    "amount": _find_amounts,
    "failure": _find_failures,
    "noun": _find_by_noun,
    "name": _find_names,
    "number": _find_numbers,
    "person": _find_names,
    "place": _find_places,
}
