"""Extractive question answering, by comparing a text's sentences with the question.

Nothing is generated: an answer is one of the text's sentences and the span of it that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.sentences import split_sentences
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.answer_spans import Span, find_spans_in_texts, matches_counted_noun
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.bundled.question_analysis import detect_answer_kind, extract_content_words, split_question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SENTENCES: Final = 1_500
_MIN_CONFIDENCE: Final = 0.42  # lowest confidence, 0..1, of a sentence that is given as an answer
_UNTYPED_MARGIN: Final = 0.15
"""Added to `_MIN_CONFIDENCE` when a date (a sum, a name) is asked for and the sentence holds none."""
_NO_ANSWER: Final = "The answer is not in the text."


@dataclass(frozen=True, slots=True)
class ExtractedAnswer:
    """Sentence of a text that answers a question."""

    sentence: str = ""
    """Empty if the text has no answer."""
    span: str = ""
    """The part of the sentence that was asked for; empty if its kind is unknown."""
    confidence: float = 0.0
    """0..1; not a probability."""

    @property
    def piece(self) -> str:
        """Shortest form of the answer."""
        return self.span or self.sentence


def answer(call: Call) -> Result:
    """Run question-answering: for each part of the question the span that answers it, and its sentence."""
    sentences = split_sentences(call.text())[:_MAX_SENTENCES]
    if not sentences:
        raise InputError("The text is empty, so nothing in it answers the question.")
    parts = split_question(call.text("question"))
    found = extract_answers(sentences, parts, call)
    return Result((build_answers_output(parts, found),))


def build_answers_output(parts: Sequence[str], found: Sequence[ExtractedAnswer]) -> Output:
    """Join the answers to the parts of a question into one text.

    Returns:
        Its ``data`` holds answer, sentence and confidence (0..1); with several parts also ``parts``, the same for each.
    """
    parts_data = [_describe_part(part, each) for part, each in zip(parts, found, strict=True)]
    known = [each for each in found if each.sentence]
    data: dict[str, Any] = {
        "answer": "; ".join(each.piece for each in known),
        "sentence": " ".join(dict.fromkeys(each.sentence for each in known)),
        "confidence": round(min((each.confidence for each in known or found), default=0.0), 3),  # the least sure part's
    }
    if len(parts) > 1:
        data["parts"] = parts_data
    return Output(Kind.TEXT, text=_format_answers(parts, found, data["sentence"]), data=data)


def _describe_part(part: str, found: ExtractedAnswer) -> dict[str, Any]:
    rounded = round(found.confidence, 3)
    return {"question": part, "answer": found.piece, "sentence": found.sentence, "confidence": rounded}


def _format_answers(parts: Sequence[str], found: Sequence[ExtractedAnswer], sentence: str) -> str:
    known = [each for each in found if each.sentence]
    if not known:
        return _NO_ANSWER
    if len(known) == len(found) and len({each.sentence for each in found}) == 1 and all(each.span for each in found):
        pieces = "; ".join(dict.fromkeys(each.span for each in found))
        return f"{pieces} (“{sentence}”)" if pieces != sentence else sentence
    lines = [_format_part(part, each) for part, each in zip(parts, found, strict=True)]
    return "\n".join(dict.fromkeys(lines))


def _format_part(part: str, found: ExtractedAnswer) -> str:
    if not found.sentence:
        return f"“{part.rstrip('?')}?” is not answered in the text."
    return f"{found.span} (“{found.sentence}”)" if found.span and found.span != found.sentence else found.sentence


def extract_answers(sentences: Sequence[str], questions: Sequence[str], call: Call | None = None) -> list[ExtractedAnswer]:
    """Return for each question the sentence nearest to it in meaning and words, and the span that is asked for."""
    contexts = [" ".join(sentences[max(0, i - 1) : i + 1]) for i in range(len(sentences))]
    vectors = embed_texts([*questions, *sentences, *contexts], call)
    count = len(questions)
    alone, joined = vectors[count : count + len(sentences)], vectors[count + len(sentences) :]
    return [
        _choose_sentence(sentences, contexts, question, alone @ vector, joined @ vector)
        for question, vector in zip(questions, vectors[:count], strict=True)
    ]


def _choose_sentence(
    sentences: Sequence[str], contexts: Sequence[str], question: str, alone: NDArray[np.float32], joined: NDArray[np.float32]
) -> ExtractedAnswer:
    """Return the best sentence, given each one's cosines alone and with its predecessor, which resolves pronouns."""
    import numpy as np

    words = extract_content_words(question)
    shared = np.maximum(compute_word_overlap(words, sentences), 0.8 * compute_word_overlap(words, contexts))
    kind = detect_answer_kind(question)
    spans = find_spans_in_texts(kind, sentences, question) if kind else [[] for _ in sentences]
    pairs = zip(spans, sentences, strict=True)
    of_kind = np.array([any(matches_counted_noun(span, sentence, question) for span in found) for found, sentence in pairs])
    # a context counts less than a sentence itself; 0.05 for all shifts the confidence alone
    scores = 0.6 * np.maximum(alone, 0.85 * joined) + 0.3 * shared + (0.10 * of_kind if kind else 0.05)
    best = int(scores.argmax())
    confidence = float(np.clip(scores[best], 0, 1))
    if confidence < _MIN_CONFIDENCE + (_UNTYPED_MARGIN if kind and not of_kind[best] else 0):
        return ExtractedAnswer(confidence=confidence)
    return ExtractedAnswer(sentences[best], _choose_span(spans[best], sentences[best], question, kind), confidence)


def compute_word_overlap(words: frozenset[str], texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share (0..1) of a question's words that each text contains, shape (len(texts),)."""
    import numpy as np

    return np.array([len(words & extract_content_words(text)) / max(len(words), 1) for text in texts])


def _choose_span(spans: Sequence[Span], sentence: str, question: str, kind: str | None) -> str:
    """Return the span with most of the question's words around it; "by" before a person marks who did something."""
    words = extract_content_words(question)
    content = [match for match in re.finditer(r"[^\W_]+", question) if extract_content_words(match[0])]
    last = sentence.lower().find(content[-1][0].lower()) if content else -1  # "spent on staff": the last word tells most

    def rate_closeness(span: Span) -> tuple[int, int, int]:
        around = extract_content_words(sentence[max(0, span.start - 45) : span.end + 45])
        length = len(span.text.split())  # a full name before a surname, "20 May 2024" before "2024"
        is_agent = kind == "person" and sentence[: span.start].endswith(" by ")
        distance = min(abs(last - span.start), abs(last - span.end)) if last >= 0 else 0
        return len(words & around) + (kind == "person" and length > 1) + 2 * is_agent, -distance, length

    return max(spans, key=rate_closeness).text if spans else ""
