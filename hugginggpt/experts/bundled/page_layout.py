"""Layout of a page: rows on straightened lines, columns in reading order, tables with their empty cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hugginggpt.experts.bundled.page_tables import Cell

_MAX_SKEW: Final = math.radians(40)  # of a page that lies askew; steeper lines belong to a turned one
_MIN_LINES_FOR_PERSPECTIVE: Final = 6
_MAX_CONVERGENCE: Final = 0.6
"""Largest share of the way to the vanishing point that half of a page takes: beyond it the estimate is noise."""
_MIN_CONVERGENCE_GAIN: Final = 0.5  # the lines' residual with a vanishing point, relative to parallel lines
_MIN_COLUMN_LINES: Final = 3  # fewest lines on each side of a gap that parts columns
_MIN_GAP: Final = 0.9  # narrowest gap between columns, in heights of a line
_MIN_FILL: Final = 0.55
"""Least median width of a prose column's lines, relative to the column."""
_MIN_PROSE_WORDS: Final = 3  # least median number of words in a prose column's lines
_MIN_CONTINUED: Final = 0.25
"""Least share of a prose column's lines that begin in lower case: sentences go on there; cells of a table don't."""
_MAX_NUMBERS: Final = 0.2  # largest share of lines without a letter in a prose column
_MIN_TABLE_ROWS: Final = 3
_MIN_TABLE_COLUMNS: Final = 2
_MAX_ROW_GAP: Final = 1.3  # between rows of a table, in heights of a row
_LETTER: Final = re.compile(r"[^\W\d_]")
IDEOGRAPH: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A character of a script that doesn't part words: Chinese, Japanese, Korean."""
_CHARACTERS_PER_WORD: Final = 2  # of a script that doesn't part words


@dataclass(frozen=True, slots=True)
class LayoutBox:
    """Place of one piece of text on the straightened page, in pixels."""

    index: int
    """Position of the piece among those that were given."""
    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Height of the line."""
        return self.bottom - self.top


Row = list[LayoutBox]
Columns = list[tuple[float, float]]
"""Left and right edges."""


def arrange(texts: Sequence[str], boxes: NDArray[np.float64]) -> list[list[int]]:
    """Arrange pieces of text in reading order: rows from top to bottom, one column after the other.

    Args:
        texts: The pieces.
        boxes: Corners of each, shape (pieces, 4, 2), clockwise from the top left of the writing.

    Returns:
        Positions of the pieces in rows, each from left to right.
    """
    straight = straighten(boxes)
    lows, highs = straight.min(axis=1), straight.max(axis=1)
    spans = [
        LayoutBox(index, text, *map(float, (*low, *high)))
        for index, (text, low, high) in enumerate(zip(texts, lows, highs, strict=True))
    ]
    return [[span.index for span in row] for row in _order_columns(group_into_rows(spans))]


def straighten(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners as on a page whose lines are horizontal: without its rotation, and its perspective if it has one."""
    import numpy as np

    angle = _estimate_skew(boxes)
    cos, sin = math.cos(-angle), math.sin(-angle)
    turned = boxes @ np.array([[cos, sin], [-sin, cos]])
    return _remove_perspective(turned)


def _estimate_skew(boxes: NDArray[np.float64]) -> float:
    """Return the page's rotation in radians: the median slope of the text, weighted by its width; 0 beyond `_MAX_SKEW`."""
    import numpy as np

    top = boxes[:, 1] - boxes[:, 0]
    width = np.hypot(top[:, 0], top[:, 1])
    slope = np.arctan2(top[:, 1], top[:, 0])
    order = np.argsort(slope)
    running = np.cumsum(width[order])
    angle = float(slope[order][np.searchsorted(running, running[-1] / 2)])
    return angle if abs(angle) < _MAX_SKEW else 0.0


def _remove_perspective(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Send the point where the lines of a photographed page meet to infinity, so that they become parallel.

    The slope of a line is modelled as k·(y - y0): then all lines meet at the distance 1/k beside the page.
    """
    import numpy as np

    if len(boxes) < _MIN_LINES_FOR_PERSPECTIVE:
        return boxes
    left, right = (boxes[:, 0] + boxes[:, 3]) / 2, (boxes[:, 1] + boxes[:, 2]) / 2
    along = right - left
    weight = np.maximum(along[:, 0], 0)  # of short pieces the slope is noise
    slope = along[:, 1] / np.maximum(along[:, 0], 1)
    middle = (left + right) / 2
    center = (boxes.min(axis=(0, 1)) + boxes.max(axis=(0, 1))) / 2
    x, y = (middle - center).T
    # slope of the line through a point and the vanishing point (1/k, y0): k (y0 - y) / (1 - k x), linear in k and k·y0
    design = np.stack([slope * x - y, np.ones_like(x)], axis=1)
    convergence, offset = np.linalg.lstsq(design * weight[:, None], slope * weight, rcond=None)[0]
    half_width = float(np.ptp(boxes[:, :, 0])) / 2
    residual = float(np.sum((weight * (slope - design @ (convergence, offset))) ** 2))
    parallel = float(np.sum((weight * (slope - np.average(slope, weights=weight + 1e-9))) ** 2))
    if abs(convergence) * half_width > _MAX_CONVERGENCE or residual > _MIN_CONVERGENCE_GAIN * parallel or not convergence:
        return boxes
    moved = boxes - center
    scale = 1 / (1 - convergence * moved[..., 0])
    level = offset / convergence
    straight: NDArray[np.float64] = np.stack([moved[..., 0], (moved[..., 1] - level) * scale + level], axis=-1) + center
    return straight


def group_into_rows(spans: Sequence[LayoutBox]) -> list[Row]:
    """Group pieces into rows, top to bottom: those of one row overlap vertically by more than half."""
    rows: list[Row] = []
    for span in sorted(spans, key=lambda span: span.top + span.bottom):  # by the middle: capitals begin higher
        for row in reversed(rows[-3:]):  # pieces come from top to bottom, so only the last rows are near
            top = sum(other.top for other in row) / len(row)
            bottom = sum(other.bottom for other in row) / len(row)
            if min(bottom, span.bottom) - max(top, span.top) > 0.5 * min(bottom - top, span.height):
                row.append(span)
                break
        else:
            rows.append([span])
    return [sorted(row, key=lambda span: span.left) for row in rows]


def _order_columns(rows: list[Row]) -> list[Row]:
    """Put columns of prose one after the other, wherever rows that follow each other have one gap in common."""
    ordered: list[Row] = []
    start = 0
    while start < len(rows):
        end, gaps = _find_band(rows, start)
        columns = _split_at_gaps(rows[start:end], gaps) if gaps else []
        if len(columns) > 1 and _are_read_one_by_one(columns):
            for column in columns:
                ordered += _order_columns(group_into_rows(column))
            start = end
        else:
            ordered.append(rows[start])
            start += 1
    return ordered


def _find_band(rows: Sequence[Row], start: int) -> tuple[int, list[tuple[float, float]]]:
    """Find how far down the gaps reach that part the rows from `start` on; return the end and the gaps there."""
    gaps = _list_gaps(rows[start])
    best: tuple[int, list[tuple[float, float]]] = (start + 1, [])
    for end in range(start + 1, len(rows)):
        height = sum(span.height for span in rows[end]) / len(rows[end])
        common = [
            (max(a, c), min(b, d))
            for a, b in gaps
            for c, d in _list_gaps(rows[end])
            if min(b, d) - max(a, c) >= _MIN_GAP * height
        ]
        if not common:
            break
        gaps = common
        inner = [gap for gap in gaps if _has_text_on_both_sides(rows[start : end + 1], gap)]
        if inner:
            best = (end + 1, inner)
    return best


def _list_gaps(row: Row) -> list[tuple[float, float]]:
    """List what a row leaves free, the margins at both sides included."""
    edges = [(-math.inf, -math.inf), *((span.left, span.right) for span in row), (math.inf, math.inf)]
    gaps, reach = [], -math.inf
    for left, right in edges:
        if left > reach:
            gaps.append((reach, left))
        reach = max(reach, right)
    return gaps


def _has_text_on_both_sides(rows: Sequence[Row], gap: tuple[float, float]) -> bool:
    spans = [span for row in rows for span in row]
    return any(span.right <= gap[0] for span in spans) and any(span.left >= gap[1] for span in spans)


def _split_at_gaps(rows: Sequence[Row], gaps: Sequence[tuple[float, float]]) -> list[list[LayoutBox]]:
    spans = [span for row in rows for span in row]
    borders = [-math.inf, *sorted((a + b) / 2 for a, b in gaps), math.inf]
    columns = [
        [span for span in spans if low <= (span.left + span.right) / 2 < high]
        for low, high in zip(borders, borders[1:], strict=False)
    ]
    return [column for column in columns if column]


def _are_read_one_by_one(columns: Sequence[Sequence[LayoutBox]]) -> bool:
    """Tell whether columns are prose, rather than a table's: each but a short last one has lines that fill it and go on."""
    long = [column for column in columns if len(column) >= _MIN_COLUMN_LINES]
    return len(long) >= 2 and len(columns) - len(long) <= 1 and all(_is_prose(column) for column in long)


def _is_prose(column: Sequence[LayoutBox]) -> bool:
    width = max(span.right for span in column) - min(span.left for span in column)
    fill = sorted((span.right - span.left) / max(width, 1) for span in column)[len(column) // 2]
    words = sorted(_count_words(span.text) for span in column)[len(column) // 2]
    numbers = sum(not _LETTER.search(span.text) for span in column) / len(column)
    continued = sum(span.text[0].islower() or bool(IDEOGRAPH.match(span.text)) for span in column) / len(column)
    return fill >= _MIN_FILL and words >= _MIN_PROSE_WORDS and numbers <= _MAX_NUMBERS and continued >= _MIN_CONTINUED


def _count_words(text: str) -> int:
    return len(text.split()) + len(IDEOGRAPH.findall(text)) // _CHARACTERS_PER_WORD


def align_tables(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[list[str], bool]]:
    """Yield each row's texts and whether it belongs to a table; there, what has no cell in a column is empty."""
    start = 0
    while start < len(rows):
        end, columns = _find_table(rows, start)
        if end - start >= _MIN_TABLE_ROWS:
            yield from ((_place_cells(row, columns), True) for row in rows[start:end])
            start = end
        else:
            yield [cell.text for cell in rows[start]], False
            start += 1


def _find_table(rows: Sequence[Sequence[Cell]], start: int) -> tuple[int, Columns]:
    """Find how far down a table reaches that begins at `start`; return its end and its columns."""
    if len(rows[start]) < _MIN_TABLE_COLUMNS:
        return start, []
    columns: Columns = [(cell.box[0], cell.box[2]) for cell in rows[start]]
    end = start + 1
    for number in range(start + 1, len(rows)):
        row = rows[number]
        wider = _extend_columns(columns, row)
        if wider is None or len(wider) > 2 * len(columns) or _is_far_below(row, rows[number - 1]):
            break
        is_continuation = len(row) < _MIN_TABLE_COLUMNS  # a second line of a cell in the first column
        if is_continuation and (
            len(columns) <= _MIN_TABLE_COLUMNS or len(wider) > len(columns) or row[0].box[0] > columns[0][1]
        ):
            break
        columns = wider
        if not is_continuation:
            end = number + 1
    return end, columns


def _is_far_below(row: Sequence[Cell], above: Sequence[Cell]) -> bool:
    top, bottom = min(cell.box[1] for cell in row), max(cell.box[3] for cell in row)
    return top - max(cell.box[3] for cell in above) > _MAX_ROW_GAP * (bottom - top)


def _extend_columns(columns: Columns, row: Sequence[Cell]) -> Columns | None:
    """Return a table's columns, widened by one more row; None if a cell spans two of them."""
    extended = list(columns)
    for cell in row:
        left, _, right, _ = cell.box
        overlapped = [column for column in extended if min(column[1], right) > max(column[0], left)]
        if len(overlapped) > 1:
            return None
        extended = [column for column in extended if column not in overlapped]
        extended.append((min([left, *(low for low, _ in overlapped)]), max([right, *(high for _, high in overlapped)])))
    distinct = len(row) == len({_find_column(extended, cell) for cell in row})
    return sorted(extended) if distinct else None


def _find_column(columns: Columns, cell: Cell) -> int:
    middle = (cell.box[0] + cell.box[2]) / 2
    return next((i for i, (low, high) in enumerate(columns) if low <= middle <= high), -1)


def _place_cells(row: Sequence[Cell], columns: Columns) -> list[str]:
    texts = [""] * len(columns)
    for cell in row:
        texts[_find_column(columns, cell)] = cell.text
    return texts
