"""Parsing of a question about a table: all of its words must be explained, or it is refused."""

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import Table
from hugginggpt.experts.bundled.tables.conditions import take_conditions
from hugginggpt.experts.bundled.tables.labelling import Item, label_words
from hugginggpt.experts.bundled.tables.query import Query
from hugginggpt.experts.bundled.tables.reading import BEYOND, QuestionReader
from hugginggpt.experts.bundled.tables.verbs import check_verbs

_MAX_CHARS: Final = 1_000
_FILE_NAMES: Final = re.compile(r"(?<!\S)[^\s\"“”]{1,100}\.(?:csv|tsv|xlsx?|ods|txt|pdf|docx)\b|\btable-\d+\b", re.IGNORECASE)
_YES_OR_NO: Final = re.compile(r"(?:is|are|was|were|does|do|did|has|have)\b", re.IGNORECASE)


def parse_question(question: str, table: Table, row_nouns: frozenset[str] = frozenset()) -> Query:
    """Parse a question in English.

    Raises:
        ExpertError: It asks for something that isn't calculated here, or may be read in two ways.
    """
    check_question_length(question)
    question = _FILE_NAMES.sub(" ", question)
    items = _drop_relatives(label_words(question, table, row_nouns))
    limit, items = _take_limit(items)
    conditions, left = take_conditions(items, table)
    if unknown := [item.text for item in left if item.kind == "unknown"]:
        raise ExpertError(f"“{unknown[0]}” is neither a column nor a cell of the table, nor a calculation known here. {BEYOND}")
    if not left and not conditions:
        raise ExpertError(f"It isn't clear what to look for in the table. {BEYOND}")
    query = QuestionReader(left, table, conditions, limit, bool(_YES_OR_NO.match(question.strip()))).read()
    check_verbs(items, left, query)
    return query


def check_question_length(question: str) -> None:
    """Refuse a text that is too long for a question.

    Raises:
        ExpertError: It is.
    """
    if len(question) > _MAX_CHARS:  # before patterns are tried on it
        raise ExpertError("That is a long text for a question about a table: ask it in one sentence.")


def _drop_relatives(items: Sequence[Item]) -> list[Item]:
    """Drop "who" and "where" behind what they belong to, "people who", and the "by" of "films by Ana Lee"."""
    said = {"rows", "column", "count", "aggregate", "superlative"}
    kept = [
        item
        for at, item in enumerate(items)
        if item.kind not in {"who", "where"} or not any(other.kind in said for other in items[:at])
    ]
    kinds = [*(item.kind for item in kept[1:]), ""]
    pairs = zip(kept, kinds[: len(kept)], strict=True)
    return [
        item
        for item, behind in pairs
        if not (item.text == "by" and behind == "cells") and (item.kind != "to" or behind in {"number", "days"})
    ]


def _take_limit(items: Sequence[Item]) -> tuple[int, list[Item]]:
    """Take the number out of "top 3" and "the 3 cheapest"."""
    for at, item in enumerate(items):
        number = items[at + 1] if item.kind in {"top", "bottom"} and at + 1 < len(items) else item
        behind = items[at + 1] if number is item and at + 1 < len(items) else None
        ahead = item.kind in {"top", "bottom"} or (behind is not None and behind.kind == "superlative")
        if ahead and number.kind == "number" and number.digits.isdecimal() and 0 < int(number.digits[:9]) <= 1_000:
            return int(number.digits), [other for other in items if other is not number]
    return 0, list(items)
