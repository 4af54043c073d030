"""RTF: its text; cells of tables are separated by bars."""

from __future__ import annotations

from pathlib import Path

from hugginggpt.workspace.documents.document import MAX_TEXT_CHARS, Document, DocumentError, Section
from hugginggpt.workspace.documents.parts import PartWriter


def read_rtf(path: Path, parts: PartWriter) -> Document:
    """Read a Rich Text file.

    Raises:
        DocumentError: It is damaged, or holds no text.
    """
    from striprtf.striprtf import rtf_to_text

    content = path.read_bytes().decode("latin-1")  # letters beyond ASCII are written as escapes
    try:
        text = rtf_to_text(content, errors="replace")
    except (ValueError, LookupError, OverflowError, TypeError, AttributeError) as error:
        raise DocumentError("is a damaged RTF file: attach it again") from error
    remarks = [f"Only its first {MAX_TEXT_CHARS >> 20} million characters were read."] if len(text) > MAX_TEXT_CHARS else []
    lines = (line.strip() for line in text[:MAX_TEXT_CHARS].splitlines())
    return Document("RTF", [Section(1, "\n".join(lines).strip())], remarks=remarks)
