"""PDF: the text page by page, tables between ruled lines, pictures inside, and pages without text as pictures.

PDFium reads texts and pictures, pdfplumber finds the cells of tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.workspace.documents.document import (
    MAX_PAGES,
    MAX_SCANNED_PAGES,
    MAX_TEXT_CHARS,
    Document,
    DocumentError,
    Section,
)
from hugginggpt.workspace.documents.parts import PartWriter
from hugginggpt.workspace.html_text import format_table

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_PROCESSOR_SECONDS: Final = 30.0
"""Time for all pages; those that come later are left out."""
_SECONDS: Final = 80.0
"""The same by the clock, which runs faster on a busy machine; the caller's limit is longer."""
_TABLE_SECONDS: Final = 15.0
"""Time for looking for tables, which takes a hundred times as long as reading the text."""
_MIN_EDGES: Final = 3  # fewest different edges of drawn lines, across and down: a table of two rows and columns has three
_MIN_LETTERS: Final = 4  # fewest letters and digits of a page that has text
_MIN_PICTURED_LETTERS: Final = 60
"""Fewest letters and digits of a page that a picture covers: what scanners' programs stamp on it is shorter."""
_MAX_UNREADABLE_SHARE: Final = 0.2
"""Largest share of characters without meaning: fonts that don't say which letters they draw give such."""
_COVER_SHARE: Final = 0.5
_DOTS_PER_INCH: Final = 200
_MAX_PAGE_PIXELS: Final = 4_000_000  # OCR sees no finer detail
_MAX_OBJECTS: Final = 3_000  # of a page, among which pictures and lines are looked for
_LINE_BREAK_HYPHEN: Final = re.compile(r"[\x02\ufffe\xad]\s*\n?")
_UNREADABLE: Final = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
_PASSWORD_ERROR: Final = 4  # FPDF_ERR_PASSWORD
_PATH_OBJECT, _IMAGE_OBJECT = 2, 3  # FPDF_PAGEOBJ_PATH, FPDF_PAGEOBJ_IMAGE


def read_pdf(path: Path, parts: PartWriter) -> Document:
    """Read a PDF.

    Raises:
        DocumentError: It is protected by a password, or damaged.
    """
    document = _open(path)
    if not len(document):
        raise DocumentError("is a PDF without pages: attach another one")
    with closing(_TableFinder(path)) as tables:
        return _read_pages(document, tables, parts)


def _read_pages(document: PdfDocument, tables: _TableFinder, parts: PartWriter) -> Document:
    count = len(document)
    deadlines = time.process_time() + _PROCESSOR_SECONDS, time.monotonic() + _SECONDS
    sections: list[Section] = []
    damaged: list[int] = []
    unread: list[int] = []
    chars = scanned = 0
    for number in range(1, min(count, MAX_PAGES) + 1):
        if time.process_time() > deadlines[0] or time.monotonic() > deadlines[1] or chars > MAX_TEXT_CHARS:
            break
        try:
            page = document[number - 1]
            text = _read_page(page, number, tables, parts)
            picture = ""
            if _is_scanned(page, text):
                scanned += 1
                if scanned > MAX_SCANNED_PAGES:
                    unread.append(number)
                else:
                    picture = parts.add_page(_render(page, parts.max_pixels), number)
            else:
                _keep_pictures(page, number, parts)
        except Exception as error:  # PDFium's, pypdfium2's and Pillow's errors share no base; one page's damage is its own
            if isinstance(error, MemoryError):
                raise
            damaged.append(number)
            continue
        sections.append(Section(number, text, picture))
        chars += len(text)
    if not sections:
        raise DocumentError("is a damaged PDF, of which no page can be read: attach it again")
    last = max(sections[-1].number, *damaged, 0) if damaged else sections[-1].number
    remarks = [
        *([f"Only the first {last:,} of its {count:,} pages were read."] if last < count else []),
        *([f"Page {_join_numbers(damaged)} is damaged and was left out."] if damaged else []),
        *([_describe_unread(unread)] if unread else []),
        *tables.remarks,
    ]
    return Document("PDF", sections, "page", count, remarks=remarks)


def _open(path: Path) -> PdfDocument:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise DocumentError("is protected by a password: save a copy without one, and attach that") from error
        raise DocumentError("is a damaged or cut-off PDF: attach it again") from error
    document.init_forms()  # before any page is loaded: what was filled in is drawn, too
    return document


def _read_page(page: PdfPage, number: int, tables: _TableFinder, parts: PartWriter) -> str:
    """Return a page's text, its tables as Markdown in their places."""
    textpage = page.get_textpage()
    whole = _clean(textpage.get_text_range())
    found = tables.find(page, number) if whole else []
    if not found:
        return _join_form_fields(page, whole)
    left, bottom, right, top = page.get_cropbox()
    pieces: list[str] = []
    for table in found:
        table_left, table_bottom, table_right, table_top = table.box
        areas = (
            (left, table_top, right, top),
            (left, table_bottom, table_left, table_top),
            (table_right, table_bottom, right, table_top),
        )
        above, *beside = (_clean(textpage.get_text_bounded(*area)) for area in areas if area[0] < area[2] and area[1] < area[3])
        pieces += [above, *beside, format_table(table.rows)]
        place = f"page {number}, table {len([part for part in parts.tables if part.page == number]) + 1}"
        parts.add_table(table.rows, place, number)
        top = table_bottom
    pieces.append(_clean(textpage.get_text_bounded(left, bottom, right, top)) if bottom < top else "")
    return _join_form_fields(page, "\n\n".join(filter(None, pieces)))


def _clean(text: str) -> str:
    text = _LINE_BREAK_HYPHEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(line.rstrip() for line in text.replace("\x00", "").splitlines()).strip()


def _join_form_fields(page: PdfPage, text: str) -> str:
    fields = [value for value in _list_form_values(page) if value not in text]
    return "\n".join(filter(None, [text, *fields]))


def _list_form_values(page: PdfPage) -> Iterator[str]:
    """Yield "name: value" of each field that was filled in; a page's text doesn't hold these."""
    import ctypes

    import pypdfium2.raw as raw

    if page.formenv is None:
        return
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), _MAX_OBJECTS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        try:
            if raw.FPDFAnnot_GetSubtype(annotation) != raw.FPDF_ANNOT_WIDGET:
                continue
            texts = []
            for read in (raw.FPDFAnnot_GetFormFieldName, raw.FPDFAnnot_GetFormFieldValue):
                length = read(page.formenv, annotation, None, 0)
                buffer = ctypes.create_string_buffer(length)
                read(page.formenv, annotation, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
                texts.append(buffer.raw.decode("utf-16-le", "replace").rstrip("\0").strip())
            if texts[1] and texts[1] != "Off":
                yield ": ".join(filter(None, texts))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _is_scanned(page: PdfPage, text: str) -> bool:
    """Return whether a page is to be read as a picture: it has no text, next to none on a picture, or one without meaning."""
    letters = sum(character.isalnum() for character in text)
    if len(_UNREADABLE.findall(text)) > _MAX_UNREADABLE_SHARE * max(len(text), 1):
        return True
    if letters >= _MIN_PICTURED_LETTERS:
        return False
    width, height = page.get_size()
    objects = _list_objects(page, (_IMAGE_OBJECT, _PATH_OBJECT))
    pictures = [each for each in objects if each.type == _IMAGE_OBJECT]
    covered = max((_measure(each.get_bounds()) for each in pictures), default=0.0) / max(width * height, 1.0)
    return covered >= _COVER_SHARE or (letters < _MIN_LETTERS and bool(objects))


def _measure(box: Sequence[float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _list_objects(page: PdfPage, kinds: tuple[int, ...]) -> list[Any]:
    found = []
    for position, each in enumerate(page.get_objects(filter=kinds, max_depth=3)):
        if position >= _MAX_OBJECTS:
            break
        found.append(each)
    return found


def _render(page: PdfPage, max_pixels: int) -> Any:
    width, height = page.get_size()
    most = min(max_pixels, _MAX_PAGE_PIXELS) * 0.95  # rounding up
    scale = min(_DOTS_PER_INCH / 72, (most / max(width * height, 1.0)) ** 0.5)
    return page.render(scale=scale, rev_byteorder=True, may_draw_forms=True).to_pil().convert("RGB")


def _keep_pictures(page: PdfPage, number: int, parts: PartWriter) -> None:
    for position, each in enumerate(_list_objects(page, (_IMAGE_OBJECT,))):
        width, height = each.get_px_size()
        if width * height <= min(parts.max_pixels, _MAX_PAGE_PIXELS * 6):
            image = each.get_bitmap(render=False).to_pil()
            parts.add_image(
                image.convert("L" if image.mode in {"L", "1"} else "RGB"), f"page {number}, picture {position + 1}", number
            )


def _join_numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")


def _describe_unread(numbers: Sequence[int]) -> str:
    return (
        f"Pages {_join_numbers(numbers)} are pictures and were not read: {MAX_SCANNED_PAGES} such pages are read at most; "
        "attach the others as a file of their own."
    )


def _has_grid(page: PdfPage) -> bool:
    """Return whether lines or boxes are drawn that may be a table's; costs next to nothing."""
    boxes = [each.get_bounds() for each in _list_objects(page, (_PATH_OBJECT,))]
    return all(len({round(box[side]) for box in boxes for side in sides}) >= _MIN_EDGES for sides in ((0, 2), (1, 3)))


class _RuledTable:
    """A table of a page: its cells, and its box in PDF's coordinates (left, bottom, right, top)."""

    def __init__(self, rows: list[list[str]], box: tuple[float, float, float, float]) -> None:
        self.rows = rows
        self.box = box


class _TableFinder:
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

    def find(self, page: PdfPage, number: int) -> list[_RuledTable]:
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

    def _find(self, page: PdfPage, number: int) -> list[_RuledTable]:
        import pdfplumber

        self._opened = self._opened or pdfplumber.open(self._path)
        plumber_page = self._opened.pages[number - 1]
        left, _, _, top = page.get_cropbox()
        tables: list[_RuledTable] = []
        for found in plumber_page.find_tables():
            rows = [[" ".join((cell or "").split()) for cell in row] for row in found.extract()]
            filled = sum(bool(cell) for row in rows for cell in row)
            if len(rows) > 1 and max(map(len, rows)) > 1 and filled * 2 >= sum(map(len, rows)):
                x0, y0, x1, y1 = found.bbox
                tables.append(_RuledTable(rows, (left + x0, top - y1, left + x1, top - y0)))
        plumber_page.close()  # else its letters stay in memory
        tables.sort(key=lambda table: -table.box[3])
        return [
            table
            for table, above in zip(tables, [None, *tables], strict=False)
            if not above or table.box[3] <= above.box[1] + 1
        ]
