"""Answers from a page in cells: an invoice, a form. A value stands in its label's cell, beside it or right below it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.core.sentences import split_sentences
from hugginggpt.experts.bundled.answer_spans import Span, find_spans_in_texts
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.bundled.extractive_qa import ExtractedAnswer, compute_word_overlap, extract_answers
from hugginggpt.experts.bundled.question_analysis import DOCUMENT_WORDS, detect_answer_kind, extract_content_words

_FOUND: Final = 0.25
"""A label with a lower score isn't the one that is asked for."""
_SURE: Final = 0.42
"""The same, where no kind of value tells whether it can be right."""
_HINT: Final = 0.35
"""Bonus for a label that says what the question says in other words: less than for the same words."""
_NEAR: Final = 0.45
"""A label that shares no word with the question must be at least as near to it in meaning."""
_BELOW: Final = 0.05
"""Penalty for a value that stands below its label: one beside it is a surer sign."""
_LETTER: Final = r"[^\W\d_]"
_GAP: Final = 1.2
"""Farther below a label, in heights of the value, nothing belongs to it."""
_PROSE: Final = 8
"""A cell with as many words is a line of running text."""
_WRAPPED: Final = 6
"""A row of one cell with as many words goes on in the next row, unless it ends in a stop."""
_GENERIC: Final = {
    "money": frozenset("amount sum price cost money pay paid total".split()),
    "date": frozenset("date day time".split()),
    "percent": frozenset("rate percent percentage per cent".split()),
    "code": frozenset("number no nr".split()),
    "person": frozenset("pay ow name person company".split()),
}
"""Stems of words that say what kind of thing is asked for, and not which."""
_BEFORE_TAX: Final = re.compile(r"\b(?:total )?(?:before|without|excluding|excl\.?) (?:the )?(?:vat|tax)\b", re.IGNORECASE)
_WITH_TAX: Final = re.compile(r"\b(?:with|including|incl\.?|after) (?:the )?(?:vat|tax)\b", re.IGNORECASE)
_RECIPIENT: Final = r"\bfor\b|\bbilled\b|\bto\b|customer|client|addressee|recipient|buyer|\bowes?\b|\bpays?\b"
_ISSUER: Final = (
    r"\bfrom\b|\bissu|\bsent\b|seller|vendor|supplier|sender|\bwrote\b|\bmade\b|\bby\b"
    r"|\bwho(?:m)? (?:do|must|should|shall|can) (?:i|we)\b.*\b(?:pay|owe)\b"
)
_HINTS: Final[tuple[tuple[str, str, str, float], ...]] = (
    ("money", r"(?<!sub )(?<!sub-)\btotal\b|\bow(?:e|ed|ing)\b|\bpay\b|\bpaid\b|\bpayable\b|\bdue\b|\bin all\b",
     r"^(?:grand |invoice )?total\b(?! (?:items|net|tax|vat))|\b(?:amount|balance|sum) (?:due|payable|owed|to pay)\b", _HINT),
    ("money", r"\bow(?:e|ed|ing)\b|\bpay\b|\bpayable\b|\bdue\b", r"\bdue\b|\bpayable\b|\bowed\b|\bbalance\b", 0.1),
    ("date", r"\bdue\b|\bpay\b|\bpaid\b|deadline|\blatest\b|\bowe", r"\bdue\b|\bpay(?:able)? (?:by|until|before)|deadline",
     _HINT),
    ("date", r"(?:invoice|issue|bill) date|\bdated\b|\bissued\b|\bwritten\b|\bsent\b|\bmade out\b|\bdate of\b|\bfrom\b",
     r"^(?:invoice |issue |bill )?date\b|\bdated\b|\bissued\b", _HINT),
    ("person", _RECIPIENT,
     r"^(?:(?:bill|invoice|sold|ship|deliver|address)\w* )?to\b|^(?:customer|client|recipient|buyer|for)\b", _HINT),
    ("person", _ISSUER, r"^(?:from|issued by|seller|vendor|supplier|sender)\b", _HINT),
    ("code", r"\b(?:invoice|bill|receipt|document)\b", r"\b(?:invoice|bill|receipt|document)\b", _HINT),
)  # fmt: skip
"""Kind, what the question says, what the label says, what that is worth."""
_LABELS: Final = frozenset(
    "bill invoice receipt to from no date due total subtotal amount number vat tax account payment pay description quantity "
    "unit price page how".split()
)
"""Words of labels; a name holds none of them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of text on a page."""

    text: str
    box: tuple[float, float, float, float]
    """left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class _FormField:
    """A value with its label."""

    label: str
    value: Span
    shown: str
    """Both, as they are quoted."""
    cost: float = 0.0


def extract_page_answers(rows: Sequence[Sequence[Cell]], questions: Sequence[str]) -> list[ExtractedAnswer]:
    """Return the answer to each question, from the page's labels where they have it, else from its sentences."""
    return [_from_labels(rows, question) or _from_text(rows, question) for question in questions]


def _from_text(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer:
    return extract_answers(_sentences(rows), [question])[0]


def _sentences(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the page's rows, and sentences over several rows made whole."""
    text = ""
    for row in rows:
        whole = " ".join(cell.text for cell in row)
        goes_on = len(row) == 1 and len(whole.split()) >= _WRAPPED and whole[-1] not in ".!?:"
        text += whole + (" " if goes_on else "\n\n")
    return split_sentences(text)


def _from_labels(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    question = _without_tax(question)
    kind = detect_answer_kind(question)
    if kind is None:
        return _from_pairs(rows, question)
    if kind == "person" and (head := _letterhead(rows, question)):
        return head
    entries = list(_entries(rows, kind, question))
    if not entries:
        return None
    words = _telling_words(kind, question)
    vectors = embed_texts([question, *(entry.label for entry in entries)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    shares = compute_word_overlap(words, [_spelt_out(entry.label) for entry in entries]).tolist()
    best, best_score = None, _FOUND
    for entry, cosine, share in zip(entries, cosines, shares, strict=True):
        hint = _hint(kind, question, words, entry.label)
        score = 0.5 * cosine + 0.5 * share + hint - entry.cost
        if score > best_score and (share or hint or (cosine > _NEAR and kind != "person")):
            best, best_score = entry, score
    return ExtractedAnswer(best.shown, best.value.text, min(best_score, 1.0)) if best else None


def _from_pairs(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    """For a question that shows no kind: the label and what stands beside or below it, both together."""
    pairs: dict[str, float] = {}
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if place and re.search(_LETTER, row[place - 1].text):
                pairs.setdefault(f"{row[place - 1].text} {cell.text}", 0.0)
            if (above := _above(rows[:number], cell)) is not None:
                pairs.setdefault(f"{above.text} {cell.text}", _BELOW)
            if re.search(rf"{_LETTER}\W+\w", cell.text):
                pairs.setdefault(cell.text, 0.0)
    words = _telling_words("", question)
    vectors = embed_texts([question, *pairs])
    shares = compute_word_overlap(words, list(pairs))
    scores = 0.5 * (vectors[1:] @ vectors[0]) + 0.5 * shares - list(pairs.values())
    best = int(scores.argmax()) if pairs else 0
    return ExtractedAnswer(list(pairs)[best], "", min(float(scores[best]), 1.0)) if pairs and scores[best] > _SURE else None


def _without_tax(question: str) -> str:
    """ "Total before tax" is the subtotal; "total including VAT" the total."""
    return _WITH_TAX.sub("", _BEFORE_TAX.sub("subtotal", question))


def _telling_words(kind: str, question: str) -> frozenset[str]:
    """Return the words of a question that tell which value is meant: not those that name the page, or any value of the kind."""
    words = extract_content_words(_spelt_out(question))
    if kind != "code":  # "the invoice's number" is another one than the account's
        words -= DOCUMENT_WORDS
    telling = words - _GENERIC.get(kind, frozenset())
    # a column headed "Amount" is not what "the amount" means, a row that begins with "Date" is "the date"
    return telling if telling or kind in {"money", "person"} else words


def _spelt_out(text: str) -> str:
    return re.sub(r"\b(?:no|nr)\b\.?", "number", text, flags=re.IGNORECASE)


def _hint(kind: str, question: str, words: frozenset[str], label: str) -> float:
    """Return what a label gains by saying in other words what is asked for."""
    asked, said = question.lower(), label.lower()
    if kind in {"money", "code"} and words <= _GENERIC["code"]:  # "How much is it?", "What is the number?"
        asked += " total invoice"
    if kind == "person" and re.search(_ISSUER, asked):
        asked = "from"
    matches = [worth for of, says, means, worth in _HINTS if of == kind and re.search(says, asked) and re.search(means, said)]
    return sum(matches)


def _letterhead(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    """Return who sent the page: what stands at its top."""
    if not rows or not re.search(_ISSUER, question.lower()):
        return None
    for cell in rows[0]:
        for span in _names(find_spans_in_texts("person", [cell.text], question)[0]):
            return ExtractedAnswer(cell.text, span.text, 0.5)
    return None


def _names(spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if not _LABELS & {word.lower().strip(".") for word in span.text.split()}]


def _entries(rows: Sequence[Sequence[Cell]], kind: str, question: str) -> Iterator[_FormField]:
    """Yield the values of a kind with the labels that they may have; of several sums in a row the last first, as on a bill."""
    flat = [cell.text for row in rows for cell in row]
    found = iter(find_spans_in_texts(kind, flat, question))
    spans = [[next(found) for _ in row] for row in rows]
    single = re.search(r"\bunit\b|\beach\b|\bsingle\b|\bapiece\b|\bper (?:piece|item)\b", question.lower())
    backwards = kind == "money" and not single
    for number, row in enumerate(rows):
        places = [place for place, cell in enumerate(row) if spans[number][place] and len(cell.text.split()) < _PROSE]
        for place in reversed(places) if backwards else places:
            values = _names(spans[number][place]) if kind == "person" else spans[number][place]
            for value in reversed(values) if backwards else values:
                yield from _labelled(rows, spans, number, place, value)


def _labelled(
    rows: Sequence[Sequence[Cell]], spans: Sequence[Sequence[Sequence[Span]]], number: int, place: int, value: Span
) -> Iterator[_FormField]:
    cell = rows[number][place]
    own = cell.text[: value.start].strip(" :")
    if re.search(_LETTER, re.sub(r"[$€£¥]?\d[\d.,]*", "", own)) and extract_content_words(own):
        yield _FormField(own, value, cell.text)
        return
    for left in range(place - 1, -1, -1):
        label = rows[number][left].text
        if re.search(_LETTER, label) and not spans[number][left]:
            yield _FormField(label, value, f"{label} {cell.text}")
            break
    above = _above(rows[:number], cell)
    if above is not None:
        yield _FormField(above.text, value, f"{above.text} {cell.text}", _BELOW)


def _above(rows: Sequence[Sequence[Cell]], cell: Cell) -> Cell | None:
    """Return the nearest cell that stands right above one, in the same column."""
    left, top, right, bottom = cell.box
    for row in reversed(rows):
        for other in row:
            shared = min(right, other.box[2]) - max(left, other.box[0])
            if shared > 0.5 * min(right - left, other.box[2] - other.box[0]):
                return other if top - other.box[3] < _GAP * (bottom - top) else None
    return None
