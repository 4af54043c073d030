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

INDEX: Final = "index.csv"
_HEAD: Final = ("file", "name", "kind", "measure", "origin", "label", "made_from")
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
    several = tuple(resources)
    names = name_files(several, [INDEX])
    rows: list[Sequence[str]] = [_HEAD]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for resource in several:
            file = names[resource.name] if _put(archive, resource, names[resource.name]) else ""
            origin, made_from = resource.origin, ", ".join(lineage.get(resource.name, ()))
            about = (resource.name, resource.kind.value, resource.measure, origin.source, origin.label, made_from)
            rows.append((file, *map(_cell, about)))
        archive.writestr(INDEX, _csv(rows))
    return target


def _put(archive: zipfile.ZipFile, resource: Resource, name: str) -> bool:
    """Return whether there was something to put in."""
    if resource.path is not None and resource.path.is_file():
        archive.write(resource.path, name)
        return True
    if resource.text is not None:
        archive.writestr(name, resource.text.encode("utf-8", "replace"))
        return True
    return False


def _cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode("utf-8-sig", "replace")  # the mark tells spreadsheets that it is UTF-8
