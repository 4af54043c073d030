"""Summaries and answers that are taken from a text word for word, by comparing sentences with MiniLM.

Nothing is written here: a summary is made of the text's own sentences, an answer is one of them and the piece of it
that was asked for. What isn't in the text can't be in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hugginggpt.errors import InputError
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.meaning import encode
from hugginggpt.experts.bundled.sentences import split_sentences
from hugginggpt.experts.bundled.spans import Span, answer_spans, asked_kind, content_words, counts
from hugginggpt.tasks import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SENTENCES: Final = 1_500
_LEAD: Final = 0.10
"""What standing at the beginning adds to a sentence's score."""
_REDUNDANCY: Final = 0.7
"""What being like a sentence that was taken already costs."""
_FOUND: Final = 0.42
"""A best sentence with less confidence is no answer."""
_TYPED_MARGIN: Final = 0.15
"""How much surer it must be when a date (a sum, a name) is asked for and the sentence holds none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence of a text that answers a question."""

    sentence: str = ""
    """Empty when the text doesn't answer it."""
    span: str = ""
    """The piece that was asked for, where its kind is known."""
    confidence: float = 0.0
    """0..1; not a probability."""


def summarize(call: Call) -> Result:
    """summarization: a fifth of the text's sentences, two to six, in their order.

    Returns:
        One text; ``data["sentences"]`` holds them, ``data["of"]`` counts those of the text.
    """
    distinct = dict.fromkeys(s for s in split_sentences(call.text()) if not _is_heading(s))
    found = list(distinct)[:_MAX_SENTENCES] or [call.text()]
    wanted = min(max(2, round(len(found) / 5)), 6)
    chosen = found if len(found) <= wanted else central_sentences(found, wanted, call)
    note = (
        "The text is so short that it is its own summary."
        if len(found) <= wanted
        else f"Made of {len(chosen)} of the text's own {len(found)} sentences, word for word."
    )
    return Result((Output(Kind.TEXT, text=" ".join(chosen), data={"sentences": chosen, "of": len(found)}),), note=note)


def _is_heading(sentence: str) -> bool:
    return len(sentence.split()) < 10 and sentence[-1].isalnum()


def central_sentences(sentences: Sequence[str], count: int, call: Call | None = None) -> list[str]:
    """The `count` sentences nearest to what the whole text says and least like each other, in their order."""
    import numpy as np

    vectors = encode(sentences, call)
    alike = vectors @ vectors.T
    whole = vectors.mean(0) / (np.linalg.norm(vectors.mean(0)) + 1e-9)
    score = 0.5 * (vectors @ whole) + 0.5 * (np.maximum(alike, 0).sum(1) - 1) / max(len(sentences) - 1, 1)
    score = (score - score.min()) / (np.ptp(score) + 1e-9)
    score += _LEAD * np.exp(-np.arange(len(sentences)) / 2.0)
    words = np.array([len(sentence.split()) for sentence in sentences])
    score -= 0.5 * (words < 6) + 0.2 * (words > 45) + 0.4 * np.array([s.endswith("?") for s in sentences])
    chosen: list[int] = []
    while len(chosen) < count:
        repeated = alike[:, chosen].max(1) if chosen else np.zeros(len(sentences))
        value = score - _REDUNDANCY * np.maximum(repeated - 0.3, 0)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
    return [sentences[number] for number in sorted(chosen)]


def answer(call: Call) -> Result:
    """question-answering: the piece of the text that answers, and the sentence it stands in."""
    sentences = split_sentences(call.text())[:_MAX_SENTENCES]
    if not sentences:
        raise InputError("The text is empty, so nothing in it answers the question.")
    return answered(answer_from_sentences(sentences, call.text("question"), call))


def answered(found: Answer) -> Result:
    """An answer as a result; ``data`` holds answer, sentence and confidence (0..1)."""
    data = {
        "answer": found.span or found.sentence,
        "sentence": found.sentence,
        "confidence": round(found.confidence, 3),
    }
    if not found.sentence:
        return Result((Output(Kind.TEXT, text="The answer is not in the text.", data=data),))
    text = f"{found.span} (“{found.sentence}”)" if found.span and found.span != found.sentence else found.sentence
    return Result((Output(Kind.TEXT, text=text, data=data),))


def answer_from_sentences(sentences: Sequence[str], question: str, call: Call | None = None) -> Answer:
    """The sentence nearest to a question in meaning and words, and the piece in it of the kind that is asked for."""
    import numpy as np

    before = [" ".join(sentences[max(0, i - 1) : i + 1]) for i in range(len(sentences))]
    vectors = encode([question, *sentences, *before], call)
    asked, alone, together = vectors[0], vectors[1 : 1 + len(sentences)], vectors[1 + len(sentences) :]
    # the sentence before tells whom a pronoun means
    cosine = np.maximum(alone @ asked, 0.85 * (together @ asked))
    words = content_words(question)
    shared = np.maximum(_overlap(words, sentences), 0.8 * _overlap(words, before))
    kind = asked_kind(question)
    spans = [answer_spans(kind, sentence, question) if kind else [] for sentence in sentences]
    pairs = zip(spans, sentences, strict=True)
    typed = np.array([any(counts(span, sentence, question) for span in found) for found, sentence in pairs])
    total = 0.6 * cosine + 0.3 * shared + (0.10 * typed if kind else 0.05)
    best = int(total.argmax())
    confidence = float(np.clip(total[best], 0, 1))
    if confidence < _FOUND + (_TYPED_MARGIN if kind and not spans[best] else 0):
        return Answer(confidence=confidence)
    return Answer(sentences[best], _nearest(spans[best], sentences[best], words), confidence)


def _overlap(words: frozenset[str], texts: Sequence[str]) -> NDArray[np.float64]:
    """Which share of the question's words each text contains."""
    import numpy as np

    return np.array([len(words & content_words(text)) / max(len(words), 1) for text in texts])


def _nearest(spans: Sequence[Span], sentence: str, words: frozenset[str]) -> str:
    """Of several pieces of the right kind, the one with the question's words around it."""

    def closeness(span: Span) -> tuple[int, int]:
        around = content_words(sentence[max(0, span.start - 45) : span.end + 45])
        return len(words & around), len(span.text.split())

    return max(spans, key=closeness).text if spans else ""


def answer_from_rows(rows: Sequence[Sequence[str]], question: str) -> Answer:
    """The answer in the rows of a page: a form says it in cells, a label on the left or above, the value beside or below.

    Args:
        rows: The pieces of text of each row, left to right.
        question: What is asked.
    """
    kind = asked_kind(question)
    words = content_words(question)
    candidates = [candidate for number in range(len(rows)) for candidate in _candidates(rows, number)]
    vectors = encode([question, *(candidate.text for candidate in candidates)])
    cosines = vectors[1:] @ vectors[0]
    shares = _overlap(words, [candidate.text for candidate in candidates])
    best, best_score = Answer(), 0.0
    for candidate, cosine, share in zip(candidates, cosines.tolist(), shares.tolist(), strict=True):
        spans = answer_spans(kind, candidate.text, question) if kind else []
        if kind and not spans:
            continue
        score = 0.5 * cosine + 0.5 * share + (0.1 if spans else 0.0) - candidate.cost
        if score > best_score:
            best_score = score
            best = Answer(candidate.row, _value(spans, candidate.text, words), min(max(score, 0.0), 1.0))
    if best_score >= _FOUND * 0.6:
        return best
    return answer_from_sentences([" ".join(row) for row in rows], question)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A label with its value, perhaps."""

    text: str
    row: str
    cost: float


def _candidates(rows: Sequence[Sequence[str]], number: int) -> list[_Candidate]:
    """Where a label and its value may stand: in one cell, in two beside each other, in a row, in a row and the next."""
    row, whole = rows[number], " ".join(rows[number])
    found = [_Candidate(cell, whole, 0.0) for cell in row]
    found += [_Candidate(f"{left} {right}", whole, 0.0) for left, right in zip(row, row[1:], strict=False)]
    found.append(_Candidate(whole, whole, 0.02))
    if number + 1 < len(rows):
        below = " ".join(rows[number + 1])
        found += [_Candidate(f"{cell} {below}", f"{whole} {below}", 0.08) for cell in dict.fromkeys((row[0], row[-1]))]
    return found


def _value(spans: Sequence[Span], text: str, words: frozenset[str]) -> str:
    """The first piece that follows the label; in a row of a bill that is the rightmost for a sum."""
    if not spans:
        return ""
    ends = [text.lower().rfind(word) + len(word) for word in words if word in text.lower()]
    after = [span for span in spans if ends and span.start >= max(ends)]
    return (after or [spans[-1]])[0].text
