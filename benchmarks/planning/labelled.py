"""Reads our own sets: YAML lists with the right plans in the paper's form, or with the right sequences of tasks alone.

``{id, request, files: [{name, kind, text?}], earlier: [{request, made: [{name, kind, text?}]}], plan: [...], or: [[...]]}``:
every task of ``plan``, and of each further right plan in ``or``, as ``{"task", "id", "dep", "args"}``. An empty plan says
that nothing is to be run. ``{request, files, accept: [[task, ...], ...]}`` is the older form. Files are called image-1,
image-2, audio-1 in their order; what earlier requests left takes the first numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.planning.items import BenchmarkError, Data, Graph, Item, Naming, graph_of
from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Plan
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.planning.repair import make_plan

_RESOURCE: Final = re.compile(rf"(?:{'|'.join(Kind)})-\d+")


def read_labelled(path: Path) -> Data:
    """All requests of a file.

    Raises:
        BenchmarkError: It is not in that form; no word of a request is quoted, for some sets are not to be read.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise BenchmarkError(f"{path.name} is not YAML{where}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BenchmarkError(f"{path.name} is not a list of requests.")
    items: list[Item] = []
    for number, row in enumerate(rows, start=1):
        where = f"{path.name}, request {row.get('id', number)}"
        try:
            items.append(_item(row, where))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else "a field is not what it should be"
            raise BenchmarkError(f"{where}: {what}.") from error
    ids = [item.id for item in items]
    if twice := next((name for name in ids if ids.count(name) > 1), ""):
        raise BenchmarkError(f"{path.name} has two requests called {twice}.")
    return Data(path.name, "own", tuple(items))


def _item(row: Mapping[str, Any], where: str) -> Item:
    request, naming = str(row["request"]), Naming()
    turns = tuple(
        Turn(str(turn["request"]), str(turn.get("answer", "")), _resources(turn.get("made"), naming))
        for turn in row.get("earlier") or ()
    )
    attached = _resources(row.get("files"), naming)
    known = (*(resource for turn in turns for resource in turn.resources), *attached)
    if "accept" in row:
        right = tuple(Graph(tuple(tasks)) for tasks in row["accept"])
    else:
        right = tuple(_right(plan, attached, known, where) for plan in (row["plan"], *(row.get("or") or ())))
    name = str(row.get("id") or hashlib.sha256(request.encode()).hexdigest()[:8])
    return Item(name, request, attached, turns, right, right[0].shape)


def _resources(rows: Sequence[Mapping[str, str]] | None, naming: Naming) -> tuple[Resource, ...]:
    return tuple(naming.resource(Kind(row["kind"]), _origin(row["name"]), row.get("text")) for row in rows or ())


def _origin(name: str) -> Origin:
    """A result is labelled with the task that made it, as a session labels it; anything else is a person's file."""
    return Origin("task" if name in load_task_table() else "upload", name)


def _right(plan: Sequence[Any], attached: Sequence[Resource], known: Sequence[Resource], where: str) -> Graph:
    try:
        made = make_plan(plan or (), load_task_table(), attached)
    except PlanError as error:
        raise BenchmarkError(f"{where}: its right plan is refused. {error}") from error
    if missing := _named(made) - {resource.name for resource in known}:
        raise BenchmarkError(f"{where}: its right plan names {min(missing)}, which it doesn't have.")
    return graph_of(made, known)


def _named(plan: Plan) -> set[str]:
    """The resources that a plan names, whether there are any such or not."""
    values = [value for task in plan.tasks for value in task.args.values()]
    names = [name for value in values for name in ((value,) if isinstance(value, str) else value)]
    return {name for name in names if _RESOURCE.fullmatch(name)}
