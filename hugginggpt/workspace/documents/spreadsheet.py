"""Excel (xlsx, xlsm, xlsb, xls) and OpenDocument spreadsheets: each sheet is a table."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.workspace.documents.document import MAX_TABLES, Document, DocumentError
from hugginggpt.workspace.documents.parts import PartWriter

_MAX_CELLS: Final = 2_000_000
"""Most cells of all sheets together."""


def read_spreadsheet(path: Path, parts: PartWriter) -> Document:
    """Read a workbook.

    Raises:
        DocumentError: It is protected by a password, damaged or empty.
    """
    import python_calamine

    try:
        workbook = python_calamine.load_workbook(str(path))
        visible = {sheet.name: sheet.visible == python_calamine.SheetVisibleEnum.Visible for sheet in workbook.sheets_metadata}
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet]
    except python_calamine.PasswordError as error:
        raise DocumentError("is protected by a password: save a copy without one, and attach that") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise DocumentError("is a damaged spreadsheet: attach it again") from error
    remarks: list[str] = []
    cells = 0
    for name in names[:MAX_TABLES]:
        try:
            rows = [[_format(cell) for cell in row] for row in workbook.get_sheet_by_name(name).to_python()]
        except (python_calamine.CalamineError, ValueError) as error:
            if len(names) == 1:
                raise DocumentError("is a damaged spreadsheet: attach it again") from error
            remarks.append(f"Sheet “{name}” is damaged and was left out.")
            continue
        title, rows = _cut_title(_trim(rows))
        kept = rows[: max(0, (_MAX_CELLS - cells) // max(len(rows[0]), 1))] if rows else []
        if len(kept) < len(rows):
            remarks.append(f"Of sheet {name} only the first {len(kept):,} of {len(rows):,} rows were read.")
        if kept:
            cells += len(kept) * len(kept[0])
            hidden = "" if visible.get(name, True) else ", hidden"
            parts.add_table(kept, f"sheet {name}{hidden}{f' ({title})' if title else ''}")
    if not parts.tables:
        raise DocumentError("is a spreadsheet without any filled cell: attach another one")
    if len(names) > MAX_TABLES:
        remarks.append(f"Only the first {MAX_TABLES} of its {len(names)} sheets were read.")
    return Document("Excel", [], "sheet", len(names), remarks=remarks)


def _format(cell: Any) -> str:
    """Return a cell as a person reads it: whole numbers without a point, dates as ISO writes them."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
        case datetime.datetime():
            return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "seconds")
        case datetime.date() | datetime.time():
            return cell.isoformat()
        case _:
            return str(cell)


def _trim(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the rows and columns that hold anything."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    columns = [
        place for place in range(max(map(len, filled), default=0)) if any(place < len(row) and row[place] for row in filled)
    ]
    return [[row[place] if place < len(row) else "" for place in columns] for row in filled]


def _cut_title(rows: list[list[str]]) -> tuple[str, list[list[str]]]:
    """Split off lines above the header, of which only one cell is filled: a title, a date."""
    titles = []
    while (
        len(rows) > 2 and len(rows[0]) > 1 and sum(bool(cell) for cell in rows[0]) == 1 < sum(bool(cell) for cell in rows[-1])
    ):
        titles.append(next(cell for cell in rows[0] if cell))
        rows = rows[1:]
    return " · ".join(titles)[:100], rows
