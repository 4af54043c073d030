"""From whatever a controller wrote to a valid plan: repaired with a note, or refused with one sentence.

Pure functions over plain data. Every repair is one of the mistakes that language models really make: prose and
fences around the JSON, a task's number where its id belongs, a reference to the task itself (the paper's own
figure 4 has one), one id twice (figures 8), a missing, wrong or circular ``dep``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import json_repair

from hugginggpt.errors import PlanError
from hugginggpt.plan import Argument, Plan, Reference, Task, references, split_references
from hugginggpt.resources import Resource
from hugginggpt.tasks import MEDIA_KINDS, Kind, TaskInput, TaskTable, TaskType

_MAX_SHOWN = 60
_SEPARATORS = re.compile(r"[\s,;]+|\band\b")


def read_tasks(text: str) -> list[Any]:
    """The task objects in a controller's reply, whatever stands around them; [] when it holds none.

    Reads a list, a single object, an object that wraps the list under any key, several JSON blocks, fences,
    prose, trailing commas, single quotes and a cut-off end.
    """
    start = min((i for i in (text.find("["), text.find("{")) if i >= 0), default=None)
    if start is None:
        return []
    # a bracket in prose ("[sic]") may come first: begin with the list or object that opens a task
    opening = re.search(r"\[\s*\{|\[\s*\]|\{\s*[\"'“]?\w", text)
    return _task_objects(json_repair.loads(text[opening.start() if opening else start :]))


def _task_objects(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if "task" in value:
            return [value]
        return next((found for inner in value.values() if (found := _task_objects(inner))), [])
    if isinstance(value, list):
        nested = [found for item in value if isinstance(item, list) for found in _task_objects(item)]
        return [item for item in value if isinstance(item, dict) and item] + nested
    return []


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task under repair."""

    row: TaskType
    id: int
    written_id: int | None
    dep: tuple[int, ...]
    args: Mapping[str, Any]


def make_plan(
    raw: Sequence[Any], table: TaskTable, resources: Sequence[Resource] = (), *, max_tasks: int = 2_000
) -> Plan:
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
    tasks = [_finish(draft, rows, resources, notes) for draft in drafts]
    return Plan(_acyclic(tasks, notes), tuple(dict.fromkeys(notes)))


def _draft(item: Any, position: int, table: TaskTable, notes: list[str]) -> _Draft:
    if not isinstance(item, Mapping):
        raise PlanError(f"Task {position}: it is {_shown(item)}, not an object with task, id, dep and args.")
    written = item.get("task")
    if not isinstance(written, str) or not written.strip():
        raise PlanError(f"Task {position}: the field task is missing.")
    name = table.recognise(written)
    if name is None:
        raise PlanError(f"Task {position}: the field task names {_shown(written)}, which is no task known here.")
    if name != written:
        notes.append(f"Task {position}: {_shown(written)} was read as {name}.")
    return _Draft(
        row=table[name],
        id=position,
        written_id=_integer(item.get("id")),
        dep=tuple(_integers(item.get("dep"))),
        args=_arguments(item.get("args"), table[name], position, notes),
    )


def _integer(value: Any) -> int | None:
    """An id however it is written: 1, "1", "T1", 1.0."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if value == value and abs(value) < 1e9 else None
    digits = re.search(r"-?\d{1,9}", str(value))
    return int(digits[0].lstrip("-") if not str(value).strip().startswith("-") else digits[0]) if digits else None


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        values = [part for part in _SEPARATORS.split(value.strip("[] ")) if part]
    return [number for item in values if (number := _integer(item)) is not None]


def _arguments(value: Any, row: TaskType, position: int, notes: list[str]) -> dict[str, Any]:
    """The arguments under the names that the task type gives them."""
    if isinstance(value, str) and len(row.required) == 1:
        value = {row.required[0].name: value}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise PlanError(f"Task {position} ({row.name}): the field args is {_shown(value)}, not an object.")
    aliases = row.argument_aliases or {}
    found: dict[str, Any] = {}
    for name, given in value.items():
        key = str(name).strip().lower()
        if given is None or given in ("", [], {}):
            continue
        # "text" may be an alias ({question: text}) and a true name at once: the true name wins
        known = key if row.input(key) and key not in found else aliases.get(key)
        if known is None or (known in found and key in aliases):
            notes.append(f"Task {position} ({row.name}): the argument {_shown(key)} is not used.")
            continue
        found[known] = given
    return found


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
        fitting = [p for p in others if kind is None or kind in drafts[p].row.outputs] or others
        before = [p for p in fitting if p < position]
        return final[before[-1]] if before else final[fitting[0]] if fitting else written

    renumbered = []
    for position, draft in enumerate(drafts):
        args = {}
        for name, value in draft.args.items():
            wanted = draft.row.input(name)
            kind = wanted.kind if wanted else None
            args[name] = _map_references(value, lambda n, p=position, k=kind: meant(n, p, k))
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
                notes.append(
                    f"Task {number} ({draft.row.name}): the id {wanted} could not be used, so it got {number}."
                )
        else:
            number = wanted
        final.append(number)
        used.add(number)
    return final


def _map_references(value: Any, new_id: Any) -> Any:
    if isinstance(value, str):
        return "".join(
            str(Reference(new_id(p.task_id))) if isinstance(p, Reference) else p for p in split_references(value)
        )
    if isinstance(value, list | tuple):
        return [_map_references(item, new_id) for item in value]
    return value


def _finish(draft: _Draft, rows: Mapping[int, TaskType], resources: Sequence[Resource], notes: list[str]) -> Task:
    dep = _known_dependencies(draft, rows, notes)
    args: dict[str, Argument] = {}
    for wanted in draft.row.inputs:
        where = f"Task {draft.id} ({draft.row.name})"
        if wanted.name in draft.args:
            value = _value(draft.args[wanted.name], wanted, where)
            args[wanted.name] = _checked_references(value, draft, wanted, dep, rows, notes)
        elif wanted.required and (filled := _fill(wanted, dep, rows, resources)):
            args[wanted.name] = filled
            notes.append(f"{where}: {wanted.name} was missing; {filled} is the only one that can be meant.")
        elif wanted.required:
            raise PlanError(f"{where}: the argument {wanted.name} is missing, and no {wanted.kind.value} was given.")
    task = Task(draft.row.name, draft.id, dep, args)
    referred = tuple(r.task_id for r in task.references)
    if missing := [n for n in referred if n not in dep]:
        if draft.dep:
            notes.append(f"Task {draft.id} ({draft.row.name}): dep lacked {', '.join(map(str, missing))}.")
        task = replace(task, dep=tuple(dict.fromkeys((*dep, *missing))))
    return task


def _known_dependencies(draft: _Draft, rows: Mapping[int, TaskType], notes: list[str]) -> tuple[int, ...]:
    wrong = [n for n in draft.dep if n >= 0 and (n not in rows or n == draft.id)]
    if wrong:
        what = "itself" if wrong == [draft.id] else "a task that is not in the plan"
        notes.append(f"Task {draft.id} ({draft.row.name}): dep named {what}; that was dropped.")
    return tuple(dict.fromkeys(n for n in draft.dep if n in rows and n != draft.id))


def _value(value: Any, wanted: TaskInput, where: str) -> Argument:
    """An argument as text, or as the names of resources."""
    if isinstance(value, Mapping):
        inner = [v for v in value.values() if isinstance(v, str)]
        if len(value) != 1 or not inner:
            raise PlanError(f"{where}: the argument {wanted.name} is an object, not a text or a resource.")
        value = inner[0]
    items = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(item, Mapping | list | tuple) for item in items):
        raise PlanError(f"{where}: the argument {wanted.name} is {_shown(value)}, not a text or a resource.")
    texts = [_as_text(item, wanted) for item in items]
    if wanted.kind not in MEDIA_KINDS:
        return ", ".join(texts)
    names = [name for text in texts for name in _names(text)]
    if not names:
        raise PlanError(f"{where}: the argument {wanted.name} is empty.")
    return names[0] if len(names) == 1 else tuple(names)


def _as_text(item: Any, wanted: TaskInput) -> str:
    # an int where a resource belongs is a task's id
    if isinstance(item, int) and not isinstance(item, bool) and wanted.kind in MEDIA_KINDS:
        return str(Reference(item))
    text = str(item).strip()
    return "".join(str(part) if isinstance(part, Reference) else part for part in split_references(text))


def _names(text: str) -> list[str]:
    """The resources that one media argument names; commas belong to a URL, not between two names."""
    if not references(text):
        return [text]
    names: list[str] = []
    for part in split_references(text):
        if isinstance(part, Reference):
            names.append(str(part))
        else:
            names += [name for name in _SEPARATORS.split(part) if re.search(r"\w[.-]\w", name)]
    return names


def _checked_references(
    value: Argument,
    draft: _Draft,
    wanted: TaskInput,
    dep: tuple[int, ...],
    rows: Mapping[int, TaskType],
    notes: list[str],
) -> Argument:
    """Every reference points at another task of the plan that makes the kind that is wanted."""
    where = f"Task {draft.id} ({draft.row.name})"
    replacements: dict[int, int] = {}
    for reference in references(value):
        target = reference.task_id
        if target in rows and target != draft.id and wanted.kind in rows[target].outputs:
            continue
        # the only thing it waits for that makes the right kind is what must have been meant
        meant = [n for n in dep if wanted.kind in rows[n].outputs]
        if len(meant) == 1:
            replacements[target] = meant[0]
            notes.append(f"{where}: {wanted.name} named the result of task {target}; task {meant[0]} is meant.")
        elif target == draft.id:
            raise PlanError(f"{where}: the argument {wanted.name} refers to the task itself.")
        elif target not in rows:
            raise PlanError(f"{where}: the argument {wanted.name} refers to task {target}, which is not in the plan.")
        else:
            made = " and ".join(kind.value for kind in rows[target].outputs)
            raise PlanError(
                f"{where}: the argument {wanted.name} wants {wanted.kind.value}, but task {target} "
                f"({rows[target].name}) makes {made}."
            )
    if not replacements:
        return value
    mapped = _map_references(value, lambda n: replacements.get(n, n))
    return mapped if isinstance(mapped, str) else tuple(mapped)


def _fill(
    wanted: TaskInput, dep: Iterable[int], rows: Mapping[int, TaskType], resources: Sequence[Resource]
) -> str | None:
    """What an argument that was left out must mean, if only one thing can be meant."""
    made = [n for n in dep if wanted.kind in rows[n].outputs]
    if len(made) == 1:
        return str(Reference(made[0]))
    given = [resource for resource in resources if resource.kind is wanted.kind]
    return given[0].name if len(given) == 1 and not made else None


def _acyclic(tasks: list[Task], notes: list[str]) -> tuple[Task, ...]:
    """Drop a ``dep`` that closes a circle and that no argument needs; refuse a circle of references."""
    while True:
        try:
            TopologicalSorter({task.id: task.dep for task in tasks}).prepare()
            return tuple(tasks)
        except CycleError as error:
            circle = set(error.args[1])
            for position, task in enumerate(tasks):
                needed = {r.task_id for r in task.references}
                idle = [n for n in task.dep if n in circle and n not in needed]
                if task.id in circle and idle:
                    tasks[position] = replace(task, dep=tuple(n for n in task.dep if n not in idle))
                    notes.append(f"Task {task.id} ({task.task}): dep ran in a circle with {idle[0]}; that was dropped.")
                    break
            else:
                first = next(task for task in tasks if task.id in circle)
                others = ", ".join(str(n) for n in sorted(circle - {first.id}))
                raise PlanError(
                    f"Task {first.id} ({first.task}): its dep runs in a circle with task {others}, so none can start."
                ) from error


def _shown(value: Any) -> str:
    text = str(value)
    return f"“{text[:_MAX_SHOWN]}…”" if len(text) > _MAX_SHOWN else f"“{text}”"
