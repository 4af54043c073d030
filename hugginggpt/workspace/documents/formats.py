"""Identification of documents by their content."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final, Literal

from hugginggpt.workspace.documents.document import ARCHIVE_ERRORS, DocumentError

Format = Literal["PDF", "Word", "PowerPoint", "Excel", "EPUB", "OpenDocument", "RTF"]

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_PDF_HEAD_BYTES: Final = 1_024
"""Bytes among which a PDF's mark stands: some programs put something before it."""
_MAX_UNPACKED_BYTES: Final = 512 * 2**20
_MAX_MEMBERS: Final = 20_000

_OLE_STREAMS: Final = (
    ("EncryptedPackage", "is protected by a password: save a copy without one, and attach that"),
    ("WordDocument", "is a Word file of the old kind (.doc), which can't be read here: save it as .docx or PDF"),
    ("PowerPoint Document", "is a PowerPoint file of the old kind (.ppt), which can't be read here: save it as .pptx or PDF"),
    ("__substg1.0_", "is a message of Outlook, which can't be read here: save it as a text or PDF"),
)
"""Names of streams inside the older container, and what is said of files that have them; "Workbook" is read."""
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_UNREADABLE_ARCHIVE: Final = "is an archive or a kind of office file that can't be read here: attach what is inside, or a PDF"


def begins_like_document(head: bytes, name: str) -> bool:
    """Return whether a file's first bytes are those of a document or an archive.

    Args:
        head: The first kilobyte or more.
        name: Its name: text may stand before a PDF's mark, but then it must be called PDF.
    """
    is_late_pdf = b"%PDF-" in head[:_PDF_HEAD_BYTES] and name.lower().endswith(".pdf")
    return head.startswith((b"%PDF-", _OLE, _ZIP, b"{\\rtf")) or is_late_pdf


def find_format(path: Path) -> Format:
    """Return the format of a file that begins like a document.

    Raises:
        DocumentError: It is of none that is read here, or unpacks to too much.
    """
    with path.open("rb") as file:
        head = file.read(_PDF_HEAD_BYTES)
    if head.startswith(b"{\\rtf"):
        return "RTF"
    if head.startswith(_OLE):
        return _find_ole_format(path)
    if head.startswith(_ZIP):
        return _find_zip_format(path)
    return "PDF"


def _find_ole_format(path: Path) -> Format:
    content = path.read_bytes()  # the names may stand anywhere; a file is at most as large as an upload
    for stream, reason in _OLE_STREAMS:
        if stream.encode("utf-16-le") in content:
            raise DocumentError(reason)
    if any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        return "Excel"
    raise DocumentError("is an office file of an old kind that can't be read here: save it in a newer one, or as PDF")


def _find_zip_format(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED_BYTES:
                limit = f"{_MAX_UNPACKED_BYTES >> 20} MB or {_MAX_MEMBERS:,} files"
                raise DocumentError(f"unpacks to more than {limit}, which is the most that is read: attach a part of it")
            names = {member.filename for member in members}
            kind = archive.read("mimetype")[:100].decode("ascii", "replace").strip() if "mimetype" in names else ""
    except DocumentError:  # a ValueError, too
        raise
    except (*ARCHIVE_ERRORS, ValueError) as error:
        raise DocumentError("is a damaged or cut-off document or archive: attach it again") from error
    if kind.startswith(_OPEN_DOCUMENT):
        return "Excel" if kind.startswith(f"{_OPEN_DOCUMENT}spreadsheet") else "OpenDocument"
    found: tuple[tuple[str, Format], ...] = (
        ("word/document.xml", "Word"), ("ppt/presentation.xml", "PowerPoint"), ("xl/workbook.xml", "Excel"),
        ("xl/workbook.bin", "Excel"), ("META-INF/container.xml", "EPUB"),
    )  # fmt: skip
    for name, format_ in found:
        if name in names:
            return format_
    if "[Content_Types].xml" in names and any(name.startswith("word/") for name in names):
        return "Word"
    raise DocumentError(_UNREADABLE_ARCHIVE)
