"""Extractive question answering, by comparing a text's sentences with the question.

Nothing is generated: an answer is one of the text's sentences and the span of it that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.languages import detect_language
from hugginggpt.core.markdown import shorten
from hugginggpt.core.page_marks import strip_page_marks
from hugginggpt.core.sentences import split_sentences, strip_item_mark
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.log_lines import count_log_lines
from hugginggpt.experts.bundled.message_head import find_asked_field, find_head_field, is_about_message
from hugginggpt.experts.bundled.question_analysis import extract_content_words, split_question
from hugginggpt.experts.bundled.sentence_choice import CELL_CONFIDENCE, ExtractedAnswer, extract_answers
from hugginggpt.experts.bundled.table_lookup import look_up_cell, parse_markdown_tables
from hugginggpt.experts.languages import check_language

_MAX_SENTENCES: Final = 1_500
_MAX_QUOTE_CHARS: Final = 300
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
    sentences = [strip_item_mark(each) for each in split_sentences(strip_page_marks(text))][:_MAX_SENTENCES]
    if not sentences:
        raise InputError("The text is empty, so nothing in it answers the question.")
    tables = parse_markdown_tables(text)
    found = extract_answers(sentences, questions, call)
    found = [find_mention(sentences, question) or each for question, each in zip(questions, found, strict=True)]
    found = [count_log_lines(text, question) or each for question, each in zip(questions, found, strict=True)]
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
    name = part.strip(" ?")
    return f"“{name[:1].upper()}{name[1:]}?”"


def _format_answer(found: ExtractedAnswer, place: str) -> str:
    if found.sentence:
        quoted = shorten(found.sentence, _MAX_QUOTE_CHARS)
        return f"{found.span} (“{quoted}”)" if found.span and found.span != found.sentence else found.sentence
    nearest = f" The nearest that I found: “{shorten(found.nearest, _MAX_QUOTE_CHARS)}”" if found.nearest else ""
    return f"I did not find it {place}.{nearest}"
