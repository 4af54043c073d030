"""PDF: the text page by page, tables between ruled lines, pictures inside, and pages without text as pictures."""

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
from hugginggpt.workspace.documents.pdf_tables import IMAGE_OBJECT, MAX_OBJECTS, PATH_OBJECT, TableFinder, list_objects
from hugginggpt.workspace.html_text import format_table

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_PROCESSOR_SECONDS: Final = 30.0
"""Time for all pages; those that come later are left out."""
_SECONDS: Final = 80.0
"""The same by the clock, which runs faster on a busy machine; the caller's limit is longer."""
_MIN_LETTERS: Final = 4  # fewest letters and digits of a page that has text
_MIN_PICTURED_LETTERS: Final = 60
"""Fewest letters and digits of a page that a picture covers: what scanners' programs stamp on it is shorter."""
_MAX_UNREADABLE_SHARE: Final = 0.2
"""Largest share of characters without meaning: fonts that don't say which letters they draw give such."""
_COVER_SHARE: Final = 0.5
_DOTS_PER_INCH: Final = 200
_MAX_PAGE_PIXELS: Final = 4_000_000  # OCR sees no finer detail
_LINE_BREAK_HYPHEN: Final = re.compile(r"[\x02\ufffe\xad]\s*\n?")
_UNREADABLE: Final = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
_PASSWORD_ERROR: Final = 4  # FPDF_ERR_PASSWORD


def read_pdf(path: Path, parts: PartWriter) -> Document:
    """Read a PDF.

    Raises:
        DocumentError: It is protected by a password, or damaged.
    """
    document = _open(path)
    if not len(document):
        raise DocumentError("is a PDF without pages: attach another one")
    with closing(TableFinder(path)) as tables:
        return _read_pages(document, tables, parts)


def _read_pages(document: PdfDocument, tables: TableFinder, parts: PartWriter) -> Document:
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


def _read_page(page: PdfPage, number: int, tables: TableFinder, parts: PartWriter) -> str:
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
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_OBJECTS)):
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
    objects = list_objects(page, (IMAGE_OBJECT, PATH_OBJECT))
    pictures = [each for each in objects if each.type == IMAGE_OBJECT]
    covered = max((_measure(each.get_bounds()) for each in pictures), default=0.0) / max(width * height, 1.0)
    return covered >= _COVER_SHARE or (letters < _MIN_LETTERS and bool(objects))


def _measure(box: Sequence[float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _render(page: PdfPage, max_pixels: int) -> Any:
    width, height = page.get_size()
    most = min(max_pixels, _MAX_PAGE_PIXELS) * 0.95  # rounding up
    scale = min(_DOTS_PER_INCH / 72, (most / max(width * height, 1.0)) ** 0.5)
    return page.render(scale=scale, rev_byteorder=True, may_draw_forms=True).to_pil().convert("RGB")


def _keep_pictures(page: PdfPage, number: int, parts: PartWriter) -> None:
    for position, each in enumerate(list_objects(page, (IMAGE_OBJECT,))):
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
