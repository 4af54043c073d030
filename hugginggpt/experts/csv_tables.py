"""Tables in files: read as rows of texts, written as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call
from hugginggpt.workspace.media import read_text

_SEPARATORS: Final = ",;\t"


def read_rows(call: Call) -> list[list[str]]:
    """The rows of the call's table, the header first, all as wide as that; empty rows are left out.

    Cells are separated by what the header has most of: commas, semicolons or tabs.

    Raises:
        InputError: There is no row below the header, or a cell is beyond all measure.
        ResourceError: It is no text.
    """
    text = read_text(call.file("table"), "the table")
    separator = max(_SEPARATORS, key=text.strip().splitlines()[0].count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise InputError("The table can't be read as CSV: it may be damaged.") from error
    found = [row for row in rows if any(row)]
    if len(found) < 2:
        raise InputError("The table has no rows below its header, so there is nothing to look at.")
    width = len(found[0])
    return [[*row, *[""] * width][:width] for row in found]


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows as CSV in UTF-8, separated by commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
