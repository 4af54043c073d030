"""Cycles in a plan: they are broken by dropping dependencies that no argument needs."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Task, find_references


def break_cycles(tasks: Sequence[Task], notes: list[str]) -> tuple[Task, ...]:
    """Drop each ``dep`` that closes a cycle and that no argument needs; refuse a cycle of references.

    A ``dep`` on a later task of the plan goes first: the order in which a controller wrote is mostly the one it meant.

    Raises:
        PlanError: Tasks need each other's results.
    """
    position = {task.id: number for number, task in enumerate(tasks)}
    task_of = {task.id: task for task in tasks}
    required_ids = {task.id: {reference.task_id for reference in task.references} for task in tasks}
    dropped: dict[int, set[int]] = {}
    waiting_for = {task.id: dict.fromkeys(task.dep) for task in tasks}  # dicts as ordered sets: the outcome is always the same
    followers: dict[int, list[int]] = {task.id: [] for task in tasks}
    for task in tasks:
        for dependency in task.dep:
            followers[dependency].append(task.id)
    remaining = dict.fromkeys(waiting_for)
    ready = deque(number for number in waiting_for if not waiting_for[number])
    while remaining:  # Kahn's topological sort: linear in tasks and edges while there is no circle
        if ready:
            number = ready.popleft()
            del remaining[number]
            freed = [follower for follower in followers[number] if number in waiting_for[follower]]  # not over dropped edges
        else:
            circle = _find_cycle(next(iter(remaining)), waiting_for)  # nothing is ready, so all that remain lead into one
            edges = list(zip(circle, (*circle[1:], circle[0]), strict=True))
            droppable = [(a, b) for a, b in edges if b not in required_ids[a]]
            if not droppable:
                raise PlanError(_describe_cycle(min(edges, key=lambda edge: position[edge[0]]), task_of))
            follower, number = min(droppable, key=lambda e: (position[e[1]] < position[e[0]], position[e[0]]))
            dropped.setdefault(follower, set()).add(number)
            notes.append(f"Task {follower} ({task_of[follower].task}): dep ran in a circle with {number}; that was dropped.")
            freed = [follower]
        for follower in freed:
            del waiting_for[follower][number]
            if not waiting_for[follower]:
                ready.append(follower)
    return tuple(
        replace(task, dep=tuple(n for n in task.dep if n not in dropped[task.id])) if task.id in dropped else task
        for task in tasks
    )


def _find_cycle(start: int, waiting_for: Mapping[int, Mapping[int, None]]) -> list[int]:
    """Return a cycle that `start` leads into, each task before the one it depends on."""
    path: dict[int, None] = {}  # looked up at every step, and its order is the path
    number = start
    while number not in path:
        path[number] = None
        number = next(iter(waiting_for[number]))
    steps = list(path)
    return steps[steps.index(number) :]


def _describe_cycle(edge: tuple[int, int], task_of: Mapping[int, Task]) -> str:
    task, other = task_of[edge[0]], edge[1]
    name = next(n for n, value in task.args.items() if any(r.task_id == other for r in find_references(value)))
    return (
        f"Task {task.id} ({task.task}): the argument {name} needs the result of task {other}, "
        f"which runs in a circle back to task {task.id}, so neither can start."
    )
