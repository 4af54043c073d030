"""Text and tables of a document that comes as HTML: Word's, a chapter of an EPUB."""

from __future__ import annotations

import re
from typing import Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.workspace.documents.document import DocumentError
from hugginggpt.workspace.documents.parts import PartWriter
from hugginggpt.workspace.html_text import read_page

_PIECE_CHARS: Final = 1_500_000  # below what `read_page` takes
_BLOCK_END: Final = re.compile(r"</(?:p|table|ul|ol|div|h\d)>")


def read_section(html: str, parts: PartWriter, place: str = "", page: int = 0) -> str:
    """Return the text of an HTML document, and keep its tables.

    Args:
        html: The document, of any length.
        parts: Where the tables go.
        place: What is said before a table's number: "chapter 3, ".
        page: The section's number.

    Raises:
        DocumentError: It has more tags than are read.
    """
    texts = []
    for piece in _split(html):
        try:
            found = read_page(piece)
        except ResourceError as error:
            raise DocumentError("has more markup than is read: save it as PDF, or attach a part of it") from error
        for rows in found.tables:
            parts.add_table(rows, f"{place}table {len(parts.tables) + 1}", page)
        texts.append(found.text)
    return "\n\n".join(filter(None, texts))


def _split(html: str) -> list[str]:
    """Split a long document behind elements that end a block."""
    pieces = []
    while len(html) > _PIECE_CHARS:
        ends = [match.end() for match in _BLOCK_END.finditer(html, _PIECE_CHARS // 2, _PIECE_CHARS)]
        end = ends[-1] if ends else _PIECE_CHARS
        pieces.append(html[:end])
        html = html[end:]
    return [*pieces, html]
