"""Lineage of resources, over all requests of a session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hugginggpt.core.events import RequestStarted, ResourcesFetched, Step
from hugginggpt.core.plan import Argument, Reference, split_references
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable, is_usable_as
from hugginggpt.core.trace import fold_steps


def trace_lineage(recordings: Iterable[Recording], table: TaskTable) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the resources that each made resource was made from; those made from words alone are not in it.

    Args:
        recordings: The session's requests, the oldest first.
        table: Which kind of a task's results another one takes.
    """
    known = _KnownResources()
    found: dict[str, tuple[str, ...]] = {}
    for recording in recordings:
        for event in recording.events:
            if isinstance(event, RequestStarted | ResourcesFetched):
                known.add(event.resources)  # of all requests: later ones name them
        steps = {step.task.id: step for step in fold_steps(recording.events)}
        known.add(resource for step in steps.values() for resource in step.outputs)
        for step in steps.values():
            if names := tuple(dict.fromkeys(_list_inputs(step, steps, known, table))):
                found |= {output.name: names for output in step.outputs}
    return found


def _list_inputs(step: Step, steps: Mapping[int, Step], known: "_KnownResources", table: TaskTable) -> Iterator[str]:
    """Yield the names of what a task was given, in the order of its arguments."""
    row = table.get(step.task.task)
    for key, value in step.task.args.items():
        task_input = row.input(key) if row else None
        for part in _split_parts(value):
            if not isinstance(part, Reference):
                yield from known.find(part)
            elif part.task_id in steps:
                yield from _list_passed(steps[part.task_id].outputs, task_input.kind if task_input else None)


def _split_parts(value: Argument) -> Iterator[str | Reference]:
    for text in value.split(",") if isinstance(value, str) else value:
        yield from split_references(text)


def _list_passed(outputs: Sequence[Resource], wanted: Kind | None) -> Iterator[str]:
    exact = [resource.name for resource in outputs if wanted in {None, resource.kind}]
    yield from exact or (resource.name for resource in outputs if wanted and is_usable_as(resource.kind, wanted))


class _KnownResources:
    """The names of resources by what a plan may call them: their own names, and those of the files they came from."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._by_file: dict[str, str] = {}

    def add(self, resources: Iterable[Resource]) -> None:
        """Add resources; the newest of several with one file name counts."""
        for resource in resources:
            self._names.add(resource.name)
            if resource.origin.source != "task":
                self._by_file[resource.origin.label.lower()] = resource.name

    def find(self, name: str) -> Iterator[str]:
        """Yield the resource of that name, or the last that came from a file or an address of that name."""
        bare = name.strip().lower()
        base = bare.partition("?")[0].rpartition("/")[2]  # of a path or an address, the file's name
        found = bare if bare in self._names else self._by_file.get(bare) or self._by_file.get(base)
        if found:
            yield found
