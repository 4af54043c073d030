"""Circles in a plan: which dependency to drop so that every task can start."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Task, find_references


def break_circles(tasks: Sequence[Task], notes: list[str]) -> tuple[Task, ...]:
    """Drop each ``dep`` that closes a circle and that no argument needs; refuse a circle of references.

    A ``dep`` on a later task of the plan goes first: the order in which a controller wrote is mostly the one it meant.

    Raises:
        PlanError: Tasks need each other's results.
    """
    position = {task.id: number for number, task in enumerate(tasks)}
    task_of = {task.id: task for task in tasks}
    needed = {task.id: {reference.task_id for reference in task.references} for task in tasks}
    dropped: dict[int, set[int]] = {}
    waits = {task.id: dict.fromkeys(task.dep) for task in tasks}
    followers: dict[int, list[int]] = {task.id: [] for task in tasks}
    for task in tasks:
        for dependency in task.dep:
            followers[dependency].append(task.id)
    left = dict.fromkeys(waits)
    ready = deque(number for number in waits if not waits[number])
    while left:
        if ready:
            number = ready.popleft()
            del left[number]
            freed = [follower for follower in followers[number] if number in waits[follower]]
        else:
            circle = _circle(next(iter(left)), waits)
            edges = list(zip(circle, (*circle[1:], circle[0]), strict=True))
            idle = [(a, b) for a, b in edges if b not in needed[a]]
            if not idle:
                raise PlanError(_complaint(min(edges, key=lambda edge: position[edge[0]]), task_of))
            follower, number = min(idle, key=lambda e: (position[e[1]] < position[e[0]], position[e[0]]))
            dropped.setdefault(follower, set()).add(number)
            notes.append(f"Task {follower} ({task_of[follower].task}): dep ran in a circle with {number}; that was dropped.")
            freed = [follower]
        for follower in freed:
            del waits[follower][number]
            if not waits[follower]:
                ready.append(follower)
    return tuple(
        replace(task, dep=tuple(n for n in task.dep if n not in dropped[task.id])) if task.id in dropped else task
        for task in tasks
    )


def _circle(start: int, waits: Mapping[int, Mapping[int, None]]) -> list[int]:
    """Return a circle that `start` leads into, each task before the one it waits for."""
    path: dict[int, None] = {}
    number = start
    while number not in path:
        path[number] = None
        number = next(iter(waits[number]))
    steps = list(path)
    return steps[steps.index(number) :]


def _complaint(edge: tuple[int, int], task_of: Mapping[int, Task]) -> str:
    task, other = task_of[edge[0]], edge[1]
    name = next(n for n, value in task.args.items() if any(r.task_id == other for r in find_references(value)))
    return (
        f"Task {task.id} ({task.task}): the argument {name} needs the result of task {other}, "
        f"which runs in a circle back to task {task.id}, so neither can start."
    )
