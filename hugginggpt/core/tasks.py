"""The task table: one row per task type, read from ``tasks.yaml``.

A row says what a task needs, what it makes, which pipeline tag the Hub files its models under, and one line
that tells a planner when to use it. A new task type is a new row there and one small function per back end.
"""

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

_TABLE = Path(__file__).with_name("tasks.yaml")


class Kind(StrEnum):
    """The kind of a resource, as a consumer sees it."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    TABLE = "table"


MEDIA_KINDS = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.TABLE})
"""Kinds that live in files; a text is passed by value."""


def is_usable_as(given: Kind, wanted: Kind) -> bool:
    """Return whether a resource of one kind can be used as another: a video as audio, for its sound track."""
    return given is wanted or (given is Kind.VIDEO and wanted is Kind.AUDIO)


@dataclass(frozen=True, slots=True)
class TaskInput:
    """One argument of a task type."""

    name: str
    kind: Kind
    required: bool = True


@dataclass(frozen=True, slots=True)
class TaskType:
    """One row of the table."""

    name: str
    family: str
    """The modality it is filed under: text, image, audio, video or control."""
    inputs: tuple[TaskInput, ...]
    outputs: tuple[Kind, ...]
    """Kinds of its outputs, the main one first; a text that describes the result counts."""
    optional_outputs: tuple[Kind, ...]
    """Kinds that it makes besides where there is something of them: the table in a picture."""
    pipeline_tag: str
    """Tag under which the Hugging Face Hub lists models for it."""
    when: str
    """One line for the planner: when to use it."""
    noun: str
    """The task's name in a sentence ("speech recognition")."""
    act: str
    """The task as a person does it, behind "I could not" ("read it aloud")."""
    undone: str
    """The lack of its result, behind "because" ("nothing was transcribed")."""
    aliases: tuple[str, ...] = ()
    """Other names that controllers give it."""
    brief: str = ""
    """The same in two or three words, where the name doesn't say it already."""
    argument_aliases: Mapping[str, str] | None = None
    """Other names that controllers give its arguments, e.g. ``question`` for ``text``."""

    def input(self, name: str) -> TaskInput | None:
        """Return the argument called `name`, or None."""
        return next((i for i in self.inputs if i.name == name), None)

    @property
    def required(self) -> tuple[TaskInput, ...]:
        """Required arguments."""
        return tuple(i for i in self.inputs if i.required)


_MAX_NAME_CHARS: Final = 200


def normalize_task_name(name: str) -> str:
    """Return the form in which task names are compared: lower case, hyphens for blanks and underscores."""
    return re.sub(r"[\s_/-]+", "-", name.strip().lower()).strip("-")


@dataclass(frozen=True)  # without slots: cached_property needs a __dict__
class TaskTable(Mapping[str, TaskType]):
    """All task types by name, in the order of the file."""

    rows: Mapping[str, TaskType]

    def __getitem__(self, name: str) -> TaskType:
        return self.rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def recognise(self, name: str) -> str | None:
        """Return the row that a controller means by `name`, in any spelling; None where no name is near enough."""
        if len(name) > _MAX_NAME_CHARS:  # before the work that grows with it
            return None
        key = normalize_task_name(name)
        if key in self.rows:
            return key
        known = self._aliases
        if key in known:
            return known[key]
        near = difflib.get_close_matches(key, [*known, *self.rows], n=1, cutoff=0.88)  # high: a misspelling, no other task
        return known.get(near[0], near[0]) if near else None

    @functools.cached_property
    def _aliases(self) -> dict[str, str]:
        return {normalize_task_name(alias): row.name for row in self.rows.values() for alias in row.aliases}


def _parse_inputs(spec: Mapping[str, str], *, required: bool) -> tuple[TaskInput, ...]:
    return tuple(TaskInput(name, Kind(kind), required) for name, kind in spec.items())


def _parse_row(name: str, family: str, row: Mapping[str, Any]) -> TaskType:
    return TaskType(
        name=name,
        family=family,
        inputs=_parse_inputs(row["inputs"], required=True) + _parse_inputs(row.get("optional", {}), required=False),
        outputs=tuple(Kind(kind) for kind in row["outputs"]),
        optional_outputs=tuple(Kind(kind) for kind in row.get("optional_outputs", ())),
        pipeline_tag=row.get("pipeline_tag", name),
        when=row["when"],
        noun=row["noun"],
        act=row["act"],
        undone=row["undone"],
        aliases=tuple(row.get("aliases", ())),
        brief=row.get("brief", ""),
        argument_aliases=row.get("argument_aliases"),
    )


@functools.cache
def load_task_table() -> TaskTable:
    """Return the table as shipped, read once."""
    families = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return TaskTable({name: _parse_row(name, family, row) for family, rows in families.items() for name, row in rows.items()})
