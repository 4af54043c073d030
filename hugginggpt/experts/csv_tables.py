"""Reading tables from text files, and writing them as CSV."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call
from hugginggpt.workspace.media import read_text

_SEPARATORS: Final = ",;\t|"
_NAMED_SEPARATOR: Final = re.compile(r"sep=([,;\t|])\r?\n")
"""First line with which spreadsheets name the separator."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_MAX_CELLS: Final = 1_000_000


def read_rows(call: Call) -> list[list[str]]:
    """Read the rows of the call's table; see `read_table`."""
    return read_table(call)[0]


def read_table(call: Call) -> tuple[list[list[str]], str]:
    """Read the call's table: the header first, empty rows left out, each row cut or padded to the header's width.

    Returns:
        The rows, and the separator: the one that the header holds most often outside of quotes, out of comma, semicolon, tab
        and vertical bar, if a line "sep=;" doesn't name it.

    Raises:
        InputError: There is no row below the header, there are more than a million cells, or the `csv` module can't parse the
            file (a huge cell).
        ResourceError: The file is not text.
    """
    text = read_text(call.file("table"), "the table")
    named = _NAMED_SEPARATOR.match(text)
    text = text[named.end() :] if named else text
    header = _QUOTED.sub("", text.lstrip("\r\n ").partition("\n")[0].partition("\r")[0])
    separator = named[1] if named else max(_SEPARATORS, key=header.count)
    _check_size(1, text.count(separator) + text.count("\n") + text.count("\r"))  # before a list is made for each row
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise InputError("The table can't be read as CSV: it may be damaged.") from error
    found = [row for row in rows if any(row)]
    if len(found) < 2:
        raise InputError("The table has no rows below its header, so there is nothing to look at.")
    width = len(found[0])
    _check_size(len(found), width)  # all rows are made as wide as the header
    return [row if len(row) == width else [*row, *[""] * width][:width] for row in found], separator


def _check_size(rows: int, cells: int) -> None:
    if rows * cells > _MAX_CELLS:
        raise InputError(f"The table has more than {_MAX_CELLS:,} cells, which is the most that is read: attach a part of it.")


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows as CSV in UTF-8, separated by commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
