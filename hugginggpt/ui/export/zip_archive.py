"""All files of a session in one zip, with a table that tells what each is and where it came from."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hugginggpt.core.resources import Resource
from hugginggpt.ui.export.file_names import name_files

INDEX_FILE: Final = "index.csv"
_COLUMNS: Final = ("file", "name", "kind", "measure", "origin", "label", "made_from")
_NOTHING: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


def write_zip(resources: Iterable[Resource], target: Path, lineage: Mapping[str, Sequence[str]] = _NOTHING) -> Path:
    """Write the archive: a file for each resource, texts as .txt, and ``index.csv``.

    Args:
        resources: What goes in; one whose file is gone stands in the index alone.
        target: Where it is written.
        lineage: For each resource that a task made, the names of those it was made from.

    Returns:
        The target.
    """
    listed = tuple(resources)  # needed twice: it may be an iterator
    names = name_files(listed, [INDEX_FILE])  # no file may take the index's name
    rows: list[Sequence[str]] = [_COLUMNS]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for resource in listed:
            file = names[resource.name] if _add_member(archive, resource, names[resource.name]) else ""
            origin, made_from = resource.origin, ", ".join(lineage.get(resource.name, ()))
            about = (resource.name, resource.kind.value, resource.measure, origin.source, origin.label, made_from)
            rows.append((file, *map(_escape_formula, about)))
        archive.writestr(INDEX_FILE, _format_csv(rows))
    return target


def _add_member(archive: zipfile.ZipFile, resource: Resource, name: str) -> bool:
    """Add a resource to the archive; return whether there was something to add."""
    if resource.path is not None and resource.path.is_file():  # the session may have ended
        archive.write(resource.path, name)
        return True
    if resource.text is not None:
        archive.writestr(name, resource.text.encode("utf-8", "replace"))
        return True
    return False


def _escape_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _format_csv(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")  # csv ends the lines itself
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode("utf-8-sig", "replace")  # the mark tells spreadsheets that it is UTF-8
