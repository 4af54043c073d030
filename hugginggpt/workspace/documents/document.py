"""A document as it was read, and the limits within which it is."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

MAX_PAGES: Final = 1_000
"""Most pages, slides or chapters of a document that are read."""
MAX_PICTURES: Final = 20
"""Most pictures inside a document that are kept."""
MAX_TABLES: Final = 20
"""Most tables or sheets of a document that are kept as tables of their own."""
MAX_SCANNED_PAGES: Final = 30
"""Most pages without text that are kept as pictures, to be read by OCR."""
MAX_TEXT_CHARS: Final = 4 * 2**20
"""Longest text of a document."""

Unit = Literal["page", "slide", "sheet", "chapter"]


ARCHIVE_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, KeyError, OSError, RuntimeError)
"""Errors that zipfile raises for damaged, cut-off and protected archives."""


class DocumentError(ValueError):
    """A document can't be read; the message ends a sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class Section:
    """One page, slide or chapter."""

    number: int
    text: str
    picture: str = ""
    """Name of the file that shows it, where it has no text to read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table or picture inside a document, as a file of its own."""

    file: str
    place: str
    """Its place in words: "page 2, picture 1", "sheet Costs"."""
    page: int = 0
    """The number of its page, slide or chapter; 0 where that isn't known."""


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a document."""

    format: str
    """As people call it: "PDF", "Word"."""
    sections: Sequence[Section]
    unit: Unit = "page"
    count: int = 0
    """Number of its pages, slides, sheets or chapters, those that were not read among them; 0: unknown."""
    tables: Sequence[Part] = ()
    pictures: Sequence[Part] = ()
    remarks: Sequence[str] = ()
    """Sentences on what of it was left out."""
