"""Tasks, plans and the references between tasks, in the paper's form.

``[{"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}},
{"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}]``

(arXiv 2303.17580, section 3.1, table 5.) How a controller's output becomes a valid plan is in ``repair.py``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NO_DEPENDENCY: Final = -1
"""``dep`` of a task without dependencies, in the paper's form."""

_REFERENCE: Final = re.compile(
    r"""<\s*+(?:generated|resource)s?\s*+>\s*+(?:[-_]\s*+)?(\d{1,9})\d*+                  # <resource>-0  <GENERATED>-0
      | <\s*+(?:generated|resource)s?(?:\s++(?:[-_]\s*+)?|[-_]\s*+)(\d{1,9})\d*+\s*+>      # <resource-0>  <GENERATED-0>
    """,
    re.IGNORECASE | re.VERBOSE,  # nine digits: int() refuses thousands of them
)

Argument = str | tuple[str, ...]
"""A text or the name of a resource, in which references may stand; a tuple for several resources."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Reference to another task's output of the kind that the argument takes."""

    task_id: int

    def __str__(self) -> str:
        return f"<resource>-{self.task_id}"


def split_references(value: str) -> Iterator[str | Reference]:
    """Yield the literal parts and the references of a value, in order, in any of the known spellings.

    >>> list(split_references("Say <GENERATED>-0, then <resource-1>."))
    ['Say ', Reference(task_id=0), ', then ', Reference(task_id=1), '.']
    """
    end = 0
    for match in _REFERENCE.finditer(value):
        if match.start() > end:
            yield value[end : match.start()]
        yield Reference(int(match[1] or match[2]))
        end = match.end()
    if end < len(value):
        yield value[end:]


def find_references(value: Argument) -> tuple[Reference, ...]:
    """Return all references in an argument, in order, each once."""
    values = (value,) if isinstance(value, str) else value
    return tuple(dict.fromkeys(part for v in values for part in split_references(v) if isinstance(part, Reference)))


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a plan."""

    task: str
    """The name of its row in the task table."""
    id: int
    dep: tuple[int, ...] = ()
    """Ids of the tasks that it depends on; never its own."""
    args: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def references(self) -> tuple[Reference, ...]:
        """References in the arguments, each once."""
        return tuple(dict.fromkeys(r for value in self.args.values() for r in find_references(value)))

    def as_json(self) -> dict[str, Any]:
        """Return the paper's form."""
        args = {name: value if isinstance(value, str) else list(value) for name, value in self.args.items()}
        return {"task": self.task, "id": self.id, "dep": list(self.dep) or [NO_DEPENDENCY], "args": args}


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks whose dependencies all exist and never run in a circle."""

    tasks: tuple[Task, ...]
    notes: tuple[str, ...] = ()
    """Repairs that were made, one sentence each."""

    def as_json(self) -> list[dict[str, Any]]:
        """Return the paper's form."""
        return [task.as_json() for task in self.tasks]
