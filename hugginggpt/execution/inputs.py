"""Inputs of a task when it starts: its arguments with names, references and addresses replaced by what they mean."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.plan import Argument, Reference, Task, split_references
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskInput, TaskType, is_usable_as
from hugginggpt.workspace.workspace import Workspace, is_example

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAX_NAME_CHARS, _MAX_LIST_CHARS = 300, 2_000
"""Longest text, in characters, that may be the name of a resource, and that may be a list of names."""


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """Resolver of the arguments of one plan's tasks."""

    workspace: Workspace
    get_outputs: Callable[[int], Sequence[Resource]]
    """Returns the outputs of the task of an id."""

    async def resolve(self, task: Task, row: TaskType) -> list[dict[str, str | Resource]]:
        """Return the inputs of each run: a task that is given several resources for one argument runs once for each.

        Raises:
            InputError: Two arguments are given several resources, and not as many.
            ResourceError: A name means nothing here.
        """
        found: dict[str, Sequence[str | Resource]] = {}
        for spec in row.inputs:
            if (value := task.args.get(spec.name)) is not None:
                text = spec.kind is Kind.TEXT
                found[spec.name] = await (self._resolve_texts(value) if text else self._resolve_files(task, value, spec))
        count = max((len(values) for values in found.values()), default=1)
        for name, values in found.items():
            if len(values) not in {1, count}:  # a single one serves every run
                raise InputError(f"{task.task} was given {count} resources, but {len(values)} for {name}.")
        return [{name: values[i % len(values)] for name, values in found.items()} for i in range(count)]

    def list_sources(self, task: Task) -> list[Resource]:
        """Return the resources that a task's arguments refer to or name: what its result is made from."""
        values = [text for value in task.args.values() for text in ((value,) if isinstance(value, str) else value)]
        named = [self.workspace.find(name) for text in values if len(text) < _MAX_LIST_CHARS for name in text.split(",")]
        references = [part for text in values for part in split_references(text) if isinstance(part, Reference)]
        outputs = [resource for reference in references for resource in self.get_outputs(reference.task_id)]
        return list({resource.name: resource for resource in (*outputs, *filter(None, named))}.values())

    async def _resolve_texts(self, value: Argument) -> list[str]:
        """Return one text, or one for each of several named resources."""
        parts = value.split(",") if isinstance(value, str) else value
        if len(parts) > 1 and sum(map(len, parts)) < _MAX_LIST_CHARS:
            resources = [self.workspace.find(part) for part in parts]
            if all(resources):  # else it is a sentence with commas
                return [_read_text(resource) for resource in resources if resource]
        return [await self._resolve_text(value if isinstance(value, str) else ", ".join(value))]

    async def _resolve_text(self, text: str) -> str:
        resource = self.workspace.find(text) if len(text) < _MAX_NAME_CHARS else None
        if resource is None and (_URL.fullmatch(text) or is_example(text)):  # an address in a sentence stays one
            resource = await self.workspace.resolve(text)
        if resource is not None:
            return _read_text(resource)
        return "".join(self._join_referenced_texts(p) if isinstance(p, Reference) else p for p in split_references(text))

    def _join_referenced_texts(self, reference: Reference) -> str:
        return "\n".join(resource.text for resource in self.get_outputs(reference.task_id) if resource.text is not None)

    async def _resolve_files(self, task: Task, value: Argument, spec: TaskInput) -> list[Resource]:
        found: list[Resource] = []
        for name in (value,) if isinstance(value, str) else value:
            parts = list(split_references(name))
            if len(parts) == 1 and isinstance(parts[0], Reference):
                outputs = self.get_outputs(parts[0].task_id)
                exact = [resource for resource in outputs if resource.kind is spec.kind]  # rather than a video's sound
                found += exact or [resource for resource in outputs if is_usable_as(resource.kind, spec.kind)]
            else:
                found.append(_check_kind(await self.workspace.resolve(name), spec, task))
        if not found:
            raise InputError(f"{task.task} was given no {spec.kind.value}.")
        return found


def _read_text(resource: Resource) -> str:
    """Return the text of a resource, or the source of a table."""
    if resource.text is not None:
        return resource.text
    if resource.kind is Kind.TABLE and resource.path is not None:
        return resource.path.read_text(encoding="utf-8")
    raise InputError(f"{resource.name} (“{resource.origin.label}”) is {resource.kind.value}, where a text is wanted.")


def _check_kind(resource: Resource, spec: TaskInput, task: Task) -> Resource:
    if is_usable_as(resource.kind, spec.kind):
        return resource
    raise InputError(
        f"{task.task} wants {spec.kind.value}, but {resource.name} (“{resource.origin.label}”) is {resource.kind.value}."
    )
