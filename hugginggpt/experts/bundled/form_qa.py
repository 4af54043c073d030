"""Answers from a page in cells (an invoice, a form): a value stands in its label's cell, beside it or right below it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hugginggpt.core.sentences import split_sentences
from hugginggpt.experts.bundled.answer_spans import Span, find_spans_in_texts, matches_counted_noun
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.bundled.extractive_qa import find_mention
from hugginggpt.experts.bundled.letterhead import HEAD_CONFIDENCE, ISSUER, LABEL_WORDS, RECIPIENT, answer_from_head
from hugginggpt.experts.bundled.message_head import find_head_field, join_labels
from hugginggpt.experts.bundled.page_tables import Cell, find_page_tables, unstack_labels
from hugginggpt.experts.bundled.question_analysis import (
    DOCUMENT_WORDS,
    detect_answer_kind,
    extract_content_words,
    replace_phrases,
    stem,
)
from hugginggpt.experts.bundled.sentence_choice import (
    CELL_CONFIDENCE,
    ExtractedAnswer,
    compute_word_overlap,
    extract_answers,
    names_occur,
)
from hugginggpt.experts.bundled.table_lookup import TextTable, look_up_cell

_MIN_SCORE: Final = 0.25  # lowest score of the label that is asked for
_MIN_UNTYPED_SCORE: Final = 0.42
"""The same for a question that shows no kind of value, so that nothing else confirms the label."""
_BONUS: Final = 0.35  # bonus for a label that paraphrases the question: less than sharing its words gives
_MIN_COSINE: Final = 0.45  # lowest cosine to the question of a label that shares no word with it
_BELOW_PENALTY: Final = 0.05  # penalty for a value below its label: beside it is a surer sign
_LETTER: Final = r"[^\W\d_]"
_WITH_VALUE: Final = re.compile(r":\s*\S")
"""In a label that has its own value in its cell."""
_MAX_GAP: Final = 1.2  # largest distance of a value below its label, in heights of the value
_MIN_PROSE_WORDS: Final = 8  # fewest words of a cell that is running text, not a value
_MIN_WRAPPED_WORDS: Final = 6  # fewest words of a one-cell row that goes on in the next row, unless it ends in a stop
_MARGIN_SHARE: Final = 0.1  # largest difference of the ends of two rows at one margin, in lengths of a row
_KIND_WORDS: Final = {
    kind: frozenset(map(stem, words.split()))
    for kind, words in {
        "money": "amount sum price cost money pay paid total",
        "date": "date day time",
        "percent": "rate percent percentage per cent",
        "code": "number no nr",
        "person": "pay owe name person company",
    }.items()
}
"""Stems of words that tell the kind of value asked for, but not which one."""
_DOCUMENT_STEMS: Final = frozenset(map(stem, DOCUMENT_WORDS))
_BEFORE_TAX: Final = re.compile(r"\b(?:total )?(?:before|without|excluding|excl\.?) (?:the )?(?:vat|tax)\b", re.IGNORECASE)
_WITH_TAX: Final = re.compile(r"\b(?:with|including|incl\.?|after) (?:the )?(?:vat|tax)\b", re.IGNORECASE)
_HINTS: Final[tuple[tuple[str, str, str, float], ...]] = (
    ("money", r"(?<!sub )(?<!sub-)\btotal\b|\bow(?:e|ed|ing)\b|\bpay\b|\bpaid\b|\bpayable\b|\bdue\b|\bin all\b",
     r"^(?:grand |invoice )?total\b(?! (?:items|net|tax|vat))|\b(?:amount|balance|sum) (?:due|payable|owed|to pay)\b", _BONUS),
    ("money", r"\bow(?:e|ed|ing)\b|\bpay\b|\bpayable\b|\bdue\b", r"\bdue\b|\bpayable\b|\bowed\b|\bbalance\b", 0.1),
    ("date", r"\bdue\b|\bpay\b|\bpaid\b|deadline|\blatest\b|\bowe", r"\bdue\b|\bpay(?:able)? (?:by|until|before)|deadline",
     _BONUS),
    ("date", r"(?:invoice|issue|bill) date|\bdated\b|\bissued\b|\bwritten\b|\bsent\b|\bmade out\b|\bdate of\b|\bfrom\b",
     r"^(?:invoice |issue |bill )?date\b|\bdated\b|\bissued\b", _BONUS),
    ("person", RECIPIENT,
     r"^(?:(?:bill|invoice|sold|ship|deliver|address)\w* )?(?:to|for)\b|^(?:customer|client|recipient|buyer|for)\b", _BONUS),
    ("person", ISSUER, r"^(?:from|issued by|seller|vendor|supplier|sender)\b", _BONUS),
    ("code", r"\b(?:invoice|bill|receipt|document)\b", r"\b(?:invoice|bill|receipt|document)\b", _BONUS),
)  # fmt: skip
"""Kind of value, pattern of the question, pattern of the label, bonus if both match."""


@dataclass(frozen=True, slots=True)
class _FormField:
    """Value on a form, with its label."""

    label: str
    value: Span
    quote: str
    """Label and value, as quoted in an answer."""
    penalty: float = 0.0


def extract_page_answers(rows: Sequence[Sequence[Cell]], questions: Sequence[str]) -> list[ExtractedAnswer]:
    """Return the answer to each question: from the page's tables and labels if they have it, else from its sentences."""
    rows = unstack_labels(rows)
    tables = find_page_tables(rows)
    return [_answer(rows, tables, question) for question in questions]


def _answer(rows: Sequence[Sequence[Cell]], tables: Sequence[TextTable], question: str) -> ExtractedAnswer:
    texts = [cell.text for row in rows for cell in row]
    if not names_occur(question, texts):
        return replace(_answer_from_sentences(rows, question), sentence="", span="")
    if field := find_head_field(join_labels([cell.text for cell in row] for row in rows), question):
        return ExtractedAnswer(field.quote, field.value, CELL_CONFIDENCE)
    if mention := find_mention(_join_rows(rows), question):
        return mention
    cell = look_up_cell(tables, question)
    from_cell = ExtractedAnswer(cell.quote, cell.value, CELL_CONFIDENCE) if cell else None
    if cell and cell.is_sure:
        return ExtractedAnswer(cell.quote, cell.value, CELL_CONFIDENCE)
    return (
        answer_from_head(rows, question)
        or _answer_by_count(texts, question)
        or (from_cell if cell and not cell.value else None)
        or _answer_from_labels(rows, question)
        or from_cell
        or _answer_from_only_date(texts, question)
        or _answer_from_sentences(rows, question)
    )


def _answer_by_count(texts: Sequence[str], question: str) -> ExtractedAnswer | None:
    """Answer "how many teas" from "2 x Tea"."""
    if "how many" not in question.lower():
        return None
    for text in texts:
        for span in find_spans_in_texts("number", [text], question)[0]:
            if matches_counted_noun(span, text, question):
                return ExtractedAnswer(text, span.text, CELL_CONFIDENCE)
    return None


def _answer_from_only_date(texts: Sequence[str], question: str) -> ExtractedAnswer | None:
    """Answer "when was this?", which says no more, with the page's first date."""
    if detect_answer_kind(question) != "date" or _select_distinctive_words("date", question) - _KIND_WORDS["date"]:
        return None
    spans = ((text, span) for text in texts for span in find_spans_in_texts("date", [text], question)[0])
    return next(
        (ExtractedAnswer(text, span.text, HEAD_CONFIDENCE) for text, span in spans if re.search(r"\d", span.text)), None
    )


def _answer_from_sentences(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer:
    return extract_answers(_join_rows(rows), [question])[0]


def _join_rows(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the page's rows as sentences; those that run over several rows are joined."""
    text = ""
    for row, following in zip(rows, [*rows[1:], []], strict=True):
        whole = " ".join(cell.text for cell in row)
        is_long = len(row) == 1 and len(whole.split()) >= _MIN_WRAPPED_WORDS and whole[-1] not in ".!?:"
        goes_on = is_long and following and (following[0].text[0].islower() or _ends_at_margin(row[0], rows))
        text += whole + (" " if goes_on else "\n\n")
    return split_sentences(text)


def _ends_at_margin(cell: Cell, rows: Sequence[Sequence[Cell]]) -> bool:
    """Tell whether a row may have been broken at a margin: another one ends there, too."""
    left, top, right, bottom = cell.box
    ends = [row[-1].box[2] for row in rows if abs(row[0].box[0] - left) < 2 * (bottom - top)]
    room = _MARGIN_SHARE * (right - left)
    return max(ends) <= right + room and sum(end >= right - room for end in ends) > 1  # itself is one


def _answer_from_labels(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    question = _normalize_tax(question)
    kind = detect_answer_kind(question)
    if kind is None:
        return _answer_from_pairs(rows, question)
    entries = list(_pair_values(rows, kind, question))
    if not entries:
        return None
    words = _select_distinctive_words(kind, question)
    vectors = embed_texts([question, *(entry.label for entry in entries)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    shares = compute_word_overlap(words, [_spell_out(entry.label) for entry in entries]).tolist()
    best, best_score = None, _MIN_SCORE
    for entry, cosine, share in zip(entries, cosines, shares, strict=True):
        hint = _rate_hints(kind, question, words, entry.label)
        score = 0.5 * cosine + 0.5 * share + hint - entry.penalty
        if score > best_score and (share or hint or (cosine > _MIN_COSINE and kind != "person")):
            best, best_score = entry, score
    return ExtractedAnswer(best.quote, best.value.text, min(best_score, 1.0)) if best else None


def _answer_from_pairs(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    """Answer a question that shows no kind of value with a label and the cell beside or below it, both quoted."""
    pairs: dict[str, float] = {}  # penalties; set once, so a value beside its label has none
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if column and re.search(_LETTER, row[column - 1].text):
                pairs.setdefault(f"{row[column - 1].text} {cell.text}", 0.0)
            if (above := _find_above(rows[:number], cell)) is not None:
                pairs.setdefault(f"{above.text} {cell.text}", _BELOW_PENALTY)
            if re.search(rf"{_LETTER}\W+\w", cell.text):
                pairs.setdefault(cell.text, 0.0)
    words = _select_distinctive_words("", question)
    vectors = embed_texts([question, *pairs])
    shares = compute_word_overlap(words, list(pairs))
    scores = 0.5 * (vectors[1:] @ vectors[0]) + 0.5 * shares - list(pairs.values())
    best = int(scores.argmax()) if pairs else 0
    if not pairs or scores[best] <= _MIN_UNTYPED_SCORE:
        return None
    return ExtractedAnswer(list(pairs)[best], "", min(float(scores[best]), 1.0))


def _normalize_tax(question: str) -> str:
    """Rewrite "total before tax" as "subtotal", and "total including VAT" as "total"."""
    return _WITH_TAX.sub("", _BEFORE_TAX.sub("subtotal", question))


def _select_distinctive_words(kind: str, question: str) -> frozenset[str]:
    """Select the words of a question that distinguish a value, without those for the page or for any value of the kind."""
    words = extract_content_words(_spell_out(replace_phrases(question)))
    if kind != "code":  # "the invoice's number" is another one than the account's
        words -= _DOCUMENT_STEMS
    distinctive = words - _KIND_WORDS.get(kind, frozenset())
    # a column headed "Amount" is not what "the amount" means, a row that begins with "Date" is "the date"
    return distinctive if distinctive or kind in {"money", "person"} else words


def _spell_out(text: str) -> str:
    return re.sub(r"\b(?:no|nr)\b\.?", "number", text, flags=re.IGNORECASE)


def _rate_hints(kind: str, question: str, words: frozenset[str], label: str) -> float:
    """Return the sum of the bonuses of a label that paraphrases what is asked for."""
    asked, lower_label = question.lower(), label.lower()
    if kind in {"money", "code"} and words <= _KIND_WORDS["code"]:  # "How much is it?", "What is the number?"
        asked += " total invoice"
    if kind == "person" and re.search(ISSUER, asked):
        asked = "from"  # or "pay" in "Whom do we pay?" would hint at the recipient as well
    return sum(
        bonus
        for hint_kind, asks, names, bonus in _HINTS
        if hint_kind == kind and re.search(asks, asked) and re.search(names, lower_label)
    )


def _filter_names(spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if not LABEL_WORDS & {word.lower().strip(".") for word in span.text.split()}]


def _pair_values(rows: Sequence[Sequence[Cell]], kind: str, question: str) -> Iterator[_FormField]:
    """Yield the values of a kind with each label that may be theirs; of several sums in a row, a bill's total comes last."""
    texts = [cell.text for row in rows for cell in row]  # of the whole page: a currency anywhere rules out plain numbers
    spans_by_cell = iter(find_spans_in_texts(kind, texts, question))
    spans = [[next(spans_by_cell) for _ in row] for row in rows]
    single = re.search(r"\bunit\b|\beach\b|\bsingle\b|\bapiece\b|\bper (?:piece|item)\b", question.lower())
    from_right = kind == "money" and not single
    for number, row in enumerate(rows):
        columns = [i for i, cell in enumerate(row) if spans[number][i] and len(cell.text.split()) < _MIN_PROSE_WORDS]
        for column in reversed(columns) if from_right else columns:
            values = _filter_names(spans[number][column]) if kind == "person" else spans[number][column]
            for value in reversed(values) if from_right else values:
                yield from _pair_value(rows, spans, number, column, value)


def _pair_value(
    rows: Sequence[Sequence[Cell]], spans: Sequence[Sequence[Sequence[Span]]], number: int, column: int, value: Span
) -> Iterator[_FormField]:
    """Yield one value with its label: in its own cell, or else the nearest one at its left and the one above."""
    cell = rows[number][column]
    own_label = cell.text[: value.start].strip(" :")
    if re.search(_LETTER, re.sub(r"[$€£¥]?\d[\d.,]*", "", own_label)) and extract_content_words(own_label):
        yield _FormField(own_label, value, cell.text)
        return
    for left in range(column - 1, -1, -1):
        label = rows[number][left].text
        if re.search(_LETTER, label) and not spans[number][left] and not _WITH_VALUE.search(label):
            yield _FormField(label, value, f"{label} {cell.text}")
            break
    above = _find_above(rows[:number], cell)
    if above is not None and not _WITH_VALUE.search(above.text):
        yield _FormField(above.text, value, f"{above.text} {cell.text}", _BELOW_PENALTY)


def _find_above(rows: Sequence[Sequence[Cell]], cell: Cell) -> Cell | None:
    """Return the nearest cell right above another, in the same column; None if it is too far away."""
    left, top, right, bottom = cell.box
    for row in reversed(rows):
        for other in row:
            shared_width = min(right, other.box[2]) - max(left, other.box[0])
            if shared_width > 0.5 * min(right - left, other.box[2] - other.box[0]):  # columns are rarely aligned to the pixel
                return other if top - other.box[3] < _MAX_GAP * (bottom - top) else None
    return None
