"""Validation of event sequences, so that folding, drawing and replaying them can't go wrong."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from hugginggpt.core.events import (
    AttemptFailed,
    Event,
    ModelSelected,
    Planned,
    RequestStarted,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
)
from hugginggpt.core.plan import Task
from hugginggpt.core.tasks import TaskTable
from hugginggpt.ui.export.json_codec import ShapeError

_MOST_TASKS: Final = 2_000


def check_sequence(events: Sequence[Event], times: Sequence[float], table: TaskTable) -> None:
    """Refuse what can't have happened.

    Args:
        events: All of them.
        times: When each came, in seconds from the first.
        table: The task types there are.

    Raises:
        ShapeError: It can't; the message says which event is wrong.
    """
    if not events or not isinstance(events[0], RequestStarted):
        raise ShapeError("it doesn't begin with a request")
    if times[0] < 0 or any(later < earlier for earlier, later in zip(times, times[1:], strict=False)):
        raise ShapeError("its times run backwards")
    tasks: Mapping[int, Task] = {}
    for number, event in enumerate(events):
        tasks = _after(event, tasks, f"event {number} ({type(event).__name__})", table)


def _after(event: Event, tasks: Mapping[int, Task], where: str, table: TaskTable) -> Mapping[int, Task]:
    """Return the tasks that are known after an event, as `trace.fold_steps` knows them."""
    match event:
        case RequestStarted() if tasks:
            raise ShapeError(f"{where} begins a second request")
        case TaskPlanned(task=task):
            if task.id in tasks:
                raise ShapeError(f"{where} has two tasks with one id")
            _check_task(task, tasks, where, table)
            return {**tasks, task.id: task}
        case Planned(plan=plan):
            ids = [task.id for task in plan.tasks]
            if len(set(ids)) < len(ids):
                raise ShapeError(f"{where} has two tasks with one id")
            _checked({task.id: task for task in plan.tasks}, where, table)
            return _checked({task.id: tasks.get(task.id, task) for task in plan.tasks}, where, table)
        case TaskSkipped(task_id=task_id, because=because):
            _known(task_id, tasks, where)
            _known(because, tasks, where)
        case (
            ModelSelected(task_id=task_id)
            | TaskStarted(task_id=task_id)
            | TaskProgress(task_id=task_id)
            | AttemptFailed(task_id=task_id)
            | TaskDone(task_id=task_id)
            | TaskFailed(task_id=task_id)
        ):
            _known(task_id, tasks, where)
        case _:
            pass
    return tasks


def _known(task_id: int, tasks: Mapping[int, Task], where: str) -> None:
    if task_id not in tasks:
        raise ShapeError(f"{where} tells of task {task_id}, which no plan has")


def _checked(tasks: Mapping[int, Task], where: str, table: TaskTable) -> Mapping[int, Task]:
    for task in tasks.values():
        _check_task(task, tasks, where, table)
    try:
        TopologicalSorter({task.id: _awaited(task) for task in tasks.values()}).prepare()
    except CycleError as error:
        raise ShapeError(f"{where}: its tasks run in a circle") from error
    return tasks


def _check_task(task: Task, tasks: Mapping[int, Task], where: str, table: TaskTable) -> None:
    """Refuse a task that can't stand among others."""
    if len(tasks) > _MOST_TASKS:
        raise ShapeError(f"{where} has more than {_MOST_TASKS:,} tasks")
    if task.task not in table:
        raise ShapeError(f"{where} has a task that is unknown here (“{task.task[:60]}”)")
    if task.id < 0:
        raise ShapeError(f"{where} has a task with the id {task.id}")
    for needed in _awaited(task):
        if needed not in tasks:
            raise ShapeError(f"{where}: task {task.id} waits for task {needed}, which no plan has by then")


def _awaited(task: Task) -> set[int]:
    return {*task.dep, *(reference.task_id for reference in task.references)}
