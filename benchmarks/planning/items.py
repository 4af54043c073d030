"""What is asked, what is right, and a plan as the metrics see it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from hugginggpt.core.plan import Argument, Plan, split_references
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind

_QUOTES: Final = " \t\n'\"“”‘’`"


class BenchmarkError(Exception):
    """The benchmark can't go on; one sentence that says why and what to do."""


class Shape(StrEnum):
    """What a right plan looks like; TaskBench calls them node, chain and DAG."""

    SINGLE = "single"
    CHAIN = "chain"
    GRAPH = "graph"
    NONE = "none"
    """Nothing is to be run: the request is answered in words."""


Edge = tuple[str, str]
"""The task that makes something and the task that waits for it, by name."""

Filled = tuple[str, str, str]
"""Task, argument, value. The argument is empty where the data don't name it."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A plan as a graph of task names: TaskBench's tool invocation graph."""

    tasks: tuple[str, ...]
    """In the order in which they were written."""
    edges: tuple[Edge, ...] | None = None
    """None where the data don't tell."""
    arguments: tuple[Filled, ...] | None = None
    """None where the data don't tell."""

    @property
    def shape(self) -> Shape:
        """A chain is written in its order, each task after the one that it waits for; unknown edges make a chain too."""
        if len(self.tasks) < 2:
            return Shape.SINGLE if self.tasks else Shape.NONE
        links = Counter(zip(self.tasks, self.tasks[1:], strict=False))
        return Shape.CHAIN if self.edges is None or Counter(self.edges) == links else Shape.GRAPH


@dataclass(frozen=True, slots=True)
class Item:
    """One request and what is right for it."""

    id: str
    request: str
    attached: tuple[Resource, ...] = ()
    """What it came with."""
    turns: tuple[Turn, ...] = ()
    """Earlier requests of the session, the oldest first."""
    right: tuple[Graph, ...] = ()
    """The plans that are right, the most obvious first; empty where nobody has said."""
    shape: Shape | None = None
    """Which row of the table it counts for; None where it has no right plan."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All that a plan may name."""
        return (*(resource for turn in self.turns for resource in turn.resources), *self.attached)

    @property
    def digest(self) -> str:
        """Changes when the question does; a corrected right plan leaves it alone, and what was planned is scored anew."""
        asked = [self.request, *(turn.request for turn in self.turns)]
        given = [[resource.description, resource.text or ""] for resource in self.resources]
        return hashlib.sha256(json.dumps([asked, given]).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Data:
    """All requests of one file."""

    name: str
    """The file's name."""
    form: Literal["own", "taskbench"]
    items: tuple[Item, ...]
    unknown: Mapping[str, int] = field(default_factory=dict)
    """TaskBench's tools that no task of ours does, and how often the right plans use each."""

    @property
    def steps(self) -> int:
        """How many tasks the right plans have, all together."""
        return sum(len(item.right[0].tasks) for item in self.items if item.right)


class Naming:
    """Names resources as a session does: the kind and a number."""

    def __init__(self) -> None:
        self._count: Counter[Kind] = Counter()

    def resource(self, kind: Kind, origin: Origin, text: str | None = None) -> Resource:
        """The next resource of that kind."""
        self._count[kind] += 1
        return Resource(f"{kind.value}-{self._count[kind]}", kind, origin, text=text)


def graph_of(plan: Plan, resources: Sequence[Resource] = ()) -> Graph:
    """A plan without its ids: references become the names of the tasks that they refer to."""
    names = {task.id: task.task for task in plan.tasks}
    edges = tuple((names[n], task.task) for task in plan.tasks for n in task.dep)
    arguments = tuple(
        (task.task, name, normal(part, resources))
        for task in plan.tasks
        for name, value in task.args.items()
        for part in _parts(value, names)
    )
    return Graph(tuple(task.task for task in plan.tasks), edges, arguments)


def _parts(value: Argument, names: Mapping[int, str]) -> list[str]:
    values = (value,) if isinstance(value, str) else value
    return ["".join(p if isinstance(p, str) else f"<{names[p.task_id]}>" for p in split_references(v)) for v in values]


def normal(value: str, resources: Sequence[Resource] = ()) -> str:
    """A value as two people would write it alike: a file by its resource's name, no quotes around, one blank for many.

    >>> normal(" 'A  Cat' ")
    'a cat'
    """
    bare = re.sub(r"\s+", " ", value).strip(_QUOTES).casefold()
    return next((resource.name for resource in resources if resource.origin.label.casefold() == bare), bare)
