"""Small files with known contents, made by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

_MARGIN: Final = 40
_COLUMN: Final = 240
_SIZE: Final = 24
_BIG: Final = 44
"""Sizes of a page, in pixels."""


def make_file(path: Path, content: Any) -> Path:
    """Write a text, or a file of the kind that the content's only key names."""
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
        return path
    ((kind, source),) = content.items()
    _MAKERS[kind](path, source)
    return path


def draw_page(path: Path, rows: Sequence[str | Sequence[str] | Mapping[str, str]]) -> None:
    """Draw a page in black on white; a row is one text, several in columns, or `{big: TEXT}`."""
    columns = max(len(row) if isinstance(row, list) else 1 for row in rows)
    page = Image.new("RGB", (2 * _MARGIN + max(3, columns) * _COLUMN, 2 * _MARGIN + 2 * _SIZE * len(rows) + _BIG), "white")
    draw = ImageDraw.Draw(page)
    top = _MARGIN
    for row in rows:
        size = _BIG if isinstance(row, Mapping) else _SIZE
        cells = [row["big"]] if isinstance(row, Mapping) else [row] if isinstance(row, str) else row
        for column, cell in enumerate(cells):
            draw.text((_MARGIN + column * _COLUMN, top), cell, "black", ImageFont.load_default(size))
        top += round(1.7 * size)
    page.save(path)


_MAKERS: Final[Mapping[str, Callable[[Path, Any], None]]] = {"page": draw_page}
"""By the key that a YAML file uses."""
