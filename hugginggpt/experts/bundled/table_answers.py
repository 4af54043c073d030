"""Answers to questions about tables, calculated: counts, sums, averages, extremes, groups, orders and rows."""

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.core.markdown import fold_into_line
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.tables.columns import Table, build_table
from hugginggpt.experts.bundled.tables.computing import MAX_ROWS, Answer, compute_answer
from hugginggpt.experts.bundled.tables.parsing import parse_question
from hugginggpt.experts.bundled.tables.vocabulary import singularize
from hugginggpt.experts.csv_tables import read_table

_MAX_COLUMNS: Final = 8  # columns that an answer shows
_MAX_CELL_CHARS: Final = 60
_MAX_VALUES: Final = 1_000  # values that the answer's data hold


def answer_from_table(call: Call) -> Result:
    """Run table-question-answering by calculation.

    Returns:
        One text: a sentence that says what was counted, and a small table; ``data`` has ``answer`` (the value alone),
        ``values`` (each, where there are several), ``sentence``, ``header`` and ``rows`` (those that are shown).

    Raises:
        InputError: The question is empty, or the table has no rows.
        ExpertError: The question isn't one that can be calculated, or may be read in two ways; another model may be tried.
    """
    question = " ".join(call.text("question").split())
    table = read_typed_table(call)
    call.token.check()
    query = parse_question(question, table, find_row_nouns(call))
    call.token.check()
    answer = compute_answer(query, table)
    header, rows = _cut_rows(answer)
    text = "\n\n".join(filter(None, (answer.sentence, format_markdown_table(header, rows))))
    data = {
        "answer": ", ".join(answer.values[:_MAX_VALUES]),
        "values": list(answer.values[:_MAX_VALUES]),
        "sentence": answer.sentence,
        "header": header,
        "rows": rows,
    }
    notes = (
        f"The first {len(rows)} of {len(answer.rows):,} rows are shown." if len(answer.rows) > len(rows) else "",
        f"The row “{table.left_out[0]}” sums others up, so it is left out." if table.left_out else "",
    )
    return Result((Output(Kind.TEXT, text=text, data=data),), note=" ".join(filter(None, notes)))


def read_typed_table(call: Call) -> Table:
    """Read the call's table, its columns to be read as numbers or dates."""
    rows, separator = read_table(call)
    return build_table(rows, separator)


def find_row_nouns(call: Call) -> frozenset[str]:
    """Return the words of the file's name, singular: the rows of invoices.csv are invoices."""
    resource = call.inputs.get("table")
    name = resource.origin.label if isinstance(resource, Resource) else ""
    return frozenset(singularize(word) for word in re.findall(r"[^\W\d_]{3,}", name.lower().rpartition(".")[0]))


def _cut_rows(answer: Answer) -> tuple[list[str], list[list[str]]]:
    header = [fold_into_line(name, _MAX_CELL_CHARS) for name in answer.header[:_MAX_COLUMNS]]
    rows = [[fold_into_line(cell, _MAX_CELL_CHARS) for cell in row[:_MAX_COLUMNS]] for row in answer.rows[:MAX_ROWS]]
    return header, rows


def format_markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; empty where there are no rows."""
    lines = [header, ["---"] * len(header), *rows] if rows else []
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in line)} |" for line in lines)
