"""From whatever a controller wrote to a valid plan: repaired with a note, or refused with one sentence.

Pure functions over plain data. Every repair is one of the mistakes that language models really make: a task's
number where its id belongs, a reference to the task itself (the paper's own figure 4 has one), one id twice
(figures 8), a missing, wrong or circular ``dep``. Getting the objects out of a reply is in ``reply.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hugginggpt.circles import break_circles
from hugginggpt.errors import PlanError
from hugginggpt.plan import NO_DEPENDENCY, Argument, Plan, Reference, Task, references, split_references
from hugginggpt.reply import lowered, read_tasks
from hugginggpt.resources import Resource
from hugginggpt.tasks import MEDIA_KINDS, Kind, TaskInput, TaskTable, TaskType, serves

__all__ = ["make_plan", "read_tasks"]

_MAX_SHOWN = 60
_SEPARATORS = re.compile(r"[\s,;]+|\band\b")
_NAME = re.compile(r"[\w-]*\w[.-]\w+")  # image-1, cat.jpg


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task under repair."""

    row: TaskType
    id: int
    written_id: int | None
    dep: tuple[int, ...]
    args: Mapping[str, Any]

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"Task {self.id} ({self.row.name})"


def make_plan(raw: Sequence[Any], table: TaskTable, resources: Sequence[Resource] = (), *, max_tasks: int = 2_000) -> Plan:
    """A valid plan from task objects in the paper's form.

    Args:
        raw: What the controller returned, one object per task.
        table: The task types there are.
        resources: What the request came with; an argument left out is filled in when only one can be meant.
        max_tasks: The longest plan that is taken.

    Raises:
        PlanError: One sentence that names the task and the field.
    """
    if len(raw) > max_tasks:
        raise PlanError(f"The plan has {len(raw):,} tasks; {max_tasks:,} is the limit.")
    notes: list[str] = []
    drafts = _renumber([_draft(item, position, table, notes) for position, item in enumerate(raw)], notes)
    rows = {draft.id: draft.row for draft in drafts}
    tasks: list[Task] = []
    for draft in drafts:
        tasks.append(_finish(draft, rows, tasks, resources, notes))
    return Plan(break_circles(tasks, notes), tuple(dict.fromkeys(notes)))


def _draft(item: Any, position: int, table: TaskTable, notes: list[str]) -> _Draft:
    if not isinstance(item, Mapping):
        raise PlanError(f"Task {position}: it is {_shown(item)}, not an object with task, id, dep and args.")
    item = lowered(item)
    written_id = _integer(item.get("id"))
    label = position if written_id is None else written_id
    written = item.get("task")
    if not isinstance(written, str) or not written.strip():
        raise PlanError(f"Task {label}: the field task is missing.")
    name = table.recognise(written)
    if name is None:
        raise PlanError(f"Task {label}: the field task names {_shown(written)}, which is no task known here.")
    if name != written:
        notes.append(f"Task {label}: {_shown(written)} was read as {name}.")
    row = table[name]
    args = _arguments(item.get("args"), row, f"Task {label} ({name})", notes)
    return _Draft(row, position, written_id, tuple(_integers(item.get("dep"))), args)


def _integer(value: Any) -> int | None:
    """An id however it is written: 1, "1", "T1", 1.0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if value == value and abs(value) < 1e9 else None
    if not isinstance(value, str):
        return None
    # in "task-1" the hyphen is no minus
    digits = re.search(r"^\s*-?\d{1,9}|\d{1,9}", value)
    return int(digits[0]) if digits else None


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        values = [part for part in _SEPARATORS.split(value.strip("[] ")) if part]
    return [number for item in values if (number := _integer(item)) is not None]


def _arguments(value: Any, row: TaskType, where: str, notes: list[str]) -> dict[str, Any]:
    """The arguments under the names that the task type gives them."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and len(row.required) == 1:
        value = {row.required[0].name: value}
    if value is None or value in ("", [], ()):
        value = {}
    if not isinstance(value, Mapping):
        raise PlanError(f"{where}: the field args is {_shown(value)}, not an object.")
    aliases = {_argument_key(alias): name for alias, name in (row.argument_aliases or {}).items()}
    found: dict[str, Any] = {}
    given = [(_argument_key(name), _bare(item)) for name, item in value.items()]
    # a word may be one argument's name and another's alias ({question: text}): what is called by its name comes first
    for key, item in sorted(given, key=lambda pair: row.input(pair[0]) is None):
        if item is None or (isinstance(item, int) and item == NO_DEPENDENCY):
            continue
        known = key if row.input(key) else aliases.get(key)
        if known is None or known in found:
            notes.append(f"{where}: the argument {_shown(key)} is not used.")
            continue
        found[known] = item
    return found


def _argument_key(name: Any) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower()) if isinstance(name, str) else _shown(name)


def _bare(value: Any) -> Any:
    """A value without what stands around it: ``{"resource": "image-1"}``, blanks; None when nothing is left."""
    if isinstance(value, Mapping) and len(value) == 1:
        inner = next(iter(value.values()))
        value = inner if isinstance(inner, str) else value
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, list | tuple):
        value = [item for item in value if item is not None and not (isinstance(item, str) and not item.strip())]
    return None if isinstance(value, str | list | Mapping) and not value else value


def _renumber(drafts: list[_Draft], notes: list[str]) -> list[_Draft]:
    """Give each task an id of its own and point what refers to an id at the task that is meant by it.

    Where two tasks carry one id, a reference means the nearest one before it that makes the kind it wants.
    """
    final = _unique_ids(drafts, notes)
    by_written: dict[int, list[int]] = {}
    for position, draft in enumerate(drafts):
        by_written.setdefault(final[position] if draft.written_id is None else draft.written_id, []).append(position)
    if all(by_written.get(number) == [position] for position, number in enumerate(final)):
        return [replace(draft, id=number) for draft, number in zip(drafts, final, strict=True)]

    def meant(written: int, position: int, kind: Kind | None) -> int:
        others = [p for p in by_written.get(written, []) if p != position]
        fitting = [p for p in others if kind is None or _makes(drafts[p].row, kind)] or others
        before = [p for p in fitting if p < position]
        return final[before[-1]] if before else final[fitting[0]] if fitting else written

    renumbered = []
    for position, draft in enumerate(drafts):
        args = {}
        for name, value in draft.args.items():
            wanted = draft.row.input(name)
            kind = wanted.kind if wanted else None
            args[name] = _map_references(value, partial(meant, position=position, kind=kind))
        dep = tuple(meant(n, position, None) if n >= 0 else n for n in draft.dep)
        renumbered.append(replace(draft, id=final[position], dep=dep, args=args))
    return renumbered


def _unique_ids(drafts: list[_Draft], notes: list[str]) -> list[int]:
    written = {draft.written_id for draft in drafts}
    free = (n for n in range(2 * len(drafts) + 1) if n not in written)
    final: list[int] = []
    used: set[int] = set()
    for draft in drafts:
        wanted = draft.written_id
        if wanted is None or wanted < 0 or wanted in used:
            number = next(free)
            if wanted is not None:
                notes.append(f"Task {number} ({draft.row.name}): the id {wanted} could not be used, so it got {number}.")
        else:
            number = wanted
        final.append(number)
        used.add(number)
    return final


def _map_references(value: Any, new_id: Callable[[int], int]) -> Any:
    if isinstance(value, str):
        return "".join(str(Reference(new_id(p.task_id))) if isinstance(p, Reference) else p for p in split_references(value))
    if isinstance(value, list | tuple):
        return [_map_references(item, new_id) if isinstance(item, str) else item for item in value]
    return value


def _finish(
    draft: _Draft,
    rows: Mapping[int, TaskType],
    before: Sequence[Task],
    resources: Sequence[Resource],
    notes: list[str],
) -> Task:
    dep = _known_dependencies(draft, rows, notes)
    args: dict[str, Argument] = {}
    for wanted in draft.row.inputs:
        if wanted.name in draft.args:
            value = _value(draft.args[wanted.name], wanted, draft.where)
            args[wanted.name] = _checked_references(value, draft, wanted, dep, rows, notes)
    for wanted in draft.row.required:
        if wanted.name in args:
            continue
        filled = _fill(wanted, args, dep, rows, before, resources)
        if filled is None:
            raise PlanError(f"{draft.where}: the argument {wanted.name} is missing, and no {wanted.kind.value} was given.")
        args[wanted.name] = filled
        notes.append(f"{draft.where}: {wanted.name} was missing; {filled} is the only one that can be meant.")
    task = Task(draft.row.name, draft.id, dep, args)
    if missing := [r.task_id for r in task.references if r.task_id not in dep]:
        if draft.dep:
            notes.append(f"{draft.where}: dep lacked {', '.join(map(str, missing))}.")
        task = replace(task, dep=(*dep, *missing))
    return task


def _known_dependencies(draft: _Draft, rows: Mapping[int, TaskType], notes: list[str]) -> tuple[int, ...]:
    wrong = [n for n in draft.dep if n >= 0 and (n not in rows or n == draft.id)]
    if wrong:
        what = "itself" if wrong == [draft.id] else "a task that is not in the plan"
        notes.append(f"{draft.where}: dep named {what}; that was dropped.")
    return tuple(dict.fromkeys(n for n in draft.dep if n in rows and n != draft.id))


def _value(value: Any, wanted: TaskInput, where: str) -> Argument:
    """An argument as text, or as the names of resources."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        what = "an object" if isinstance(value, Mapping) else _shown(value)
        raise PlanError(f"{where}: the argument {wanted.name} is {what}, not a text or a resource.")
    texts = [_as_text(item, wanted) for item in items]
    if wanted.kind not in MEDIA_KINDS:
        return ", ".join(texts)
    names = [name for text in texts for name in _names(text)]
    if not names:
        raise PlanError(f"{where}: the argument {wanted.name} is empty.")
    return names[0] if len(names) == 1 else tuple(names)


def _as_text(item: str | float, wanted: TaskInput) -> str:
    text = _plain(item).strip()
    # a number where a resource belongs is a task's id
    if wanted.kind in MEDIA_KINDS and not isinstance(item, bool) and re.fullmatch(r"\d{1,9}", text):
        return str(Reference(int(text)))
    return "".join(str(part) if isinstance(part, Reference) else part for part in split_references(text))


def _names(text: str) -> list[str]:
    """The resources that one media argument names; commas belong to a URL, not between two names."""
    if not references(text):
        several = [part for part in _SEPARATORS.split(text) if part]
        return several if "://" not in text and all(_NAME.fullmatch(part) for part in several) else [text]
    names: list[str] = []
    for part in split_references(text):
        if isinstance(part, Reference):
            names.append(str(part))
        else:
            names += [name for name in _SEPARATORS.split(part) if re.search(r"\w[.-]\w", name)]
    return names


def _makes(row: TaskType, kind: Kind) -> bool:
    return any(serves(made, kind) for made in row.outputs)


def _checked_references(
    value: Argument,
    draft: _Draft,
    wanted: TaskInput,
    dep: tuple[int, ...],
    rows: Mapping[int, TaskType],
    notes: list[str],
) -> Argument:
    """Every reference points at another task of the plan that makes the kind that is wanted."""
    replacements: dict[int, int] = {}
    for reference in references(value):
        target = reference.task_id
        if target in rows and target != draft.id and _makes(rows[target], wanted.kind):
            continue
        # the only thing it waits for that makes the right kind is what must have been meant
        meant = [n for n in dep if _makes(rows[n], wanted.kind)]
        if len(meant) == 1:
            replacements[target] = meant[0]
            notes.append(f"{draft.where}: {wanted.name} named the result of task {target}; task {meant[0]} is meant.")
        elif target == draft.id:
            raise PlanError(f"{draft.where}: the argument {wanted.name} refers to the task itself.")
        elif target not in rows:
            raise PlanError(f"{draft.where}: the argument {wanted.name} refers to task {target}, which is not in the plan.")
        else:
            made = " and ".join(kind.value for kind in rows[target].outputs)
            raise PlanError(
                f"{draft.where}: the argument {wanted.name} wants {wanted.kind.value}, but task {target} "
                f"({rows[target].name}) makes {made}."
            )
    if not replacements:
        return value
    mapped = _map_references(value, lambda n: replacements.get(n, n))
    return mapped if isinstance(mapped, str) else tuple(dict.fromkeys(mapped))


def _fill(
    wanted: TaskInput,
    args: Mapping[str, Argument],
    dep: Sequence[int],
    rows: Mapping[int, TaskType],
    before: Sequence[Task],
    resources: Sequence[Resource],
) -> str | None:
    """What an argument that was left out must mean, if only one thing can be meant.

    What the task waits for comes first, then what the request came with, then what earlier tasks make. What
    another argument of the task holds already is not meant.
    """

    def sources() -> Iterator[list[str]]:
        yield [str(Reference(n)) for n in dep if _makes(rows[n], wanted.kind)]
        yield [resource.name for resource in resources if resource.kind is wanted.kind]
        yield [resource.name for resource in resources if serves(resource.kind, wanted.kind)]
        yield [str(Reference(task.id)) for task in before if _makes(rows[task.id], wanted.kind)]

    taken = {name for value in args.values() for name in ((value,) if isinstance(value, str) else value)}
    for names in sources():
        if names := [name for name in names if name not in taken]:
            return names[0] if len(names) == 1 else None
    return None


def _shown(value: Any) -> str:
    text = " ".join(_plain(value).split())
    return f"“{text[:_MAX_SHOWN]}…”" if len(text) > _MAX_SHOWN else f"“{text}”"


def _plain(value: Any) -> str:
    """Any value as a text that can be printed: half a surrogate pair becomes a question mark."""
    try:
        text = str(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        return f"a {type(value).__name__} that is too long"
    return text.encode("utf-8", "replace").decode()
