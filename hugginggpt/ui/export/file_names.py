"""Names of files that leave a session: their own where those are safe and unique."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Final

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices."""
_LONGEST: Final = 80
USUAL_SUFFIX: Final[Mapping[Kind, str]] = {
    Kind.TEXT: ".txt",
    Kind.IMAGE: ".png",
    Kind.AUDIO: ".wav",
    Kind.VIDEO: ".mp4",
    Kind.TABLE: ".csv",
}


def name_files(resources: Iterable[Resource], taken: Iterable[str] = ()) -> Mapping[str, str]:
    """Return a file name for each resource, by the resource's name; no two are the same, in whatever case.

    What a task made is called by the resource's name ("image-2.png"), everything else as it was called where it came from.

    Args:
        resources: Each once.
        taken: File names that are not to be given.
    """
    names: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for resource in resources:
        suffix = resource.path.suffix if resource.path else USUAL_SUFFIX[resource.kind]
        plain = f"{resource.name}{suffix}"
        wished = plain if resource.origin.source == "task" else _safe(resource.origin.label, suffix) or plain
        choices = [wished, f"{resource.name} {wished}", *(f"{resource.name} ({n}){suffix}" for n in range(2, 100))]
        names[resource.name] = next(choice for choice in choices if choice.casefold() not in used)
        used.add(names[resource.name].casefold())
    return names


def _safe(label: str, suffix: str) -> str:
    """Return a label as a file name that every system takes and that says truly what the file is; empty if nothing is left."""
    base = unicodedata.normalize("NFC", label.replace("\\", "/").rpartition("/")[2])
    printable = "".join(letter for letter in base if letter.isprintable())
    given = PurePath(printable).suffix.lower()
    stem = printable[: -len(given)] if given and given in {suffix, *_SAME.get(suffix, ())} else printable
    stem = _FORBIDDEN.sub("-", stem).strip(". -")[:_LONGEST].strip(". -")
    name = f"{stem}{suffix}"
    return f"_{name}" if _RESERVED.fullmatch(name) else name if stem else ""


_SAME: Final[Mapping[str, frozenset[str]]] = {
    ".jpg": frozenset({".jpeg"}),
    ".tif": frozenset({".tiff"}),
    ".mp4": frozenset({".m4a", ".m4v", ".mov"}),
    ".webm": frozenset({".mkv"}),
    ".txt": frozenset({".html", ".htm"}),
}
"""Endings that may be replaced by the one that the file has here."""
