"""Reading of the YAML files: small files with known contents, and what is asked about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from hugginggpt.core.yaml_files import read_yaml

FOLDER: Final = Path(__file__).parent / "parts"


class Parts(BaseModel):
    """Pieces of a text, of which an answer must hold some."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    of: tuple[str, ...]
    least: int = 2
    """Fewest pieces."""


class Question(BaseModel):
    """One request, and what is right about it."""

    model_config = ConfigDict(extra="forbid")

    request: str
    right: tuple[str, ...] = ()
    """Answers that are right, any of them."""
    also: tuple[str, ...] = ()
    """Pieces that must be there as well, all of them."""
    parts: Parts | None = None
    shows: tuple[str, ...] = ()
    """Names of what is seen, any of which an answer must begin with."""
    heard: str = ""
    """Words that are said in the recording: a transcript is right if it has nearly all of them."""
    never: tuple[str, ...] = ()
    """Words that no answer may hold: they say that something is there."""
    files: tuple[str, ...] = ()
    """Names of those of several files that answer, in their order: an answer begins with these."""
    absent: bool = False
    """True if the files don't tell: then it is right to say that nothing was found."""
    foreign: bool = False
    """True if the files are in another language: then it is right as well to say that English alone is read."""
    before: str = ""
    """Request, with the same files, that this one follows."""


class Scene(BaseModel):
    """Files, and what is asked about them."""

    model_config = ConfigDict(extra="forbid")

    files: Mapping[str, Any] = {}
    """By name: a text, or what one of the makers in `files.py` makes a file of."""
    ask: Sequence[Question]


def list_parts() -> list[str]:
    """Return the names of the parts of the table."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_scenes(part: str) -> list[Scene]:
    """Return the scenes of one part.

    Raises:
        ConfigFileError: The file can't be read; the message names the line.
    """
    return read_yaml(FOLDER / f"{part}.yaml", list[Scene])
