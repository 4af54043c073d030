"""Repair of a controller's plan: with a note for each change, or a refusal in one sentence.

Pure functions over plain data. Every repair is one of the mistakes that language models really make: a task's
number where its id belongs, a reference to the task itself (the paper's own figure 4 has one), one id twice
(figure 8), a missing, wrong or circular ``dep``. ``json_reply.py`` gets the objects out of a reply, ``normalize.py`` reads
each by itself, this file holds them against each other, ``cycles.py`` opens circles.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Argument, Plan, Reference, Task, find_references, split_references
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import MEDIA_KINDS, TaskInput, TaskTable, TaskType, is_usable_as
from hugginggpt.core.text import make_printable
from hugginggpt.planning.cycles import break_cycles
from hugginggpt.planning.normalize import SEPARATORS, TaskDraft, can_make, map_references, quote_value, read_drafts

_TEXT_NAME = re.compile(r"(?:text|table)-\d+")
_MAX_NAMES = 1_000
"""Most values of one argument: each is a call of its own, and is looked up among the plan's tasks."""
_NAME = re.compile(r"[\w-]*\w[.-]\w+")  # image-1, cat.jpg; a plain word is none: "cat and dog" may be one name


def make_plan(raw: Sequence[Any], table: TaskTable, resources: Sequence[Resource] = (), *, max_tasks: int = 2_000) -> Plan:
    """Return a valid plan from task objects in the paper's form.

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
    drafts = read_drafts(raw, table, notes)
    rows = {draft.id: draft.row for draft in drafts}
    tasks: list[Task] = []
    for draft in drafts:
        tasks.append(finish_task(draft, rows, tasks, resources, notes))
    return Plan(break_cycles(tasks, notes), tuple(dict.fromkeys(notes)))


def finish_task(
    draft: TaskDraft, rows: Mapping[int, TaskType], before: Sequence[Task], resources: Sequence[Resource], notes: list[str]
) -> Task:
    """Return one task of a plan, checked against the others.

    Args:
        draft: What was written.
        rows: The task types of all tasks of the plan, by id.
        before: The tasks that stand before it.
        resources: What the request came with.
        notes: What had to be repaired is added.

    Raises:
        PlanError: It can't be repaired.
    """
    dep = _filter_dependencies(draft, rows, notes)
    args: dict[str, Argument] = {}
    for task_input in draft.row.inputs:
        if task_input.name in draft.args:
            value = _read_value(draft.args[task_input.name], task_input, draft.label)
            args[task_input.name] = _check_references(value, draft, task_input, dep, rows, resources, notes)
    for required in draft.row.required:  # after all that was written: what is taken already is not inferred once more
        if required.name in args:
            continue
        inferred = _infer_argument(required, args, dep, rows, before, resources)
        if inferred is None:
            raise PlanError(f"{draft.label}: the argument {required.name} is missing, and no {required.kind.value} was given.")
        args[required.name] = inferred
        notes.append(f"{draft.label}: {required.name} was missing; {inferred} is the only one that can be meant.")
    task = Task(draft.row.name, draft.id, dep, args)
    if missing := [r.task_id for r in task.references if r.task_id not in dep]:
        if draft.dep:  # a model that writes no dep at all makes no mistake worth a note
            notes.append(f"{draft.label}: dep lacked {', '.join(map(str, missing))}.")
        task = replace(task, dep=(*dep, *missing))
    return task


def _filter_dependencies(draft: TaskDraft, rows: Mapping[int, TaskType], notes: list[str]) -> tuple[int, ...]:
    wrong = [n for n in draft.dep if n >= 0 and (n not in rows or n == draft.id)]  # a negative one means "none"
    if wrong:
        what = "itself" if wrong == [draft.id] else "a task that is not in the plan"
        notes.append(f"{draft.label}: dep named {what}; that was dropped.")
    return tuple(dict.fromkeys(n for n in draft.dep if n in rows and n != draft.id))


def _read_value(value: Any, task_input: TaskInput, label: str) -> Argument:
    """Read an argument as text, or as the names of resources."""
    items = value if isinstance(value, list) else [value]
    _check_count(len(items), task_input, label)
    if not all(isinstance(item, str | int | float) for item in items):
        what = "an object" if isinstance(value, Mapping) else quote_value(value)
        raise PlanError(f"{label}: the argument {task_input.name} is {what}, not a text or a resource.")
    texts = [_format_item(item, task_input) for item in items]
    if task_input.kind not in MEDIA_KINDS:
        several = [name for text in texts for name in SEPARATORS.split(text) if name]
        if len(several) > 1 and all(_TEXT_NAME.fullmatch(name) for name in several):
            _check_count(len(several), task_input, label)
            return tuple(several)  # a task that joins texts takes several
        return ", ".join(texts)
    names = [name for text in texts for name in _split_names(text)]
    if not names:
        raise PlanError(f"{label}: the argument {task_input.name} is empty.")
    _check_count(len(names), task_input, label)
    return names[0] if len(names) == 1 else tuple(names)


def _check_count(count: int, task_input: TaskInput, label: str) -> None:
    if count > _MAX_NAMES:
        raise PlanError(f"{label}: the argument {task_input.name} has {count:,} values; {_MAX_NAMES:,} is the limit.")


def _format_item(item: str | float, task_input: TaskInput) -> str:
    text = make_printable(item).strip()
    # a number where a resource belongs is a task's id
    if task_input.kind in MEDIA_KINDS and not isinstance(item, bool) and re.fullmatch(r"\d{1,9}", text):
        return str(Reference(int(text)))
    return "".join(str(part) if isinstance(part, Reference) else part for part in split_references(text))


def _split_names(text: str) -> list[str]:
    """Split a media argument into the resources that it names; commas in a URL separate no names."""
    if not find_references(text):
        several = [part for part in SEPARATORS.split(text) if part]
        return several if "://" not in text and all(_NAME.fullmatch(part) for part in several) else [text]
    names: list[str] = []
    for part in split_references(text):
        if isinstance(part, Reference):
            names.append(str(part))
        else:
            names += [name for name in SEPARATORS.split(part) if re.search(r"\w[.-]\w", name)]  # not words between references
    return names


def _check_references(
    value: Argument,
    draft: TaskDraft,
    task_input: TaskInput,
    dep: tuple[int, ...],
    rows: Mapping[int, TaskType],
    resources: Sequence[Resource],
    notes: list[str],
) -> Argument:
    """Check that every reference points at another task of the plan that makes the required kind; repair those that don't."""
    replacements: dict[int, int] = {}
    names: dict[str, str] = {}
    for reference in find_references(value):
        target = reference.task_id
        if target in rows and target != draft.id and can_make(rows[target], task_input.kind):
            continue
        # the only thing it waits for that makes the right kind is what must have been meant
        meant = [n for n in dep if can_make(rows[n], task_input.kind)]
        if len(meant) == 1:
            replacements[target] = meant[0]
            notes.append(f"{draft.label}: {task_input.name} named the result of task {target}; task {meant[0]} is meant.")
        elif name := _guess_file(target, task_input, resources):
            names[str(reference)] = name
            notes.append(f"{draft.label}: {task_input.name} named the result of task {target}; {name} is meant.")
        elif target == draft.id:
            raise PlanError(f"{draft.label}: the argument {task_input.name} refers to the task itself.")
        elif target not in rows:
            raise PlanError(f"{draft.label}: the argument {task_input.name} refers to task {target}, which is not in the plan.")
        else:
            kinds = " and ".join(kind.value for kind in rows[target].outputs)
            raise PlanError(
                f"{draft.label}: the argument {task_input.name} wants {task_input.kind.value}, but task {target} "
                f"({rows[target].name}) makes {kinds}."
            )
    if names:
        value = names.get(value, value) if isinstance(value, str) else tuple(names.get(name, name) for name in value)
    mapped = map_references(value, lambda n: replacements.get(n, n)) if replacements else value
    if isinstance(mapped, str):
        return mapped
    references = tuple(dict.fromkeys(mapped)) if replacements or names else tuple(mapped)
    return references[0] if len(references) == 1 else references


def _guess_file(number: int, task_input: TaskInput, resources: Sequence[Resource]) -> str:
    """Return the file that a reference to no task must mean (models write <resource>-1 for image-1); empty where unclear."""
    if task_input.kind not in MEDIA_KINDS:
        return ""
    fitting = [resource.name for resource in resources if is_usable_as(resource.kind, task_input.kind)]
    named = [name for name in fitting if name.rpartition("-")[2] == str(number)]
    return named[0] if len(named) == 1 else fitting[0] if len(fitting) == 1 else ""


def _infer_argument(
    task_input: TaskInput,
    args: Mapping[str, Argument],
    dep: Sequence[int],
    rows: Mapping[int, TaskType],
    before: Sequence[Task],
    resources: Sequence[Resource],
) -> str | None:
    """Infer an argument that was left out, if only one thing can be meant; else None.

    What the task waits for comes first, then what the request came with, then what earlier tasks make. What
    another argument of the task holds already is not meant.
    """

    def list_sources() -> Iterator[list[str]]:
        yield [str(Reference(n)) for n in dep if can_make(rows[n], task_input.kind)]
        yield [resource.name for resource in resources if resource.kind is task_input.kind]
        yield [resource.name for resource in resources if is_usable_as(resource.kind, task_input.kind)]
        yield [str(Reference(task.id)) for task in before if can_make(rows[task.id], task_input.kind)]

    used_elsewhere = {name for value in args.values() for name in ((value,) if isinstance(value, str) else value)}
    for names in list_sources():
        if names := [name for name in names if name not in used_elsewhere]:
            return names[0] if len(names) == 1 else None  # several: a guess would be wrong too often, so none is made
    return None
