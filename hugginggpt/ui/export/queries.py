"""Queries that every export makes of a run: its resources, its request, the models that ran."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from hugginggpt.core.events import (
    Event,
    ModelRef,
    Planned,
    RequestStarted,
    ResourcesFetched,
    TaskDone,
    TaskPlanned,
    TaskStarted,
)
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Resource

E = TypeVar("E")


def find_first(events: Iterable[Event], wanted: type[E]) -> E | None:
    """Return the first event of a kind."""
    return next((event for event in events if isinstance(event, wanted)), None)


def list_resources(events: Iterable[Event]) -> tuple[Resource, ...]:
    """Return all resources that the events tell of, each once, in the order in which they came."""
    found: dict[str, Resource] = {}
    for event in events:
        match event:
            case RequestStarted(resources=several) | ResourcesFetched(resources=several) | TaskDone(outputs=several):
                found.update({resource.name: resource for resource in several})  # a newer one takes the old one's place
            case _:
                pass
    return tuple(found.values())


def list_tasks(events: Iterable[Event]) -> tuple[Task, ...]:
    """Return the tasks of the last plan, or those that are known so far."""
    tasks: dict[int, Task] = {}
    for event in events:
        match event:
            case TaskPlanned(task=task):
                tasks[task.id] = task
            case Planned(plan=plan):
                tasks = {task.id: task for task in plan.tasks}  # a replan may drop some
            case _:
                pass
    return tuple(tasks.values())


def list_models(events: Iterable[Event]) -> Mapping[int, ModelRef]:
    """Return the model that ran last for each task: the one that did it, where it is done."""
    return {event.task_id: event.model for event in events if isinstance(event, TaskStarted | TaskDone)}
