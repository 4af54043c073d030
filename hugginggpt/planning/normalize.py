"""Normalizing of a controller's task objects: names from the table, unique ids, arguments under their names."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import NO_DEPENDENCY, Reference, split_references
from hugginggpt.core.tasks import Kind, TaskTable, TaskType, is_usable_as
from hugginggpt.core.text import lower_keys, make_printable

SEPARATORS: Final = re.compile(r"[\s,;]+|\band\b")
_MAX_QUOTED_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task under repair."""

    row: TaskType
    id: int
    written_id: int | None
    dep: tuple[int, ...]
    args: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Name of the task in messages."""
        return f"Task {self.id} ({self.row.name})"


def read_drafts(raw: Sequence[Any], table: TaskTable, notes: list[str]) -> list[TaskDraft]:
    """Return one draft for each object; what had to be repaired is added to `notes`.

    Raises:
        PlanError: One sentence that names the task and the field.
    """
    return _renumber([_read_draft(item, position, table, notes) for position, item in enumerate(raw)], notes)


def _read_draft(item: Any, position: int, table: TaskTable, notes: list[str]) -> TaskDraft:
    if not isinstance(item, Mapping):
        raise PlanError(f"Task {position}: it is {quote_value(item)}, not an object with task, id, dep and args.")
    item = lower_keys(item)  # "Task", "ID": models vary the case
    written_id = _parse_id(item.get("id"))
    label = position if written_id is None else written_id  # messages name a task as its author did
    written = item.get("task")
    if not isinstance(written, str) or not written.strip():
        raise PlanError(f"Task {label}: the field task is missing.")
    name = table.recognise(written)
    if name is None:
        raise PlanError(f"Task {label}: the field task names {quote_value(written)}, which is no task known here.")
    if name != written:
        notes.append(f"Task {label}: {quote_value(written)} was read as {name}.")
    row = table[name]
    args = _read_arguments(item.get("args"), row, f"Task {label} ({name})", notes)
    return TaskDraft(row, position, written_id, tuple(_parse_ids(item.get("dep"))), args)


def _parse_id(value: Any) -> int | None:
    """Parse an id however it is written: 1, "1", "T1", 1.0; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):  # a bool is an int to Python
        return int(value) if value == value and abs(value) < 1e9 else None
    if not isinstance(value, str):
        return None
    # in "task-1" the hyphen is no minus
    digits = re.search(r"^\s*-?\d{1,9}|\d{1,9}", value)
    return int(digits[0]) if digits else None


def _parse_ids(value: Any) -> list[int]:
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        values = [part for part in SEPARATORS.split(value.strip("[] ")) if part]  # a list written as a string
    return [number for item in values if (number := _parse_id(item)) is not None]


def _read_arguments(value: Any, row: TaskType, label: str, notes: list[str]) -> dict[str, Any]:
    """Map the arguments to the names that the task type gives them."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and len(row.required) == 1:  # "args": "image-1" can mean but one argument
        value = {row.required[0].name: value}
    if value is None or value in ("", [], ()):
        value = {}
    if not isinstance(value, Mapping):
        raise PlanError(f"{label}: the field args is {quote_value(value)}, not an object.")
    aliases = {_normalize_name(alias): name for alias, name in (row.argument_aliases or {}).items()}
    args: dict[str, Any] = {}
    pairs = [(_normalize_name(name), _unwrap(item)) for name, item in value.items()]
    # a word may be one argument's name and another's alias ({question: text}): what is called by its name comes first
    for key, item in sorted(pairs, key=lambda pair: row.input(pair[0]) is None):
        if item is None or (isinstance(item, int) and item == NO_DEPENDENCY):  # the paper's -1 for "nothing" strays into args
            continue
        known = key if row.input(key) else aliases.get(key)
        if known is None or known in args:
            notes.append(f"{label}: the argument {quote_value(key)} is not used.")
            continue
        args[known] = item
    return args


def _normalize_name(name: Any) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower()) if isinstance(name, str) else quote_value(name)


def _unwrap(value: Any) -> Any:
    """Unwrap a value: from a dict of one string like ``{"resource": "image-1"}``, from blanks; None when nothing is left."""
    if isinstance(value, Mapping) and len(value) == 1:
        inner = next(iter(value.values()))
        value = inner if isinstance(inner, str) else value
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, list | tuple):
        value = [item for item in value if item is not None and not (isinstance(item, str) and not item.strip())]
    return None if isinstance(value, str | list | Mapping) and not value else value


def _renumber(drafts: list[TaskDraft], notes: list[str]) -> list[TaskDraft]:
    """Give each task a unique id, and point each reference at the task that its id means.

    Where two tasks carry one id, a reference means the nearest one before it that makes the kind it wants.
    """
    new_ids = _assign_ids(drafts, notes)
    by_written: dict[int, list[int]] = {}
    for position, draft in enumerate(drafts):
        by_written.setdefault(new_ids[position] if draft.written_id is None else draft.written_id, []).append(position)
    if all(by_written.get(number) == [position] for position, number in enumerate(new_ids)):  # usually: every id is unique
        return [replace(draft, id=number) for draft, number in zip(drafts, new_ids, strict=True)]

    def resolve_id(written: int, position: int, kind: Kind | None) -> int:
        candidates = [p for p in by_written.get(written, []) if p != position]
        fitting = [p for p in candidates if kind is None or can_make(drafts[p].row, kind)] or candidates
        before = [p for p in fitting if p < position]
        return new_ids[before[-1]] if before else new_ids[fitting[0]] if fitting else written

    renumbered = []
    for position, draft in enumerate(drafts):
        args = {}
        for name, value in draft.args.items():
            task_input = draft.row.input(name)
            kind = task_input.kind if task_input else None
            args[name] = map_references(value, partial(resolve_id, position=position, kind=kind))
        dep = tuple(resolve_id(n, position, None) if n >= 0 else n for n in draft.dep)  # -1 stands for no dependency
        renumbered.append(replace(draft, id=new_ids[position], dep=dep, args=args))
    return renumbered


def _assign_ids(drafts: list[TaskDraft], notes: list[str]) -> list[int]:
    written = {draft.written_id for draft in drafts}
    unused_ids = (n for n in range(2 * len(drafts) + 1) if n not in written)  # at most half are taken: never exhausted
    new_ids: list[int] = []
    taken_ids: set[int] = set()
    for draft in drafts:
        written_id = draft.written_id
        if written_id is None or written_id < 0 or written_id in taken_ids:
            number = next(unused_ids)
            if written_id is not None:
                notes.append(f"Task {number} ({draft.row.name}): the id {written_id} could not be used, so it got {number}.")
        else:
            number = written_id
        new_ids.append(number)
        taken_ids.add(number)
    return new_ids


def map_references(value: Any, new_id: Callable[[int], int]) -> Any:
    """Replace the task id of every reference in a value by what `new_id` gives for it."""
    if isinstance(value, str):
        return "".join(str(Reference(new_id(p.task_id))) if isinstance(p, Reference) else p for p in split_references(value))
    if isinstance(value, list | tuple):
        return [map_references(item, new_id) if isinstance(item, str) else item for item in value]
    return value


def can_make(row: TaskType, kind: Kind) -> bool:
    """Tell whether a task makes something that can be used as `kind`."""
    return any(is_usable_as(output, kind) for output in (*row.outputs, *row.optional_outputs))


def quote_value(value: Any) -> str:
    """Format a value as messages quote it: on one line, cut short."""
    text = " ".join(make_printable(value).split())  # it ends up in a one-line message, and a model wrote it
    return f"“{text[:_MAX_QUOTED_CHARS]}…”" if len(text) > _MAX_QUOTED_CHARS else f"“{text}”"
