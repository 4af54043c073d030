"""Answers to questions about tables, calculated: counts, sums, averages, extremes, groups, orders and rows."""

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.markdown import fold_into_line
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.table_lookup import TextTable, look_up_cell
from hugginggpt.experts.bundled.tables.columns import Table, build_table
from hugginggpt.experts.bundled.tables.computing import MAX_ROWS, Answer, compute_answer
from hugginggpt.experts.bundled.tables.labelling import label_words
from hugginggpt.experts.bundled.tables.parsing import parse_question
from hugginggpt.experts.bundled.tables.vocabulary import singularize
from hugginggpt.experts.csv_tables import read_table, write_rows

_MAX_COLUMNS: Final = 8  # columns that an answer shows
_MAX_CELL_CHARS: Final = 60
_LOOK_UP_KINDS: Final = frozenset(
    {"column", "cells", "unknown", "which", "who", "where", "when", "verb", "light_verb", "event", "comparison", "rows"}
)
"""Kinds of words in questions for one cell."""
_MAX_LOOK_UP_CELLS: Final = 5_000  # each is compared with the question word by word
_MAX_VALUES: Final = 1_000  # values that the answer's data hold


def answer_from_table(call: Call) -> Result:
    """Run table-question-answering by calculation.

    Returns:
        One text: a sentence that says what was counted, and a small table, and where that is a part of the result all of it as
        a table; ``data`` of the text has ``answer`` (the value alone),
        ``values`` (each, where there are several), ``sentence``, ``header`` and ``rows`` (those that are shown).

    Raises:
        InputError: The question is empty, or the table has no rows.
        ExpertError: The question isn't one that can be calculated, or may be read in two ways; another model may be tried.
    """
    question = " ".join(call.text("question").split())
    table = read_typed_table(call)
    call.token.check()
    try:
        answer = compute_answer(parse_question(question, table, find_row_nouns(call)), table)
    except ExpertError:
        if not _is_part_of_text(call) or not (found := look_up_answer(question, table)):
            raise
        answer = found
    header, rows = _cut_rows(answer)
    text = "\n\n".join(filter(None, (answer.sentence, format_markdown_table(header, rows))))
    data = {
        "answer": ", ".join(answer.values[:_MAX_VALUES]),
        "values": list(answer.values[:_MAX_VALUES]),
        "sentence": answer.sentence,
        "header": header,
        "rows": rows,
    }
    whole = _write_whole(call, answer) if len(answer.rows) > len(rows) or len(answer.header) > len(header) else ()
    notes = (
        f"The first {len(rows)} of {len(answer.rows):,} rows are shown." if len(answer.rows) > len(rows) else "",
        f"The first {len(header)} of {len(answer.header):,} columns are shown." if len(answer.header) > len(header) else "",
        f"The row “{table.left_out[0]}” sums others up, so it is left out." if table.left_out else "",
    )
    return Result((Output(Kind.TEXT, text=text, data=data), *whole), note=" ".join(filter(None, notes)))


def _is_part_of_text(call: Call) -> bool:
    resource = call.inputs.get("table")
    return isinstance(resource, Resource) and bool(resource.part_of or resource.origin.label == "image-to-text")


def look_up_answer(question: str, table: Table) -> Answer | None:
    """Return the cell in the row and the column that a question names, as of any text; None where it asks for more."""
    items = label_words(question, table)
    if len(table.rows) * len(table.columns) > _MAX_LOOK_UP_CELLS:
        return None
    if any(item.kind not in _LOOK_UP_KINDS or (item.kind == "comparison" and item.name != "same") for item in items):
        return None
    names = tuple(column.name for column in table.columns)
    found = look_up_cell([TextTable(names, tuple(map(tuple, table.rows)))], question)
    return Answer(f"{found.value} ({found.quote}).", [found.value]) if found and found.is_sure else None


def read_typed_table(call: Call) -> Table:
    """Read the call's table, its columns to be read as numbers or dates."""
    rows, separator = read_table(call)
    return build_table(rows, separator)


def find_row_nouns(call: Call) -> frozenset[str]:
    """Return the words of the file's name, singular: the rows of invoices.csv are invoices."""
    resource = call.inputs.get("table")
    name = resource.origin.label if isinstance(resource, Resource) else ""
    return frozenset(singularize(word) for word in re.findall(r"[^\W\d_]{3,}", name.lower().rpartition(".")[0]))


def _write_whole(call: Call, answer: Answer) -> tuple[Output]:
    path = call.new_path(".csv")
    write_rows(path, [answer.header, *answer.rows])
    return (Output(Kind.TABLE, path=path),)


def _cut_rows(answer: Answer) -> tuple[list[str], list[list[str]]]:
    header = [fold_into_line(name, _MAX_CELL_CHARS) for name in answer.header[:_MAX_COLUMNS]]
    rows = [[fold_into_line(cell, _MAX_CELL_CHARS) for cell in row[:_MAX_COLUMNS]] for row in answer.rows[:MAX_ROWS]]
    return header, rows


def format_markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; empty where there are no rows."""
    lines = [header, ["---"] * len(header), *rows] if rows else []
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in line)} |" for line in lines)
