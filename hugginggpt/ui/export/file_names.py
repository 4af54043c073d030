"""Names of files that leave a session: their own where those are safe and unique."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Final

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')  # for Windows, which forbids the most
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices."""
_MAX_STEM_CHARS: Final = 80
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
    used = {name.casefold() for name in taken}  # Windows and macOS ignore case
    for resource in resources:
        suffix = resource.path.suffix if resource.path else USUAL_SUFFIX[resource.kind]
        plain = f"{resource.name}{suffix}"
        preferred = plain if resource.origin.source == "task" else _make_safe(resource.origin.label, suffix) or plain
        choices = [preferred, f"{resource.name} {preferred}", *(f"{resource.name} ({n}){suffix}" for n in range(2, 100))]
        names[resource.name] = next(choice for choice in choices if choice.casefold() not in used)
        used.add(names[resource.name].casefold())
    return names


def _make_safe(label: str, suffix: str) -> str:
    """Return a label as a file name that every system takes and that says truly what the file is; empty if nothing is left."""
    base = unicodedata.normalize("NFC", label.replace("\\", "/").rpartition("/")[2])
    printable = "".join(letter for letter in base if letter.isprintable())  # no marks that reverse the reading direction
    ext = PurePath(printable).suffix.lower()
    stem = printable[: -len(ext)] if ext and ext in {suffix, *_EQUIVALENT_SUFFIXES.get(suffix, ())} else printable
    stem = _FORBIDDEN.sub("-", stem).strip(". -")[:_MAX_STEM_CHARS].strip(". -")  # twice: the cut may end in a dot
    name = f"{stem}{suffix}"
    return f"_{name}" if _RESERVED.fullmatch(name) else name if stem else ""  # “con.txt” is a device, too


_EQUIVALENT_SUFFIXES: Final[Mapping[str, frozenset[str]]] = {
    ".jpg": frozenset({".jpeg"}),
    ".tif": frozenset({".tiff"}),
    ".mp4": frozenset({".m4a", ".m4v", ".mov"}),
    ".webm": frozenset({".mkv"}),
    ".txt": frozenset({".html", ".htm"}),
}
"""Endings that may be replaced by the one that the file has here."""
