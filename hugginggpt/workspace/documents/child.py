"""Process that reads one document, within limits of memory, time and file sizes, and without any key in its environment.

Started by `reader` as ``python -c … path folder limits``; what was read lies in the folder afterwards, described by
``document.json``.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from hugginggpt.workspace.documents.document import MAX_TEXT_CHARS, Document, DocumentError, Section
from hugginggpt.workspace.documents.formats import Format, find_format
from hugginggpt.workspace.documents.parts import PartWriter

RESULT: Final = "document.json"
"""File in the folder that tells what was read, or why nothing was."""
READERS: Final[Mapping[Format, str]] = {
    "PDF": "pdf:read_pdf",
    "Word": "word:read_word",
    "PowerPoint": "powerpoint:read_powerpoint",
    "Excel": "spreadsheet:read_spreadsheet",
    "EPUB": "epub:read_epub",
    "OpenDocument": "opendocument:read_opendocument",
    "RTF": "rtf:read_rtf",
}
"""Functions by format, as "module:name", imported when one is read."""


def read_document(path: Path, folder: Path, *, max_pixels: int) -> Document:
    """Read a document in this process; its tables and pictures become files in the folder.

    Raises:
        DocumentError: It can't be read.
    """
    format_ = find_format(path)
    module, _, name = READERS[format_].partition(":")
    read: Callable[[Path, PartWriter], Document] = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    parts = PartWriter(folder, max_pixels=max_pixels)
    document = read(path, parts)
    sections, cut = _bound(document.sections)
    remarks = [*document.remarks, *parts.remarks, *([cut] if cut else [])]
    document = replace(document, sections=sections, tables=parts.tables, pictures=parts.pictures, remarks=remarks)
    if not (any(section.text.strip() or section.picture for section in sections) or parts.tables or parts.pictures):
        raise DocumentError(f"is a {format_} file without any text, table or picture: attach another one")
    return document


def _bound(sections: Sequence[Section]) -> tuple[list[Section], str]:
    """Return the sections as far as their text is kept, and a sentence on what is cut off."""
    kept: list[Section] = []
    room = MAX_TEXT_CHARS
    for section in sections:
        text = section.text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair can't be written
        kept.append(replace(section, text=text[:room]))
        room -= len(text)
        if room <= 0:
            return kept, f"Only its first {MAX_TEXT_CHARS:,} characters were read."
    return kept, ""


def limit_process(*, memory_bytes: int, seconds: int, file_bytes: int) -> None:
    """Limit what this process may take; where the system knows no such limits, the caller's time limit alone holds."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, limit in wanted:
        with suppress(ValueError, OSError):  # macOS has no limit of addresses; a lower one may be set already
            resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Read the document that the command line names."""
    path, folder, max_pixels, memory_bytes, seconds, file_bytes = sys.argv[1:]
    limit_process(memory_bytes=int(memory_bytes), seconds=int(seconds), file_bytes=int(file_bytes))
    sys.setrecursionlimit(2_000)
    try:
        result = asdict(read_document(Path(path), Path(folder), max_pixels=int(max_pixels)))
    except DocumentError as error:
        result = {"error": str(error)}
    (Path(folder) / RESULT).write_text(json.dumps(result), encoding="utf-8")
