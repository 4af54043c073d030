"""Small files with known contents, made by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.truth import pictures, sounds
from tests.workspace import documents

PageRow = str | Sequence[str] | Mapping[str, str]
"""A text, several in columns, or `{big: TEXT}`."""


def make_file(path: Path, content: Any) -> Path:
    """Write a text, or a file of the kind that the content's only key names."""
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
        return path
    ((kind, source),) = content.items()
    _MAKERS[kind](path, source)
    return path


def _write_page(path: Path, rows: Sequence[PageRow]) -> None:
    pictures.save(path, [pictures.draw_page(rows)])


def _write_pages(path: Path, pages: Sequence[Sequence[PageRow]]) -> None:
    """Write one picture with several pages, or a PDF of scanned ones."""
    pictures.save(path, [pictures.draw_page(rows) for rows in pages])


def _write_picture(path: Path, source: str | Mapping[str, Any]) -> None:
    pictures.save(path, [pictures.make_picture(**({"of": source} if isinstance(source, str) else source))])


def _write_speech(path: Path, source: Mapping[str, str]) -> None:
    sounds.save(path, sounds.speak(**source))


def _write_pdf(path: Path, pages: Sequence[str]) -> None:
    path.write_bytes(documents.make_pdf(pages))


def _write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> None:
    path.write_bytes(documents.make_xlsx(sheets))


def _write_document(path: Path, blocks: Sequence[str | Sequence[Sequence[str]]]) -> None:
    """Write a Word document of paragraphs and tables."""
    make = (documents.paragraph(block) if isinstance(block, str) else documents.word_table(block) for block in blocks)
    path.write_bytes(documents.make_docx("".join(make)))


def _write_slides(path: Path, slides: Sequence[Mapping[str, object]]) -> None:
    path.write_bytes(documents.make_pptx(slides))


def _write_book(path: Path, chapters: Sequence[str]) -> None:
    path.write_bytes(documents.make_epub(chapters))


_MAKERS: Final[Mapping[str, Callable[[Path, Any], None]]] = {
    "page": _write_page,
    "pages": _write_pages,
    "picture": _write_picture,
    "speech": _write_speech,
    "sound": lambda path, name: sounds.save(path, sounds.NO_SPEECH[name]()),
    "pdf": _write_pdf,
    "workbook": _write_workbook,
    "document": _write_document,
    "slides": _write_slides,
    "book": _write_book,
}
"""By the key that a YAML file uses."""
