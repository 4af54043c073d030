"""Extractive question answering, by comparing a text's sentences with the question.

Nothing is generated: an answer is one of the text's sentences and the span of it that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.languages import detect_language
from hugginggpt.core.markdown import shorten
from hugginggpt.core.sentences import split_sentences, strip_item_mark
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.answer_spans import find_spans_in_texts, matches_counted_noun
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.bundled.message_head import find_asked_field, find_head_field, is_about_message
from hugginggpt.experts.bundled.question_analysis import (
    detect_answer_kind,
    extract_content_words,
    extract_meanings,
    find_asked_noun,
    find_names,
    find_things,
    split_question,
    stem,
    unify_synonyms,
)
from hugginggpt.experts.bundled.span_choice import choose_span
from hugginggpt.experts.bundled.table_lookup import look_up_cell, parse_markdown_tables
from hugginggpt.experts.languages import check_language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SENTENCES: Final = 1_500
_MIN_CONFIDENCE: Final = 0.42  # lowest confidence, 0..1, of a sentence that is given as an answer
_UNTYPED_MARGIN: Final = 0.15
"""Added to `_MIN_CONFIDENCE` when a date (a sum, a name) is asked for and the sentence holds none."""
_UNKNOWN_MARGIN: Final = 0.1
"""The same where the text speaks nowhere of what the question is about."""
_KIND_STEMS: Final = {"money": frozenset(map(stem, ("money", "amount", "sum", "price", "cash")))}
"""Stems of words that tell the kind of value asked for, but not which one."""
_MIN_NEAREST: Final = 0.22
"""Lowest confidence of a sentence that is shown as the nearest one where nothing was found."""
_STRICT_KINDS: Final = frozenset({"email", "url", "phone", "colour", "percent", "fraction", "money", "age"})
"""Kinds whose values have a form of their own: in a text without one there is no answer."""
CELL_CONFIDENCE: Final = 0.8
_MAX_QUOTE_CHARS: Final = 300
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
_CLOSING: Final = re.compile(
    r"\b(?:yours(?: sincerely| faithfully| truly)?|sincerely|(?:(?:kind|best|warm) )?regards|best wishes|many thanks"
    r"|(?P<informal>love|thanks|cheers|bye|take care|all the best|see you(?: soon| then| there)?))"
    r"[,!.]?\s+(?P<name>(?-i:[A-Z])[\w.'’-]*(?: (?-i:[A-Z])[\w.'’-]*){0,3})(?(informal)\W*\Z)",
    re.IGNORECASE,
)
_MENTION: Final = re.compile(
    r"\bwhich (?:one|of (?:them|these|those)|file|page|picture|photo|document|letter|recording|text)s?\b.{0,20}?\b"
    r"(?:mentions?|says?|contains?|has|speaks? (?:of|about)|talks? about|is about|includes?|lists?|shows?"
    r"|(?:is|was) (?=in |at |on |from |by ))"
    r"\s*(?P<what>.+)",
    re.IGNORECASE,
)
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


def answer(call: Call) -> Result:
    """Run question-answering: for each part of the question the span that answers it, and its sentence."""
    if call.has_fallback:  # another model may find what this one can't read
        check_language(call)
    parts = split_question(call.text("question"))
    found = answer_from_text(call.text(), parts, call)
    language = detect_language(call.text())
    if language is None or language.code == "en":
        return Result((build_answers_output(parts, found),))
    note = f"I read English texts only, and this one seems to be in {language.name}, so I may have missed what it says."
    found = [ExtractedAnswer(nearest=each.nearest or each.sentence) for each in found]  # nobody judges what isn't understood
    return Result((build_answers_output(parts, found),), note=note)


def answer_from_text(text: str, questions: Sequence[str], call: Call | None = None) -> list[ExtractedAnswer]:
    """Return the answer to each question, from the text's tables if they have it, else from its sentences.

    Raises:
        InputError: There is no sentence.
    """
    sentences = [strip_item_mark(sentence) for sentence in split_sentences(text)][:_MAX_SENTENCES]
    if not sentences:
        raise InputError("The text is empty, so nothing in it answers the question.")
    tables = parse_markdown_tables(text)
    found = extract_answers(sentences, questions, call)
    found = [find_mention(sentences, question) or each for question, each in zip(questions, found, strict=True)]
    found = [_find_in_head(text, question) or each for question, each in zip(questions, found, strict=True)]
    cells = [look_up_cell(tables, question) for question in questions]
    return [
        ExtractedAnswer(cell.quote, cell.value, CELL_CONFIDENCE) if cell else each
        for cell, each in zip(cells, found, strict=True)
    ]


def find_mention(sentences: Sequence[str], question: str) -> ExtractedAnswer | None:
    """Return the sentence that has what "which one mentions a bagel?" asks for; None for any other question."""
    asked = _MENTION.search(question)
    if not asked:
        return None
    words = extract_content_words(asked["what"])
    sentence = next((each for each in sentences if words and words <= extract_content_words(each)), "")
    return ExtractedAnswer(sentence, "", CELL_CONFIDENCE if sentence else 0.0)


def _find_in_head(text: str, question: str) -> ExtractedAnswer | None:
    """Return what a message's head says, or who signed it, where that is asked."""
    if field := find_head_field(text, question):
        return ExtractedAnswer(field.quote, field.value, CELL_CONFIDENCE)
    asks_writer = find_asked_field(question) == "sender" and is_about_message(question)
    closing = _CLOSING.search(text) if asks_writer else None
    return ExtractedAnswer(" ".join(closing[0].split()), closing["name"], CELL_CONFIDENCE) if closing else None


def build_answers_output(parts: Sequence[str], found: Sequence[ExtractedAnswer], place: str = "in the text") -> Output:
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
    return Output(Kind.TEXT, text=_format_answers(parts, found, place), data=data)


def _describe_part(part: str, found: ExtractedAnswer) -> dict[str, Any]:
    rounded = round(found.confidence, 3)
    return {"question": part, "answer": found.piece, "sentence": found.sentence, "confidence": rounded}


def _format_answers(parts: Sequence[str], found: Sequence[ExtractedAnswer], place: str) -> str:
    """Return each part's answer, named by its question where there are several."""
    if len(parts) == 1:
        return _format_answer(found[0], place)
    lines = [f"{_name_part(part)}: {_format_answer(each, place)}" for part, each in zip(parts, found, strict=True)]
    return "\n".join(dict.fromkeys(lines))


def _name_part(part: str) -> str:
    return f"“{part.strip(' ?')}?”"


def _format_answer(found: ExtractedAnswer, place: str) -> str:
    if found.sentence:
        quoted = shorten(found.sentence, _MAX_QUOTE_CHARS)
        return f"{found.span} (“{quoted}”)" if found.span and found.span != found.sentence else found.sentence
    nearest = f" The nearest that I found: “{shorten(found.nearest, _MAX_QUOTE_CHARS)}”" if found.nearest else ""
    return f"I did not find it {place}.{nearest}"


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
    if kind in _MARKED_KINDS:  # the mark alone says that a line is meant
        scores += _MARK_BONUS * of_kind
    best = int(scores.argmax())
    is_only = kind in _SINGULAR_KINDS and of_kind.sum() == 1  # a text's only address is where the place is
    threshold = _MIN_CONFIDENCE_OF_ONLY if is_only else _MIN_CONFIDENCE
    if is_typed and of_kind.any() and not of_kind[best]:
        best_typed = int(np.where(of_kind, scores, -1).argmax())
        best = best_typed if scores[best_typed] >= threshold else best
    confidence = float(np.clip(scores[best], 0, 1))
    margin = _UNTYPED_MARGIN if is_typed and not of_kind[best] else 0
    if kind == "noun" and not spans[best] and stem(find_asked_noun(question)) not in extract_content_words(sentences[best]):
        margin = _UNTYPED_MARGIN
    if is_typed and kind != "measure" and not find_things(question) <= frozenset[str]().union(*text.meanings):
        margin = max(margin, _UNKNOWN_MARGIN)
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
    return all(stem(name)[:_NAME_CHARS] in text for name in find_names(question))


def compute_word_overlap(words: frozenset[str], texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share (0..1) of a question's words that each text contains, shape (len(texts),)."""
    import numpy as np

    words = unify_synonyms(words)
    return np.array([len(words & extract_meanings(text)) / max(len(words), 1) for text in texts])
