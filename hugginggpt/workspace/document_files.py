"""Resources of a document: its text, or its sheets, and the pictures and tables inside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.page_marks import join_pages, make_placeholder
from hugginggpt.core.resources import FileFacts, Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types
from hugginggpt.workspace.documents import reader
from hugginggpt.workspace.documents.document import Document, Part

if TYPE_CHECKING:
    from hugginggpt.workspace.workspace import Workspace

SCANNED_PAGE: Final = "scanned_page"
"""Key in a picture's data: the number of the page that it shows, and that is to be read by OCR."""


def add_document(workspace: Workspace, path: Path, origin: Origin, *, max_pixels: int) -> Resource:
    """Add all that a document holds to a workspace; return its text, or its first sheet, of which the rest are parts.

    Raises:
        ResourceError: It can't be read, or there is no room for it.
    """
    folder = workspace.new_path(".document")
    folder.mkdir(mode=0o700)
    added: list[Resource] = []
    try:
        document = reader.read(path, origin.label, folder, reader.ReadLimits(max_pixels=max_pixels))
        facts = _make_facts(document, path, origin)
        for draft in _list_drafts(document, folder, origin, facts):
            part_of = added[0].name if added else ""
            added.append(workspace.add_resource(_make_own(draft, workspace, part_of)))
    except ResourceError:
        workspace.discard(added)  # all or nothing
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return added[0]


def _make_facts(document: Document, path: Path, origin: Origin) -> FileFacts:
    remarks = tuple(f"“{origin.label}”: {remark}" for remark in document.remarks)
    return FileFacts(document.format, path.stat().st_size, document.count, document.unit, remarks=remarks)


def _list_drafts(document: Document, folder: Path, origin: Origin, facts: FileFacts) -> Iterator[Resource]:
    """Yield the resources, still in the folder of what was read: the text first, where the document has sections."""
    count, unit = document.count, document.unit
    measure = f"{count:,} {unit}{'' if count == 1 else 's'}" if count else ""
    if document.sections:
        texts = [
            (
                section.number,
                "\n\n".join(filter(None, [make_placeholder(section.number) if section.picture else "", section.text])),
            )
            for section in document.sections
        ]
        text = join_pages(texts, unit, count)
        path = folder / "text.md"
        path.write_text(text, encoding="utf-8")
        yield Resource("", Kind.TEXT, origin, path, text, measure, file=facts)
    scans = [
        Part(section.picture, f"page {section.number}", section.number) for section in document.sections if section.picture
    ]
    for part in (*document.tables, *document.pictures, *scans):
        kind = Kind.TABLE if part.file.endswith(".csv") else Kind.IMAGE
        data = {"page": part.page} if part.page else {}
        if part in scans:
            data[SCANNED_PAGE] = part.page
        yield Resource(
            "", kind, Origin(origin.source, f"{origin.label}, {part.place}"), folder / part.file, data=data, file=facts
        )


def _make_own(draft: Resource, workspace: Workspace, part_of: str) -> Resource:
    """Move a draft's file into the workspace; pictures are identified as any file is."""
    path = draft.path or Path()  # each draft has one
    suffix = path.suffix
    if draft.kind is Kind.IMAGE:
        _, suffix = file_types.identify(path, draft.origin.label, max_pixels=2**31)
    target = workspace.new_path(suffix)
    shutil.move(path, target)
    return replace(draft, path=target, part_of=part_of)
