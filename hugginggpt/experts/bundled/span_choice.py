"""Choice between several spans of one sentence: that of the clause in which the question's own words stand."""

import itertools
import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.experts.bundled.answer_spans import Span, matches_counted_noun
from hugginggpt.experts.bundled.question_analysis import PREDICATE_STEMS, extract_content_words, extract_meanings, stem

_CLAUSE_END: Final = re.compile(r"[,;:]\s|\s(?:and|but|while|or|then|whereas)\s(?!\d{1,2}(?:st|nd|rd|th)?\s[A-Z])")
_PARTICLES: Final = frozenset({"on", "off", "up", "down", "back", "away", "out"})
_WINDOW: Final = 45  # characters on either side of a span that are compared with the question


def choose_span(spans: Sequence[Span], sentence: str, question: str, kind: str | None) -> str:
    """Return the span whose clause has most of the question's words; "by" before a person marks who did something.

    >>> leaves, arrives = "It leaves at ten and arrives at noon.", [Span(13, 16, "ten"), Span(32, 36, "noon")]
    >>> choose_span(arrives, leaves, "When does it reach Dover?", "date")
    'noon'
    """
    if len(spans) < 2:
        return spans[0].text if spans else ""
    meanings, words = extract_meanings(question), extract_content_words(question)
    content = [match for match in re.finditer(r"[^\W_]+", question) if extract_content_words(match[0])]
    last = sentence.lower().find(content[-1][0].lower()) if content else -1  # "spent on staff": the last word tells most
    particles = _find_particles(question)
    last_meaning = extract_meanings(content[-1][0]) if content else frozenset()
    counts = "how m" in question.lower()

    def rate_closeness(span: Span) -> tuple[int, ...]:
        around = extract_content_words(sentence[max(0, span.start - _WINDOW) : span.end + _WINDOW])
        length = len(span.text.split())  # a full name before a surname, "20 May 2024" before "2024"
        is_agent = kind == "person" and sentence[: span.start].endswith(" by ")
        clause = _cut_clause(sentence, span)
        shared = meanings & extract_meanings(clause)
        distance = min(abs(last - span.start), abs(last - span.end)) if last >= 0 else 0
        return (
            2 * is_agent + 2 * (counts and matches_counted_noun(span, sentence, question)) - _is_stamp(span, sentence),
            len(shared & PREDICATE_STEMS) + len(particles & _find_particles(clause)),
            len(shared) + bool(last_meaning & shared) + (kind == "person" and length > 1),
            len(words & around),
            -distance,
            length,
        )

    return max(spans, key=rate_closeness).text


def _find_particles(text: str) -> frozenset[tuple[str, str]]:
    """Return the verbs with particles, by their stems: "turned on" is not "turned off"."""
    words = re.findall(r"[^\W_]+", text)
    return frozenset((stem(word), after.lower()) for word, after in itertools.pairwise(words) if after.lower() in _PARTICLES)


def _is_stamp(span: Span, sentence: str) -> bool:
    """Tell whether a time is that of a line in a chat: "[18:05] Ann: at noon"."""
    return sentence[: span.start] == "[" and sentence[span.end : span.end + 1] == "]"


def _cut_clause(sentence: str, span: Span) -> str:
    """Return the clause around a span; a comma or an "and" ends it."""
    begin = max((match.end() for match in _CLAUSE_END.finditer(sentence, 0, span.start)), default=0)
    end = _CLAUSE_END.search(sentence, span.end)
    return sentence[begin : end.start() if end else None]
