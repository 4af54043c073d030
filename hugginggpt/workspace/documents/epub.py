"""EPUB: the text of each chapter in reading order; pictures inside."""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from hugginggpt.workspace.documents.document import ARCHIVE_ERRORS, MAX_PAGES, MAX_TEXT_CHARS, Document, DocumentError, Section
from hugginggpt.workspace.documents.html_sections import read_section
from hugginggpt.workspace.documents.parts import PartWriter

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_MEMBER_BYTES: Final = 8 * 2**20
_FONT_SCRAMBLING: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Encryption that only makes fonts unusable elsewhere; any other is that of a shop."""


def read_epub(path: Path, parts: PartWriter) -> Document:
    """Read an e-book.

    Raises:
        DocumentError: It is protected, damaged, or without text.
    """
    import defusedxml.ElementTree
    from defusedxml import DefusedXmlException

    try:
        with zipfile.ZipFile(path) as archive:
            if _is_protected(archive):
                raise DocumentError("is protected against copying (DRM), so it can't be read here")
            container = defusedxml.ElementTree.fromstring(_read(archive, "META-INF/container.xml"))
            package_path = next(each.get("full-path", "") for each in container.iter() if _name(each) == "rootfile")
            package = defusedxml.ElementTree.fromstring(_read(archive, package_path))
            return _read_chapters(archive, package, posixpath.dirname(package_path), parts)
    except (*ARCHIVE_ERRORS, StopIteration, SyntaxError, DefusedXmlException) as error:
        raise DocumentError("is a damaged e-book: attach it again") from error


def _read_chapters(archive: zipfile.ZipFile, package: Element, folder: str, parts: PartWriter) -> Document:
    items = {each.get("id", ""): each for each in package.iter() if _name(each) == "item"}
    order = [each.get("idref", "") for each in package.iter() if _name(each) == "itemref"]
    sections: list[Section] = []
    missing = chars = 0
    for idref in order[:MAX_PAGES]:
        if chars > MAX_TEXT_CHARS:
            break
        try:
            html = _read(archive, _locate(folder, items[idref])).decode("utf-8", "replace")
        except KeyError:
            missing += 1
            continue
        number = len(sections) + 1
        text = read_section(html, parts, f"chapter {number}, ", number)
        if text:  # a cover has none
            sections.append(Section(number, text))
            chars += len(text)
    for each in items.values():
        if each.get("media-type", "").startswith("image/"):
            try:
                parts.add_picture(_read(archive, _locate(folder, each)), f"picture {len(parts.pictures) + 1}")
            except KeyError:
                continue
    if not sections:
        raise DocumentError("is an e-book without text: attach another one")
    remarks = [f"{missing} of its chapters are missing in the file."] if missing else []
    return Document("EPUB", sections, "chapter", len(sections), remarks=remarks)


def _is_protected(archive: zipfile.ZipFile) -> bool:
    names = set(archive.namelist())
    if "META-INF/encryption.xml" not in names:
        return "META-INF/rights.xml" in names
    text = _read(archive, "META-INF/encryption.xml").decode("utf-8", "replace")
    return any(
        not piece.lstrip("\"'= ").startswith(_FONT_SCRAMBLING)
        for piece in text.split("EncryptionMethod")[1::1]
        for piece in piece.split("Algorithm")[1:2]
    )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file of the archive; KeyError where there is none, or it is too large."""
    if archive.getinfo(name).file_size > _MAX_MEMBER_BYTES:
        raise KeyError(name)
    return archive.read(name)


def _locate(folder: str, item: Element) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
