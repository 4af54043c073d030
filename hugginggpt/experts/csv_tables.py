"""Reading tables from text files, and writing them as CSV."""

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
    """Read the call's table: the header first, empty rows left out, each row cut or padded to the header's width.

    The separator is the one that the header holds most often: comma, semicolon or tab.

    Raises:
        InputError: There is no row below the header, or the `csv` module can't parse the file (a huge cell).
        ResourceError: The file is not text.
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
