"""Tables of a PDF that are drawn with ruled lines; pdfplumber finds their cells."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

PATH_OBJECT, IMAGE_OBJECT = 2, 3  # FPDF_PAGEOBJ_PATH, FPDF_PAGEOBJ_IMAGE
MAX_OBJECTS: Final = 3_000  # of a page, among which pictures and lines are looked for
_TABLE_SECONDS: Final = 15.0
"""Time for looking for tables, which takes a hundred times as long as reading the text."""
_MIN_EDGES: Final = 3  # fewest different edges of drawn lines, across and down: a table of two rows and columns has three


class RuledTable:
    """A table of a page: its cells, and its box in PDF's coordinates (left, bottom, right, top)."""

    def __init__(self, rows: list[list[str]], box: tuple[float, float, float, float]) -> None:
        self.rows = rows
        self.box = box


class TableFinder:
    """Looks for tables between ruled lines, for some seconds in all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds_left = _TABLE_SECONDS
        self._late: list[int] = []
        self._opened: Any = None

    @property
    def remarks(self) -> list[str]:
        """A sentence on the pages where no time was left to look."""
        return [f"From page {self._late[0]} on tables were read as plain text."] if self._late else []

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()

    def find(self, page: PdfPage, number: int) -> list[RuledTable]:
        """Return the tables of a page, from its top to its bottom."""
        if page.get_rotation() or not _has_grid(page):
            return []
        if self._seconds_left <= 0:
            self._late.append(number)
            return []
        begun = time.process_time()
        try:
            return self._find(page, number)
        except Exception as error:  # pdfminer raises whatever a malformed page leads to: then the text is plain
            if isinstance(error, MemoryError):
                raise
            return []
        finally:
            self._seconds_left -= time.process_time() - begun

    def _find(self, page: PdfPage, number: int) -> list[RuledTable]:
        import pdfplumber

        self._opened = self._opened or pdfplumber.open(self._path)
        plumber_page = self._opened.pages[number - 1]
        left, _, _, top = page.get_cropbox()
        tables: list[RuledTable] = []
        for found in plumber_page.find_tables():
            rows = [[" ".join((cell or "").split()) for cell in row] for row in found.extract()]
            filled = sum(bool(cell) for row in rows for cell in row)
            if len(rows) > 1 and max(map(len, rows)) > 1 and filled * 2 >= sum(map(len, rows)):
                x0, y0, x1, y1 = found.bbox
                tables.append(RuledTable(rows, (left + x0, top - y1, left + x1, top - y0)))
        plumber_page.close()  # else its letters stay in memory
        tables.sort(key=lambda table: -table.box[3])
        return [
            table
            for table, above in zip(tables, [None, *tables], strict=False)
            if not above or table.box[3] <= above.box[1] + 1
        ]


def list_objects(page: PdfPage, kinds: tuple[int, ...]) -> list[Any]:
    """List what is drawn on a page of some kinds (`IMAGE_OBJECT`, `PATH_OBJECT`), the first 3,000."""
    found = []
    for position, each in enumerate(page.get_objects(filter=kinds, max_depth=3)):
        if position >= MAX_OBJECTS:
            break
        found.append(each)
    return found


def _has_grid(page: PdfPage) -> bool:
    """Return whether lines or boxes are drawn that may be a table's; costs next to nothing."""
    boxes = [each.get_bounds() for each in list_objects(page, (PATH_OBJECT,))]
    return all(len({round(box[side]) for box in boxes for side in sides}) >= _MIN_EDGES for sides in ((0, 2), (1, 3)))
