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
    known: list[Resource] = []
    found: dict[str, tuple[str, ...]] = {}
    for recording in recordings:
        for event in recording.events:
            if isinstance(event, RequestStarted | ResourcesFetched):
                known += event.resources  # of all requests: later ones name them
        steps = {step.task.id: step for step in fold_steps(recording.events)}
        known += (resource for step in steps.values() for resource in step.outputs)
        for step in steps.values():
            if names := tuple(dict.fromkeys(_list_inputs(step, steps, known, table))):
                found |= {output.name: names for output in step.outputs}
    return found


def _list_inputs(step: Step, steps: Mapping[int, Step], known: Sequence[Resource], table: TaskTable) -> Iterator[str]:
    """Yield the names of what a task was given, in the order of its arguments."""
    row = table.get(step.task.task)
    for key, value in step.task.args.items():
        task_input = row.input(key) if row else None
        for part in _split_parts(value):
            if not isinstance(part, Reference):
                yield from (resource.name for resource in _find_by_name(part, known))
            elif part.task_id in steps:
                yield from _list_passed(steps[part.task_id].outputs, task_input.kind if task_input else None)


def _split_parts(value: Argument) -> Iterator[str | Reference]:
    for text in value.split(",") if isinstance(value, str) else value:
        yield from split_references(text)


def _list_passed(outputs: Sequence[Resource], wanted: Kind | None) -> Iterator[str]:
    exact = [resource.name for resource in outputs if wanted in {None, resource.kind}]
    yield from exact or (resource.name for resource in outputs if wanted and is_usable_as(resource.kind, wanted))


def _find_by_name(name: str, known: Sequence[Resource]) -> Sequence[Resource]:
    """Return the resource of that name, or the last that came from a file or an address of that name."""
    bare = name.strip().lower()
    by_name = [resource for resource in known if resource.name == bare]
    base = bare.partition("?")[0].rpartition("/")[2]  # of a path or an address, the file's name
    by_file = [r for r in known if r.origin.source != "task" and r.origin.label.lower() in {bare, base}]
    return (by_name or by_file)[-1:]  # the newest counts
