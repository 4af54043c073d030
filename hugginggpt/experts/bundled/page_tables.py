"""Tables on a page: a row of headers, and rows whose cells stand below them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.experts.bundled.table_lookup import TextTable

_MIN_COLUMNS: Final = 2
_MIN_HEADS: Final = 3  # fewest labels beside each other, each above its value: of two, one may be the other's value
_MAX_GAP: Final = 3.0  # largest distance between two rows of a table, in heights of a line


@dataclass(frozen=True, slots=True)
class Cell:
    """Piece of text on a page."""

    text: str
    box: tuple[float, float, float, float]
    """left, top, right, bottom in pixels."""


def find_page_tables(rows: Sequence[Sequence[Cell]]) -> list[TextTable]:
    """Return the tables of a page: each row of words without digits is a header if rows in its columns follow."""
    tables = []
    for number, header in enumerate(rows):
        if len(header) < _MIN_COLUMNS or any(_is_no_header(cell.text) for cell in header):
            continue
        body = list(_take_body(header, rows[number + 1 :]))
        if body:
            names = ("", *(cell.text for cell in header))  # the first column may have no header
            tables.append(_drop_empty_column(TextTable(names, tuple(body))))
    return tables


def _is_no_header(text: str) -> bool:
    """Tell whether a cell is a value or a label of the one beside it."""
    return any(char.isdigit() for char in text) or text.endswith(":")


def _take_body(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[str, ...]]:
    """Yield the rows below a header, each cell in its column, until a gap or a row that has only one cell."""
    bottom = max(cell.box[3] for cell in header)
    for row in rows:
        height = max(cell.box[3] - cell.box[1] for cell in row)
        if len(row) < _MIN_COLUMNS or min(cell.box[1] for cell in row) - bottom > _MAX_GAP * height:
            return
        bottom = max(cell.box[3] for cell in row)
        columns = [""] * (len(header) + 1)
        for cell in row:
            column = _find_column(header, cell)
            columns[column] = f"{columns[column]} {cell.text}".strip()
        yield tuple(columns)


def _find_column(header: Sequence[Cell], cell: Cell) -> int:
    """Return the column of a cell, from 1: the header with which it shares most width, else the nearest; 0 left of all."""
    left, _, right, _ = cell.box
    if right < header[0].box[0]:
        return 0
    shared = [min(right, head.box[2]) - max(left, head.box[0]) for head in header]  # negative: the gap between the two
    return 1 + max(range(len(header)), key=shared.__getitem__)


def _drop_empty_column(table: TextTable) -> TextTable:
    if any(row[0] for row in table.rows):
        return table
    return TextTable(table.header[1:], tuple(row[1:] for row in table.rows))


def unstack_labels(rows: Sequence[Sequence[Cell]]) -> list[Sequence[Cell]]:
    """Return the rows of a page; where labels stand above their values, as on a ticket, each value beside its label."""
    found: list[Sequence[Cell]] = []
    padded = [*rows, (), (), ()]
    at = 0
    while at < len(rows):
        heads, values, following, after = padded[at : at + 4]
        if _are_heads(heads, values) and (len(following) != len(heads) or _are_heads(following, after)):  # else a table
            found += zip(heads, values, strict=True)
            at += 2
        else:
            found.append(heads)
            at += 1
    return found


def _are_heads(row: Sequence[Cell], below: Sequence[Cell]) -> bool:
    """Tell whether the cells of a row are the labels of those below, as on a ticket, rather than labels and values in turn."""
    if len(row) < _MIN_HEADS or len(below) != len(row) or any(_is_no_header(cell.text) for cell in row):
        return False
    aligned = all(
        abs(label.box[0] - value.box[0]) < 2 * (value.box[3] - value.box[1]) for label, value in zip(row, below, strict=True)
    )
    return aligned and any(any(map(str.isdigit, value.text)) for value in below)
