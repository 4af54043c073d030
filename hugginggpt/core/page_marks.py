"""Marks of pages in a document's text, so that an answer can say where something stands.

A document of one page has none. A page that is a picture has a placeholder until OCR has read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

_MARK: Final = re.compile(r"^## (Page|Slide|Chapter) (\d+)$", re.MULTILINE)


def join_pages(texts: Sequence[tuple[int, str]], unit: str, count: int) -> str:
    """Join the texts of a document's pages; each begins with its mark, unless there is only one.

    Args:
        texts: Number and text of each page.
        unit: What they are called: "page", "slide", "chapter".
        count: Number of all pages, those that were not read among them.
    """
    if max(count, len(texts)) < 2:
        return "\n\n".join(text for _, text in texts)
    return "\n\n".join(f"## {unit.capitalize()} {number}\n\n{text}".rstrip() for number, text in texts)


def split_pages(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pages of a text with marks, as ("page 3", its text); one without a name where there are no marks."""
    marks = list(_MARK.finditer(text))
    if before := text[: marks[0].start() if marks else None].strip():
        yield "", before
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True) if marks else ():
        yield f"{mark[1].lower()} {mark[2]}", text[mark.end() : end].strip()


def strip_page_marks(text: str) -> str:
    """Return a text without the marks of its pages, which say nothing."""
    return _MARK.sub("", text)


def make_placeholder(number: int) -> str:
    """Return what stands for a page that is a picture, until it is read."""
    return f"[Page {number} is a picture that has not been read.]"
