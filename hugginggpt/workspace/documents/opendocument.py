"""OpenDocument texts and presentations (odt, odp): their paragraphs, lists and tables; pictures inside."""

from __future__ import annotations

import zipfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.workspace.documents.document import ARCHIVE_ERRORS, MAX_PAGES, Document, DocumentError, Section
from hugginggpt.workspace.documents.html_sections import read_section
from hugginggpt.workspace.documents.parts import PartWriter

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_CONTENT_BYTES: Final = 64 * 2**20
_MAX_PICTURE_BYTES: Final = 32 * 2**20
_MAX_DEPTH: Final = 200
_HTML_TAGS: Final = {
    "h": "h1", "p": "p", "list": "ul", "list-item": "li", "table": "table", "table-row": "tr", "table-cell": "td",
}  # fmt: skip
"""HTML's elements by OpenDocument's."""
_BLANKS: Final = {"s": " ", "tab": " ", "line-break": "<br>"}
_PASSED_OVER: Final = frozenset({"tracked-changes", "annotation", "forms", "sequence-decls"})


def read_opendocument(path: Path, parts: PartWriter) -> Document:
    """Read a text or a presentation of OpenOffice or LibreOffice.

    Raises:
        DocumentError: It is protected by a password, or damaged.
    """
    import defusedxml.ElementTree
    from defusedxml import DefusedXmlException

    try:
        with zipfile.ZipFile(path) as archive:
            if b"encryption-data" in archive.read("META-INF/manifest.xml")[:_MAX_CONTENT_BYTES]:
                raise DocumentError("is protected by a password: save a copy without one, and attach that")
            if archive.getinfo("content.xml").file_size > _MAX_CONTENT_BYTES:
                raise DocumentError("is longer than what is read here: attach a part of it")
            body = defusedxml.ElementTree.fromstring(archive.read("content.xml"))
            for member in archive.infolist():
                if member.filename.startswith("Pictures/") and member.file_size <= _MAX_PICTURE_BYTES:
                    parts.add_picture(archive.read(member), f"picture {len(parts.pictures) + 1}")
    except (*ARCHIVE_ERRORS, SyntaxError, DefusedXmlException) as error:
        raise DocumentError("is a damaged OpenDocument file: attach it again") from error
    slides = [each for each in body.iter() if _name(each) == "page"]
    if slides:
        sections = [
            Section(number, read_section(_to_html(slide), parts, f"slide {number}, ", number))
            for number, slide in enumerate(slides[:MAX_PAGES], 1)
        ]
        return Document("OpenDocument", sections, "slide", len(slides))
    return Document("OpenDocument", [Section(1, read_section(_to_html(body), parts))])


def _to_html(element: Element, depth: int = 0) -> str:
    """Return an element's text with HTML's tags for its blocks."""
    name = _name(element)
    if name in _PASSED_OVER or depth > _MAX_DEPTH:
        return ""
    inner = _BLANKS.get(name, "") + escape(element.text or "")
    inner += "".join(_to_html(child, depth + 1) + escape(child.tail or "") for child in element)
    tag = _HTML_TAGS.get(name)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
