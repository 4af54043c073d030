"""Look-up in a table, on a page or in Markdown: the row that a question names, and the column it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.experts.bundled.answer_spans import find_answer_spans
from hugginggpt.experts.bundled.question_analysis import detect_answer_kind, extract_content_words, find_asked_noun, stem

_MIN_NAMED_SHARE: Final = 0.5  # share of a cell's words that the question must have to mean that row
_RULE: Final = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*")
_YES_NO: Final = re.compile(r"\W*(?:(?:and|so|but) )?(?:is|are|was|were|does|do|did|has|have|had|can|will)\b", re.IGNORECASE)
_HEADS: Final = {
    kind: frozenset(map(stem, words.split()))
    for kind, words in {
        "place": "destination place town city station location address room hall to",
        "date": "time date day departure arrival deadline until due",
        "person": "name who person",
    }.items()
}
"""Stems of words over the column that holds a kind of value."""
_HOURS: Final = {
    word: hour for hour, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), start=1)
}
_AT_HOUR: Final = re.compile(rf"\bat ({'|'.join(_HOURS)}|\d{{1,2}})\b(?!:| past| to |[ap]m| [ap]\.?m)")
_EVERYTHING: Final = frozenset({"total", "sum", "all", "altogether", "overall"})


@dataclass(frozen=True, slots=True)
class TextTable:
    """A header and the rows below it, all of one length."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FoundCell:
    """The cell that answers a question."""

    value: str
    quote: str
    """Its row, each cell with its header."""
    is_sure: bool = False
    """True if the question names the row's cell in full, and the column by its header."""


def parse_markdown_tables(text: str) -> list[TextTable]:
    """Return the tables of a Markdown text."""
    lines = [line.strip() for line in text.splitlines()]
    tables = []
    for number in range(1, len(lines)):
        if "|" in lines[number] and _RULE.fullmatch(lines[number]) and "|" in lines[number - 1]:
            header = _split_row(lines[number - 1])
            rows = []
            for line in lines[number + 1 :]:
                if "|" not in line:
                    break
                rows.append((*_split_row(line), *[""] * len(header))[: len(header)])
            tables.append(TextTable(header, tuple(rows)))
    return tables


def _split_row(line: str) -> tuple[str, ...]:
    return tuple(cell.strip(" *_`") for cell in line.strip().strip("|").split("|"))


def look_up_cell(tables: Sequence[TextTable], question: str) -> FoundCell | None:
    """Return the cell that a question asks for; None if it names no row, or its column isn't clear."""
    return next((found for table in tables if (found := _look_up(table, question))), None)


def _look_up(table: TextTable, question: str) -> FoundCell | None:
    words = _spell(question) | _spell_hours(question)
    row, named = _find_row(table, words, question)
    if row is None:
        return None
    quote = ", ".join(f"{head}: {cell}" if head else cell for head, cell in zip(table.header, row, strict=True) if cell)
    if _YES_NO.match(question):
        return FoundCell("", quote)
    others = [column for column in range(len(row)) if column not in named and row[column]]
    by_header = _find_by_header(table, others, words, question)
    column = by_header if by_header is not None else _find_by_kind(table, row, others, named, question)
    return None if column is None else FoundCell(row[column], quote, is_sure=by_header is not None)


def _find_row(table: TextTable, words: frozenset[str], question: str) -> tuple[tuple[str, ...] | None, frozenset[int]]:
    """Return the row that the question names, and the columns in which it does; none if several fit alike."""
    rated = []
    for row in table.rows:
        shares = [_rate_cell(cell, words, question) for cell in row]
        columns = frozenset(column for column, share in enumerate(shares) if share >= _MIN_NAMED_SHARE)
        rated.append((sum(shares[column] for column in columns), row, columns))
    best = max(rated, key=lambda rating: rating[0], default=(0, None, frozenset[int]()))
    is_clear = best[0] and sum(rating[0] == best[0] for rating in rated) == 1
    return (best[1], best[2]) if is_clear else (None, frozenset())


def _rate_cell(cell: str, words: frozenset[str], question: str) -> float:
    """Rate how surely a question names a cell: the share of the cell's words that it has; proper names count most."""
    own = _spell(cell)
    if not own or not own & words:
        return 0.0
    is_name = any(
        word[0].isupper() and re.search(rf"\b{re.escape(word)}\b", question) for word in re.findall(r"[^\W\d_]+", cell)
    )
    return len(own & words) / len(own) + 0.5 * is_name


def _find_by_header(table: TextTable, columns: Sequence[int], words: frozenset[str], question: str) -> int | None:
    """Return the column whose header the question has, that of "which platform" before others."""
    asked = stem(find_asked_noun(question) or _find_counted(question))
    headers = {column: _spell(table.header[column]) for column in columns}
    named = [column for column in columns if asked and asked in headers[column]]
    shared = [column for column in columns if headers[column] & words]
    return max(named or shared, key=lambda column: len(headers[column] & words), default=None)


def _find_by_kind(
    table: TextTable, row: Sequence[str], columns: Sequence[int], named: frozenset[int], question: str
) -> int | None:
    """Return the column with the kind of value that is asked for, or the only one that is left."""
    kind = detect_answer_kind(question)
    typed = [column for column in columns if kind and kind != "noun" and find_answer_spans(kind, row[column], question)]
    if typed:
        return typed[-1] if kind == "money" else typed[0]  # of several sums in a row the last is the whole
    if headed := _find_headed(table, columns, kind):
        return headed[0]
    if len(columns) == 1:
        return columns[0]
    names = [column for column in columns if not re.search(r"\d", row[column])]
    return names[0] if names and kind in {"noun", "person", "name"} and 0 not in named else None


def _find_headed(table: TextTable, columns: Sequence[int], kind: str | None) -> list[int]:
    """Return the columns whose header names that kind of value: "Destination" tells where."""
    heads = _HEADS.get(kind or "", frozenset())
    return [column for column in columns if heads & frozenset(map(stem, table.header[column].split()))]


def _spell_hours(question: str) -> frozenset[str]:
    """Return how a table may write "at nine": 9:00, 09:00 and 21:00."""
    hours = (_HOURS.get(hour) or int(hour) for hour in _AT_HOUR.findall(question.lower()))
    return frozenset(text for hour in hours for text in (f"{hour}:00", f"{hour:02}:00", f"{hour % 12 + 12}:00"))


def _find_counted(question: str) -> str:
    """Return the noun of "how many teachers" and "what is the status of"; empty for any other question."""
    counted = re.search(r"\b(?:how many|what(?:['’]s| is| are| was| were) the) (\w+)", question.lower())
    return counted[1] if counted else ""


def _spell(text: str) -> frozenset[str]:
    """Return the stems of a text's words; a time is one word, and all words for a sum of everything are "total"."""
    times = frozenset(re.findall(r"\d{1,2}:\d\d", text))
    words = extract_content_words(re.sub(r"\d{1,2}:\d\d", " ", text)) | times
    return words - _EVERYTHING | ({"total"} if words & _EVERYTHING else frozenset())
