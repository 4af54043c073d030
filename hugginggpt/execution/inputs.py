"""Inputs of a task when it starts: its arguments with names, references and addresses replaced by what they mean."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.plan import Argument, Reference, Task, split_references
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskInput, TaskType, serves
from hugginggpt.workspace.workspace import Workspace, is_example

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAX_NAMES: Final = 2_000
"""A longer text, in characters, is no list of names."""


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """Finds the inputs of tasks of one plan."""

    workspace: Workspace
    made: Callable[[int], Sequence[Resource]]
    """Gives the resources that the task of an id has made."""

    async def of(self, task: Task, row: TaskType) -> list[dict[str, str | Resource]]:
        """Return the inputs of each run: a task that is given several resources for one argument runs once for each.

        Raises:
            InputError: Two arguments are given several resources, and not as many.
            ResourceError: A name means nothing here.
        """
        found: dict[str, Sequence[str | Resource]] = {}
        for wanted in row.inputs:
            if (value := task.args.get(wanted.name)) is not None:
                text = wanted.kind is Kind.TEXT
                found[wanted.name] = await (self._texts(value) if text else self._files(task, value, wanted))
        count = max((len(several) for several in found.values()), default=1)
        for name, several in found.items():
            if len(several) not in {1, count}:
                raise InputError(f"{task.task} was given {count} resources, but {len(several)} for {name}.")
        return [{name: several[i % len(several)] for name, several in found.items()} for i in range(count)]

    async def _texts(self, value: Argument) -> list[str]:
        """Return one text, or one for each of several resources that are named."""
        parts = value.split(",") if isinstance(value, str) else value
        if len(parts) > 1 and sum(map(len, parts)) < _MAX_NAMES:
            named = [self.workspace.find(part) for part in parts]
            if all(named):
                return [_text_of(resource) for resource in named if resource]
        return [await self._text(value if isinstance(value, str) else ", ".join(value))]

    async def _text(self, whole: str) -> str:
        named = self.workspace.find(whole) if len(whole) < 300 else None
        if named is None and (_URL.fullmatch(whole) or is_example(whole)):
            named = await self.workspace.resolve(whole)
        if named is not None:
            return _text_of(named)
        return "".join(self._referred_text(p) if isinstance(p, Reference) else p for p in split_references(whole))

    def _referred_text(self, reference: Reference) -> str:
        return "\n".join(resource.text for resource in self.made(reference.task_id) if resource.text is not None)

    async def _files(self, task: Task, value: Argument, wanted: TaskInput) -> list[Resource]:
        found: list[Resource] = []
        for name in (value,) if isinstance(value, str) else value:
            parts = list(split_references(name))
            if len(parts) == 1 and isinstance(parts[0], Reference):
                outputs = self.made(parts[0].task_id)
                exact = [resource for resource in outputs if resource.kind is wanted.kind]
                found += exact or [resource for resource in outputs if serves(resource.kind, wanted.kind)]
            else:
                found.append(_fitting(await self.workspace.resolve(name), wanted, task))
        if not found:
            raise InputError(f"{task.task} was given no {wanted.kind.value}.")
        return found


def _text_of(resource: Resource) -> str:
    """Return a text, or a table as it is written."""
    if resource.text is not None:
        return resource.text
    if resource.kind is Kind.TABLE and resource.path is not None:
        return resource.path.read_text(encoding="utf-8")
    raise InputError(f"{resource.name} (“{resource.origin.label}”) is {resource.kind.value}, where a text is wanted.")


def _fitting(resource: Resource, wanted: TaskInput, task: Task) -> Resource:
    if serves(resource.kind, wanted.kind):
        return resource
    raise InputError(
        f"{task.task} wants {wanted.kind.value}, but {resource.name} (“{resource.origin.label}”) is {resource.kind.value}."
    )
