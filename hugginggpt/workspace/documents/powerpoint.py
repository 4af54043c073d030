"""PowerPoint: text, tables, charts' figures and notes of each slide; pictures inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hugginggpt.workspace.documents.document import MAX_PAGES, Document, DocumentError, Section
from hugginggpt.workspace.documents.parts import PartWriter
from hugginggpt.workspace.html_text import format_table

_MAX_DEPTH: Final = 10
"""Deepest group inside a group."""


def read_powerpoint(path: Path, parts: PartWriter) -> Document:
    """Read a presentation.

    Raises:
        DocumentError: It is damaged.
    """
    from pptx import Presentation

    try:
        slides = list(Presentation(str(path)).slides)
    except Exception as error:  # lxml's, zipfile's and KeyErrors of damaged files share no base
        if isinstance(error, MemoryError):
            raise
        raise DocumentError("is a damaged PowerPoint file: attach it again") from error
    sections = []
    damaged = []
    for number, slide in enumerate(slides[:MAX_PAGES], 1):
        try:
            blocks = [block for shape in slide.shapes for block in _read_shape(shape, number, parts)]
            if slide.has_notes_slide and slide.notes_slide.notes_text_frame:
                notes = slide.notes_slide.notes_text_frame.text.strip()
                blocks.append(f"Notes: {notes}" if notes else "")
        except (KeyError, ValueError, AttributeError, IndexError, TypeError):  # a slide that is malformed
            damaged.append(number)
            continue
        sections.append(Section(number, "\n\n".join(filter(None, blocks))))
    remarks = [f"Slide {number} is damaged and was left out." for number in damaged[:5]]
    if len(slides) > MAX_PAGES:
        remarks.append(f"Only the first {MAX_PAGES:,} of its {len(slides):,} slides were read.")
    return Document("PowerPoint", sections, "slide", len(slides), remarks=remarks)


def _read_shape(shape: Any, number: int, parts: PartWriter, depth: int = 0) -> Iterator[str]:
    if hasattr(shape, "shapes"):
        for inner in shape.shapes if depth < _MAX_DEPTH else ():
            yield from _read_shape(inner, number, parts, depth + 1)
    elif getattr(shape, "has_table", False):
        yield from _keep_table([[cell.text.strip() for cell in row.cells] for row in shape.table.rows], number, parts)
    elif getattr(shape, "has_chart", False):
        yield from _read_chart(shape.chart, number, parts)
    elif getattr(shape, "has_text_frame", False):
        lines = (("- " if paragraph.level else "") + paragraph.text.strip() for paragraph in shape.text_frame.paragraphs)
        yield "\n".join(line for line in lines if line.strip("- "))
    else:
        with suppress(AttributeError, ValueError, KeyError):  # a linked picture has no content here
            parts.add_picture(shape.image.blob, f"slide {number}, picture {len(parts.pictures) + 1}", number)


def _read_chart(chart: Any, number: int, parts: PartWriter) -> Iterator[str]:
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text.strip()
    plot = chart.plots[0]
    series = list(plot.series)
    header = ["", *(each.name or "" for each in series)]
    columns = [list(each.values) for each in series]
    rows = [
        [str(category), *("" if place >= len(values) or values[place] is None else f"{values[place]:g}" for values in columns)]
        for place, category in enumerate(plot.categories)
    ]
    yield from _keep_table([header, *rows], number, parts)


def _keep_table(rows: list[list[str]], number: int, parts: PartWriter) -> Iterator[str]:
    if len(rows) > 1:
        parts.add_table(
            rows, f"slide {number}, table {len([part for part in parts.tables if part.page == number]) + 1}", number
        )
    yield format_table(rows)
