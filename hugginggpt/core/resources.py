"""Resources: every text, image, audio, video and table of a session, as controllers and experts see it.

A controller sees names and descriptions, never paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from hugginggpt.core.tasks import Kind

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

NAME_PATTERN: Final = re.compile(r"(?<![A-Za-z0-9_])(?:image|audio|video|text|table)-\d+(?![A-Za-z0-9_])")
"""The name of a resource in a text; beside Chinese or Japanese letters, too, between which no blanks stand."""

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})  # read-only: all resources without data share it


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a resource."""

    source: Literal["upload", "url", "example", "task"]
    label: str
    """The file's own name, the URL's host and file name, or the task that made it."""
    task_id: int | None = None
    """The id of that task in its plan."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts of a person's file as it came, before anything of it was converted."""

    format: str
    """The format as people call it: "PDF", "HEIC", "Excel", "MP3"."""
    size: int
    """Its length in bytes."""
    pages: int = 0
    """Number of its pages, slides, sheets or frames; 0 for a format that has none."""
    unit: Literal["page", "slide", "sheet", "frame", "chapter"] = "page"
    """Unit of `pages`."""
    encoding: str = ""
    """Encoding of a plain text, as Python calls it: "gb18030"; empty for everything else."""
    remarks: tuple[str, ...] = ()
    """Sentences on what of it was left out."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One text, picture, recording, video or table."""

    name: str
    """Name for people and controllers: the kind and a number, "image-1"."""
    kind: Kind
    origin: Origin
    path: Path | None = None
    """Its file; None for a text that a task produced."""
    text: str | None = None
    """The text itself, for texts."""
    measure: str = ""
    """Its size in the kind's own terms: "640 × 480", "11.0 s"."""
    data: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, hash=False)  # dataclasses refuse an unhashable default
    """Structured results that belong to it (boxes, scores, segments); JSON values only."""
    file: FileFacts | None = None
    """Facts of the file that a person brought; None for what a task made."""
    part_of: str = ""
    """Name of the document that it is a part of (a picture or table inside); empty for what stands for itself."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Return a schema that validates a resource's name, which must be among those in the validation's context."""
        from pydantic_core import core_schema

        def look_up(name: Any, info: core_schema.ValidationInfo) -> Any:
            known: Mapping[str, Resource] = info.context or {}
            if not isinstance(name, str) or name not in known:
                raise ValueError(name)  # which pydantic turns into its ValidationError
            return known[name]

        return core_schema.with_info_plain_validator_function(look_up)

    @property
    def description(self) -> str:
        """The line that a controller is shown: name, origin and measure, no path."""
        measure = f", {self.measure}" if self.measure else ""
        return f"{self.name}: {self.kind.value} “{self.origin.label}”{measure}"


def select_main(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Select those that stand for a file: what is no part of a document, and parts of its own kind, like further sheets."""
    kinds = {resource.name: resource.kind for resource in resources}
    return tuple(each for each in resources if kinds.get(each.part_of, each.kind) is each.kind)
