"""Choice of the sentence that answers a question: the nearest in meaning and words that has the kind of value asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.bundled.answer_spans import find_spans_in_texts, matches_counted_noun
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.bundled.phrase_spans import find_asked_verb
from hugginggpt.experts.bundled.question_analysis import (
    EVENT_STEMS,
    detect_answer_kind,
    extract_meanings,
    find_asked_noun,
    find_names,
    find_things,
    stem,
    unify_synonyms,
)
from hugginggpt.experts.bundled.span_choice import choose_span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MIN_CONFIDENCE: Final = 0.42  # lowest confidence, 0..1, of a sentence that is given as an answer
_UNTYPED_MARGIN: Final = 0.15
"""Added to `_MIN_CONFIDENCE` when a date (a sum, a name) is asked for and the sentence holds none."""
_UNKNOWN_MARGIN: Final = 0.17
"""The same where the text speaks nowhere of what the question is about."""
_MAX_MARGINS: Final = {"measure": 0.05, "noun": 0.17}
"""Largest margins for kinds whose values say themselves what is meant: by a unit, by the noun beside them."""
_NO_EVENT_MARGIN: Final = 0.3  # the same where the text says nowhere that it happened
_OTHER_VERB_MARGIN: Final = 0.1
"""The same where the sentence doesn't say that it happened."""
_HEADING_PENALTY: Final = 0.3
_MAX_HEADING_WORDS: Final = 3
_KIND_STEMS: Final = {"money": frozenset(map(stem, ("money", "amount", "sum", "price", "cash")))}
"""Stems of words that tell the kind of value asked for, but not which one."""
_MIN_NEAREST: Final = 0.22
"""Lowest confidence of a sentence that is shown as the nearest one where nothing was found."""
_STRICT_KINDS: Final = frozenset({"email", "url", "phone", "colour", "percent", "fraction", "money", "age"})
"""Kinds whose values have a form of their own: in a text without one there is no answer."""
CELL_CONFIDENCE: Final = 0.8
_SOFT_KINDS: Final = frozenset({"noun", "failure", "warning", "file", "material", "address", "frequency"})
"""Kinds that a text may answer in other forms as well: where it has none of these, a sentence will do."""
_MARKED_KINDS: Final = frozenset({"failure", "warning", "email", "url"})
_SINGULAR_KINDS: Final = frozenset({"failure", "warning", "email", "url", "address", "place"})
_MIN_CONFIDENCE_OF_ONLY: Final = 0.3
"""The same as `_MIN_CONFIDENCE` for such a kind where one sentence alone has it."""
_MARK_BONUS: Final = 0.25
_ASKING_PENALTY: Final = 0.3
_ASKS: Final = re.compile(
    r"^(?!.*\b(?:could|can|would|will) you\b).*\?\W*$"
    r"|(?:^|[:,] )(?:what|when|where|how) (?:shall|should|do|does|did|is|are|can|will|would)\b",
    re.IGNORECASE,
)
"""Sentences that ask themselves, in chats and letters: they answer nothing."""
_WEEKDAY: Final = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day")
_EVERY_DAY: Final = re.compile(r"\b(?:daily|every ?day|weekdays?|weekends?|always)\b|day\s?(?:to|-|–|until|till|through)\s?\w")
"""Words for days that are not named one by one."""
_NAME_CHARS: Final = 5  # letters of a name that must occur, whatever its ending


@dataclass(frozen=True, slots=True)
class ExtractedAnswer:
    """Sentence of a text that answers a question."""

    sentence: str = ""
    """Empty if no answer was found."""
    span: str = ""
    """The part of the sentence that was asked for; empty if its kind is unknown."""
    confidence: float = 0.0
    """0..1; not a probability."""
    nearest: str = ""
    """The sentence that came nearest where no answer was found; empty if none is near."""

    @property
    def piece(self) -> str:
        """Shortest form of the answer."""
        return self.span or self.sentence


@dataclass(frozen=True, slots=True)
class _Sentences:
    """The sentences of a text, and the stems of each, one for all synonyms."""

    sentences: Sequence[str]
    meanings: Sequence[frozenset[str]]

    def rate_overlap(self, words: frozenset[str]) -> NDArray[np.float64]:
        """Return the share (0..1) of a question's words that each sentence has, or less surely with the one before it."""
        import numpy as np

        before = (frozenset[str](), *self.meanings)  # a row of a table doesn't go on with the one above
        rows = zip(before, self.meanings, self.sentences, strict=False)
        contexts = (own if text.startswith("|") else other | own for other, own, text in rows)
        shares = [
            max(len(words & own), 0.8 * len(words & context)) for own, context in zip(self.meanings, contexts, strict=True)
        ]
        return np.array(shares) / max(len(words), 1)

    def find_margin(self, index: int, question: str) -> float:
        """Return what to add to the threshold for a sentence where it, or the whole text, has not what is asked about."""
        everything = frozenset[str]().union(*self.meanings)
        events = extract_meanings(question) & EVENT_STEMS
        verb = extract_meanings(find_asked_verb(question)) or events
        if events and not events & everything:
            return _NO_EVENT_MARGIN
        if not find_things(question) <= everything:
            return _UNKNOWN_MARGIN
        return 0.0 if not verb or verb & self.meanings[index] else _OTHER_VERB_MARGIN


def extract_answers(sentences: Sequence[str], questions: Sequence[str], call: Call | None = None) -> list[ExtractedAnswer]:
    """Return for each question the sentence nearest to it in meaning and words, and the span that is asked for."""
    before = ["" if own.startswith("|") else other for other, own in zip(("", *sentences), sentences, strict=False)]
    contexts = [f"{other} {own}".strip() for other, own in zip(before, sentences, strict=True)]
    vectors = embed_texts([*questions, *sentences, *contexts], call)
    count = len(questions)
    alone, joined = vectors[count : count + len(sentences)], vectors[count + len(sentences) :]
    text = _Sentences(sentences, tuple(extract_meanings(sentence) for sentence in sentences))
    return [
        _choose_sentence(text, question, alone @ vector, joined @ vector)
        for question, vector in zip(questions, vectors[:count], strict=True)
    ]


def _choose_sentence(
    text: _Sentences, question: str, alone: NDArray[np.float32], joined: NDArray[np.float32]
) -> ExtractedAnswer:
    """Return the best sentence, given each one's cosines alone and with its predecessor, which resolves pronouns."""
    import numpy as np

    sentences, words = text.sentences, extract_meanings(question)
    kind = detect_answer_kind(question)
    words = words - _KIND_STEMS.get(kind or "", frozenset()) or words
    shared = text.rate_overlap(words)
    spans = find_spans_in_texts(kind, sentences, question) if kind else [[] for _ in sentences]
    pairs = zip(spans, sentences, strict=True)
    of_kind = np.array([any(matches_counted_noun(span, sentence, question) for span in found) for found, sentence in pairs])
    is_typed = kind is not None and (kind not in _SOFT_KINDS or bool(of_kind.any()))
    # a context counts less than a sentence itself; 0.05 for all shifts the confidence alone
    scores = 0.6 * np.maximum(alone, 0.85 * joined) + 0.3 * shared + (0.10 * of_kind if is_typed else 0.05)
    scores -= _ASKING_PENALTY * np.array([bool(_ASKS.search(sentence)) for sentence in sentences])
    if is_typed:
        scores -= _HEADING_PENALTY * (~of_kind & np.array([len(each.split()) <= _MAX_HEADING_WORDS for each in sentences]))
    if kind in _MARKED_KINDS:  # the mark alone says that a line is meant
        scores += _MARK_BONUS * of_kind
    best = int(scores.argmax())
    is_only = kind in _SINGULAR_KINDS and of_kind.sum() == 1  # a text's only address is where the place is
    threshold = _MIN_CONFIDENCE_OF_ONLY if is_only else _MIN_CONFIDENCE
    if is_typed and of_kind.any() and not of_kind[best]:
        best_typed = int(np.where(of_kind, scores, -1).argmax())
        best = best_typed if scores[best_typed] >= threshold else best
    confidence = float(np.clip(scores[best], 0, 1))
    is_named = kind != "noun" or bool(spans[best]) or extract_meanings(find_asked_noun(question)) <= text.meanings[best]
    margin = _UNTYPED_MARGIN if (is_typed and not of_kind[best]) or not is_named else 0.0
    if is_typed:
        margin = max(margin, min(text.find_margin(best, question), _MAX_MARGINS.get(kind or "", 1.0)))
    nearest = sentences[best] if confidence >= _MIN_NEAREST else ""
    if (
        confidence < (threshold if of_kind[best] and kind in _MARKED_KINDS else _MIN_CONFIDENCE) + margin
        or not names_occur(question, sentences)
        or (kind in _STRICT_KINDS and not any(spans))
    ):
        return ExtractedAnswer(confidence=confidence, nearest=nearest)
    return ExtractedAnswer(sentences[best], choose_span(spans[best], sentences[best], question, kind), confidence)


def names_occur(question: str, sentences: Sequence[str]) -> bool:
    """Tell whether the text speaks of everybody that the question names: of Riverside nothing else answers."""
    text = " ".join(sentences).lower()
    days = frozenset(_WEEKDAY.findall(question.lower()))
    other_days = frozenset(_WEEKDAY.findall(text)) - days
    is_other_day = days and not days & frozenset(_WEEKDAY.findall(text)) and other_days and not _EVERY_DAY.search(text)
    return not is_other_day and all(stem(name)[:_NAME_CHARS] in text for name in find_names(question))


def compute_word_overlap(words: frozenset[str], texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share (0..1) of a question's words that each text contains, shape (len(texts),)."""
    import numpy as np

    words = unify_synonyms(words)
    return np.array([len(words & extract_meanings(text)) / max(len(words), 1) for text in texts])
