"""Reading of a document by a process with limits, and what it says of a document that can't be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from hugginggpt.core.errors import ResourceError
from hugginggpt.workspace.documents.child import RESULT
from hugginggpt.workspace.documents.document import Document, Part, Section
from hugginggpt.workspace.documents.formats import begins_like_document

_COMMAND: Final = "from hugginggpt.workspace.documents.child import main; main()"
_ROOT: Final = Path(__file__).resolve().parents[3]
_MAX_RESULT_BYTES: Final = 64 * 2**20
_KEPT_VARIABLES: Final = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""Variables of the environment that the process gets: keys and tokens lie in others."""
_MAX_AT_ONCE: Final = threading.BoundedSemaphore(2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits of the process that reads one document."""

    seconds: float = 120.0
    """Time by the clock; a busy machine gives it less of the processor than it asks for."""
    processor_seconds: int = 60
    memory_bytes: int = 1_500 * 2**20
    file_bytes: int = 64 * 2**20
    """Largest file that it writes."""
    max_pixels: int = 50_000_000
    """Largest picture inside, in pixels."""


def is_document(path: Path, name: str) -> bool:
    """Return whether a file begins as a document or an archive does, which `read` then reads or refuses."""
    with path.open("rb") as file:
        return begins_like_document(file.read(4096), name)


def read(path: Path, name: str, folder: Path, limits: ReadLimits | None = None) -> Document:
    """Read a document; blocks for up to `ReadLimits.seconds`.

    Args:
        path: The file.
        name: The person's name for it, for messages.
        folder: An empty folder, into which its tables and pictures are written.
        limits: What reading may take.

    Raises:
        ResourceError: It can't be read; one sentence says why.
    """
    limits = limits or ReadLimits()
    numbers = (limits.max_pixels, limits.memory_bytes, limits.processor_seconds, limits.file_bytes)
    arguments = (path.resolve(), folder.resolve(), *numbers)
    with _MAX_AT_ONCE:
        try:
            ended = subprocess.run(  # noqa: S603 (this interpreter, with our own code and numbers)
                [sys.executable, "-P", "-c", _COMMAND, *map(str, arguments)],
                cwd=folder,
                env=make_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _make_limit_error(name, limits) from error
    result = folder / RESULT
    if not result.is_file() or result.stat().st_size > _MAX_RESULT_BYTES:
        last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise _make_limit_error(name, limits) from RuntimeError(f"exit status {ended.returncode}: {' '.join(last)[:500]}")
    found = json.loads(result.read_text(encoding="utf-8"))
    result.unlink()
    if error_text := found.get("error"):
        raise ResourceError(f"“{name}” {error_text}.")
    return _decode(found)


def make_environment() -> dict[str, str]:
    """Return the environment of the process: where it finds its packages, and nothing secret."""
    kept = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(_ROOT), *(each for each in sys.path if each)])}


def _make_limit_error(name: str, limits: ReadLimits) -> ResourceError:
    return ResourceError(
        f"“{name}” can't be read: it is damaged, or takes more than {limits.processor_seconds} s or "
        f"{limits.memory_bytes >> 20:,} MB to read; save it anew or as PDF, or attach a part of it."
    )


def _decode(found: dict[str, Any]) -> Document:
    sections = [_make(Section, each) for each in found["sections"]]
    tables, pictures = ([_make(Part, each) for each in found[key]] for key in ("tables", "pictures"))
    return _make(Document, {**found, "sections": sections, "tables": tables, "pictures": pictures})


def _make(type_: type[T], values: dict[str, Any]) -> T:
    return type_(**values)
