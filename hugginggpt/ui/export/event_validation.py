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

_MAX_TASKS: Final = 2_000


def check_sequence(events: Sequence[Event], times: Sequence[float], table: TaskTable) -> None:
    """Check that events can have happened in this order.

    Args:
        events: All of them.
        times: When each came, in seconds from the first.
        table: The task types there are.

    Raises:
        ShapeError: They can't; the message says which event is wrong.
    """
    if not events or not isinstance(events[0], RequestStarted):
        raise ShapeError("it doesn't begin with a request")
    if times[0] < 0 or any(later < earlier for earlier, later in zip(times, times[1:], strict=False)):
        raise ShapeError("its times run backwards")
    tasks: Mapping[int, Task] = {}
    for number, event in enumerate(events):
        tasks = _apply(event, tasks, f"event {number} ({type(event).__name__})", table)


def _apply(event: Event, tasks: Mapping[int, Task], where: str, table: TaskTable) -> Mapping[int, Task]:
    """Check an event and return the tasks that are known after it, as `trace.fold_steps` knows them."""
    match event:
        case RequestStarted() if tasks:
            raise ShapeError(f"{where} begins a second request")
        case TaskPlanned(task=task):
            if task.id in tasks:
                raise ShapeError(f"{where} has two tasks with one id")
            _check_task(task, tasks, where, table)
            return {**tasks, task.id: task}  # copied for each task: quadratic, within _MAX_TASKS
        case Planned(plan=plan):
            ids = [task.id for task in plan.tasks]
            if len(set(ids)) < len(ids):  # else the dict below would hide one
                raise ShapeError(f"{where} has two tasks with one id")
            _check_plan({task.id: task for task in plan.tasks}, where, table)  # as the event has it
            return _check_plan({task.id: tasks.get(task.id, task) for task in plan.tasks}, where, table)  # as folding knows it
        case TaskSkipped(task_id=task_id, because=because):
            _require_task(task_id, tasks, where)
            _require_task(because, tasks, where)
        case (
            ModelSelected(task_id=task_id)
            | TaskStarted(task_id=task_id)
            | TaskProgress(task_id=task_id)
            | AttemptFailed(task_id=task_id)
            | TaskDone(task_id=task_id)
            | TaskFailed(task_id=task_id)
        ):
            _require_task(task_id, tasks, where)
        case _:
            pass
    return tasks


def _require_task(task_id: int, tasks: Mapping[int, Task], where: str) -> None:
    if task_id not in tasks:
        raise ShapeError(f"{where} tells of task {task_id}, which no plan has")


def _check_plan(tasks: Mapping[int, Task], where: str, table: TaskTable) -> Mapping[int, Task]:
    for task in tasks.values():
        _check_task(task, tasks, where, table)
    try:
        TopologicalSorter({task.id: _list_dependencies(task) for task in tasks.values()}).prepare()
    except CycleError as error:
        raise ShapeError(f"{where}: its tasks run in a circle") from error
    return tasks


def _check_task(task: Task, tasks: Mapping[int, Task], where: str, table: TaskTable) -> None:
    """Refuse a task that doesn't fit into its plan."""
    if len(tasks) > _MAX_TASKS:
        raise ShapeError(f"{where} has more than {_MAX_TASKS:,} tasks")
    if task.task not in table:
        raise ShapeError(f"{where} has a task that is unknown here (“{task.task[:60]}”)")
    if task.id < 0:  # -1 stands for “no task” in dep
        raise ShapeError(f"{where} has a task with the id {task.id}")
    for dependency in _list_dependencies(task):
        if dependency not in tasks:
            raise ShapeError(f"{where}: task {task.id} waits for task {dependency}, which no plan has by then")


def _list_dependencies(task: Task) -> set[int]:
    return {*task.dep, *(reference.task_id for reference in task.references)}
