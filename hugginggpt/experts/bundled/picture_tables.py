"""Files for the tables in pictures, to be downloaded, asked and drawn."""

from collections.abc import Iterator, Sequence
from typing import Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output
from hugginggpt.experts.csv_tables import write_rows
from hugginggpt.workspace.text_tables import HOLDS_TEXT

_MAX_TABLES: Final = 5
_MIN_SHARE: Final = 0.8
"""Least share of a picture's cells in its only table, of a picture that is a table."""


def count_cells(rows: Sequence[Sequence[object]]) -> int:
    """Count the cells that something is written in."""
    return sum(bool(cell) for row in rows for cell in row)


def write_tables(call: Call, tables: Sequence[Sequence[Sequence[str]]], cells: int) -> Iterator[Output]:
    """Write those of a picture's tables that have a header, and yield them.

    Args:
        call: Whose outputs they are.
        tables: Their rows, each with a text for every column.
        cells: Number of cells in the whole picture, those outside of tables among them.
    """
    found = [table for table in tables if len(table) > 1 and _is_header(table[0])]
    for table in found[:_MAX_TABLES]:
        path = call.new_path(".csv")
        write_rows(path, table)
        is_all = len(found) == 1 and count_cells(table) >= _MIN_SHARE * cells
        yield Output(Kind.TABLE, path=path, data={HOLDS_TEXT: True} if is_all else {})


def _is_header(row: Sequence[str]) -> bool:
    """Tell whether a row names columns: words without digits, each another; the first may be empty."""
    names = [cell.lower() for cell in row[1:]] + ([row[0].lower()] if row[0] else [])
    return all(names) and len(set(names)) == len(names) and not any(map(str.isdigit, "".join(names)))
