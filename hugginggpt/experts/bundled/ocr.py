"""Reading of pictures: what is written on their pages in reading order, and what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled import embeddings, image_classification
from hugginggpt.experts.bundled.extractive_qa import build_answers_output
from hugginggpt.experts.bundled.form_qa import extract_page_answers
from hugginggpt.experts.bundled.image_classification import Sight
from hugginggpt.experts.bundled.page_layout import align_tables, arrange, straighten
from hugginggpt.experts.bundled.page_tables import Cell
from hugginggpt.experts.bundled.picture_tables import count_cells, write_tables
from hugginggpt.experts.bundled.question_analysis import split_question
from hugginggpt.experts.bundled.text_certainty import quote_doubtful, sort_lines
from hugginggpt.experts.bundled.text_reader import MODEL as MODEL
from hugginggpt.experts.bundled.text_reader import read_lines
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_MAX_PAGES: Final = 30
_MAX_FRAMES: Final = 6  # of an animation, at equal distances
_SECONDS_PER_PAGE: Final = 20.0
"""By how much each further page moves the deadline."""
_MIN_TEXT_SHARE: Final = 0.12
"""Least share of a picture, covered by lines, of a page: it is described by what is written on it."""
_MIN_TEXT_LINES: Final = 8  # a page, too, however small they are
_MAX_CELL_GAP: Final = 1.5  # between pieces of one cell, in heights of the line
_AMOUNT: Final = re.compile(r"[$€£¥]?\d[\d.,]*[.,]\d+[$€£¥]?|[$€£¥]\d+")
"""A sum of money or a decimal number: two of them, however close, are two cells."""
_DESCRIBES: Final = re.compile(r"(?i)\b(?:descri\w+|captions?|shows?|depicts?|see)\b")
_NAMES_THINGS: Final = "it names things and does not describe scenes"


@dataclass(frozen=True, slots=True)
class TextLine:
    """One piece of text in a picture, as the detector found it."""

    text: str
    score: float
    box: tuple[float, float, float, float]
    """left, top, right, bottom in pixels of the original picture."""
    place: tuple[float, float, float, float]
    """The same on the page as it would lie upright and straight."""


@dataclass(frozen=True, slots=True)
class PageReading:
    """The writing in one picture."""

    rows: list[list[TextLine]]
    """In reading order, each from left to right."""
    doubtful: str = ""
    """A sentence on what may be written there besides."""

    @property
    def text(self) -> str:
        """Lines of text, with tabs between the cells of a row."""
        return format_rows(self.rows)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Text, score and box of each piece, as JSON."""
        return [{"text": line.text, "score": line.score, "box": list(line.box)} for row in self.rows for line in row]


def read_picture(call: Call) -> Result:
    """Run image-to-text: what is written in the picture, or what it shows where `instruction` asks for a description.

    Returns:
        One text, and as tables those in the picture that have a header. ``data["lines"]`` of the text holds text, score (0..1)
        and box (left, top, right, bottom in pixels) of each piece, ``data["tables"]`` the rows of each table,
        ``data["classes"]`` and ``data["sure"]`` what the classifier says where the text tells what is seen.
    """
    path, limit = call.file("image"), call.limits.max_pixels
    if media.count_pages(path, max_pixels=limit) > 1:
        return _read_pages(call)
    image = call.picture()
    page = read_page_text(image, call.token.check)
    call.token.check()
    instruction = call.inputs.get("instruction", "")
    describes = isinstance(instruction, str) and bool(_DESCRIBES.search(instruction))
    if page.rows and not (describes and not _is_page_of_text(page, image)):
        return Result(_build_reading(call, page))
    sight = image_classification.look(image)
    if page.rows and not sight.is_sure:
        return Result(_build_reading(call, page), note=f"{sight.describe()} So says {image_classification.MODEL}.")
    return _build_description(page, sight)


def _build_reading(call: Call, page: PageReading) -> tuple[Output, ...]:
    tables = list_tables(page.rows)
    data = {"lines": page.lines} | ({"tables": tables} if tables else {})
    files = write_tables(call, tables, count_cells(_list_cells(page.rows)))
    return Output(Kind.TEXT, text=page.text, data=data), *files


def _build_description(page: PageReading, sight: Sight) -> Result:
    """Say what is seen, then what is written, then what may be."""
    written = f"Written in it: “{' / '.join(page.text.splitlines())}”." if page.rows else ""
    text = " ".join(filter(None, (sight.describe(), written, page.doubtful)))
    data = {"lines": page.lines, "classes": list(sight.classes), "sure": sight.is_sure}
    note = (
        f"The classifier {image_classification.MODEL} says what it sees; {_NAMES_THINGS}."
        if page.rows or page.doubtful
        else f"There is no text to read in this picture, so the classifier {image_classification.MODEL} says what it sees; "
        f"{_NAMES_THINGS}."
    )
    return Result((Output(Kind.TEXT, text=text, data=data),), note=note, models=(MODEL, image_classification.MODEL))


def _is_page_of_text(page: PageReading, image: Image.Image) -> bool:
    lines = [line for row in page.rows for line in row]
    covered = sum((line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) for line in lines)
    return len(lines) >= _MIN_TEXT_LINES or covered >= _MIN_TEXT_SHARE * image.width * image.height


def _read_pages(call: Call) -> Result:
    """Read each page, or some frames of an animation, with its number before it."""
    texts: list[str] = []
    lines: list[dict[str, Any]] = []
    tables: list[list[list[str]]] = []
    pages = list(_iterate_pages(call))
    cells = sum(count_cells(_list_cells(page.rows)) for _, page in pages)
    for name, page in pages:
        texts.append(f"{name}:\n{page.text or page.doubtful or 'Nothing is written here.'}")
        lines += [line | {"page": name} for line in page.lines]
        tables += list_tables(page.rows)
    data = {"lines": lines} | ({"tables": tables} if tables else {})
    outputs = (Output(Kind.TEXT, text="\n\n".join(texts), data=data), *write_tables(call, tables, cells))
    return Result(outputs, note=_describe_limit(call, len(pages)))


def _iterate_pages(call: Call) -> Iterator[tuple[str, PageReading]]:
    """Yield "Page 2" or "Frame 17" and what is written there; frames that read like the one before are left out."""
    path, limit = call.file("image"), call.limits.max_pixels
    count = media.count_pages(path, max_pixels=limit)
    is_paged = _has_pages(call)
    read = min(count, _MAX_PAGES if is_paged else _MAX_FRAMES)
    before = None
    for number, image in enumerate(media.open_pages(path, max_pixels=limit, max_pages=read)):
        call.progress(f"page {number + 1} of {read}", number / read)
        page = read_page_text(image, call.token.check)
        call.token.check()
        call.extend_deadline(_SECONDS_PER_PAGE)
        if is_paged or page.text != before:
            yield (f"Page {number + 1}" if is_paged else f"Frame {number * count // read + 1}"), page
        before = page.text


def _describe_limit(call: Call, read: int) -> str:
    path, limit = call.file("image"), call.limits.max_pixels
    count = media.count_pages(path, max_pixels=limit)
    if _has_pages(call):
        return f"The first {read} of {count} pages were read." if read < count else ""
    return f"{min(count, _MAX_FRAMES)} of {count} frames were looked at." if count > _MAX_FRAMES else ""


def _has_pages(call: Call) -> bool:
    """Tell whether a picture's further pictures are pages, rather than frames of an animation."""
    resource = call.inputs["image"]
    return isinstance(resource, Resource) and resource.file is not None and resource.file.unit == "page"


def answer_about_document(call: Call) -> Result:
    """Run document-question-answering: read the pages, then quote the row that answers.

    Returns:
        One text; ``data`` holds answer, sentence and confidence (0..1).
    """
    parts = split_question(call.text("text"))
    cells: list[list[Cell]] = []
    for _, page in _iterate_pages(call):
        bottom = max((cell.box[3] for row in cells for cell in row), default=0.0)
        cells += [[_shift_down(cell, bottom) for cell in row] for row in _list_cells(page.rows)]
    if not cells:
        raise InputError("There is no text to read in this picture, so nothing in it answers the question.")
    call.token.check()
    output = build_answers_output(parts, extract_page_answers(cells, parts), "on the page")
    return Result((output,), models=(MODEL, embeddings.MODEL), note=_describe_limit(call, _MAX_PAGES))


def _shift_down(cell: Cell, offset: float) -> Cell:
    """Put a cell below the pages before, where nothing of theirs is taken for its heading."""
    left, top, right, bottom = cell.box
    return Cell(cell.text, (left, top + 2 * offset, right, bottom + 2 * offset))


def _list_cells(rows: Sequence[Sequence[TextLine]]) -> list[list[Cell]]:
    return [merge_into_cells(row) for row in rows]


def format_rows(rows: Sequence[Sequence[TextLine]]) -> str:
    """Format rows as lines of text; a wide gap between two pieces becomes a tab, as does each empty cell of a table."""
    return "\n".join("\t".join(texts).rstrip("\t") for texts, _ in align_tables(_list_cells(rows)))


def list_tables(rows: Sequence[Sequence[TextLine]]) -> list[list[list[str]]]:
    """Return the tables among rows: the rows of each, with a text for every column."""
    tables: list[list[list[str]]] = []
    goes_on = False
    for texts, is_table in align_tables(_list_cells(rows)):
        if is_table and goes_on and len(tables[-1][0]) == len(texts):
            tables[-1].append(texts)
        elif is_table:
            tables.append([texts])
        goes_on = is_table
    return tables


def merge_into_cells(row: Sequence[TextLine]) -> list[Cell]:
    """Merge the pieces of a row that stand close together into cells."""
    cells = [Cell(row[0].text, row[0].place)]
    for left, right in zip(row, row[1:], strict=False):
        height = min(left.place[3] - left.place[1], right.place[3] - right.place[1])
        are_amounts = _AMOUNT.fullmatch(left.text) and _AMOUNT.fullmatch(right.text)
        if are_amounts or right.place[0] - left.place[2] > _MAX_CELL_GAP * height:
            cells.append(Cell(right.text, right.place))
        else:
            cells[-1] = _extend_cell(cells[-1], right)
    return cells


def _extend_cell(cell: Cell, line: TextLine) -> Cell:
    (left, top, _, bottom), (_, line_top, right, line_bottom) = cell.box, line.place
    return Cell(f"{cell.text} {line.text}", (left, min(top, line_top), right, max(bottom, line_bottom)))


def read_text_rows(image: Image.Image) -> list[list[TextLine]]:
    """Read the text of a picture: its pieces in rows, in reading order, each row left to right; [] if there is none.

    Args:
        image: RGB.
    """
    return read_page_text(image).rows


def read_page_text(image: Image.Image, check: Callable[[], None] = lambda: None) -> PageReading:
    """Read what is written in a picture, and what may be.

    Args:
        image: RGB.
        check: Called between steps; raises to stop.
    """
    import numpy as np

    reading = read_lines(image, check)
    found = sort_lines(reading)
    doubtful = quote_doubtful(found.doubtful)
    if not found.certain:
        return PageReading([], doubtful)
    corners = np.stack([line.corners for line in found.certain])
    straight = straighten(corners)
    pieces = [
        TextLine(line.text, line.score, _bound_box(reading.locate(line)), _bound_box(place))
        for line, place in zip(found.certain, straight, strict=True)
    ]
    order = arrange([line.text for line in found.certain], corners)
    return PageReading([[pieces[index] for index in row] for row in order], doubtful)


def _bound_box(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    return round(float(left), 1), round(float(top), 1), round(float(right), 1), round(float(bottom), 1)
