"""Approval of a plan: it is shown to the person before it runs, changed by them, or run again in part."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hugginggpt.core.errors import PlanError
from hugginggpt.core.events import AttemptFailed, Event, ModelRef, ModelSelected, Planned, Step, TaskDone
from hugginggpt.core.plan import Argument, Plan, Task, find_references
from hugginggpt.core.resources import NAME_PATTERN, Resource
from hugginggpt.core.tasks import TaskTable
from hugginggpt.planning.repair import make_plan

PLAN_CHANGED: Final = "You have changed the plan."
"""Reason for another plan, where the person has changed the first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan that waits for the person's approval."""

    plan: Plan
    models: Mapping[int, tuple[ModelRef, ...]]
    """Models that could run each task, the chosen one first; a task that nothing can run is not there."""
    problems: Mapping[int, str] = field(default_factory=dict)
    """Reasons why nothing can run a task, by its id."""
    kept: frozenset[int] = frozenset()
    """Tasks of the plan that have run already."""
    key: str = field(default_factory=lambda: secrets.token_hex(8))  # two proposals of one plan are equal in all else
    """Identifies the proposal that an answer belongs to."""

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """Tasks that the person is asked about."""
        return tuple(task for task in self.plan.tasks if task.id not in self.kept)


@dataclass(frozen=True, slots=True)
class Approved:
    """Approved part of a plan."""

    plan: Plan
    models: Mapping[int, str] = field(default_factory=dict)
    """Id of the model that the person chose, by the task's id."""


Approve = Callable[[Proposal], Awaitable[Approved]]
"""Function that shows a proposal and waits for the answer; it is cancelled where the request is stopped."""


@dataclass(frozen=True, slots=True)
class PreparedPlan:
    """Plan from an earlier run, with the steps that were done."""

    plan: Plan
    steps: tuple[Step, ...] = ()
    """Done ones stay done; all others run."""
    models: Mapping[int, str] = field(default_factory=dict)
    """The id of the model that the person chose for a task."""
    approved: bool = False
    """True if the person has let it run before."""

    @property
    def done_steps(self) -> tuple[Step, ...]:
        """Steps whose results are reused."""
        return tuple(step for step in self.steps if step.status == "done")

    def events(self) -> Sequence[Event]:
        """Return the events of the reused steps, so that the stream of a second run is complete by itself."""
        events: list[Event] = [Planned(self.plan, 0.0)]  # no time was spent on planning in this run
        for step in self.steps:
            events += step.attempts
            if step.status == "done" and step.model is not None:
                events.append(ModelSelected(step.task.id, step.model, step.reason, (step.model,)))  # others are not recorded
                events.append(TaskDone(step.task.id, step.model, step.outputs, step.seconds, step.note))
            elif step.status == "failed" and step.model is not None:
                events.append(AttemptFailed(step.task.id, step.model, step.error))
        return events


def edit_plan(
    plan: Plan,
    table: TaskTable,
    resources: Sequence[Resource],
    *,
    dropped: Collection[int] = (),
    kept: Collection[int] = (),
    args: Mapping[int, Mapping[str, Argument]] | None = None,
    max_tasks: int = 2_000,
) -> Plan:
    """Apply a person's changes to a plan, and check the result like any plan.

    Args:
        plan: What was proposed.
        table: The task types.
        resources: What arguments may name.
        dropped: Tasks that shall not run.
        kept: Tasks that have run already.
        args: New arguments, by task and name; an empty one is left out.
        max_tasks: The longest plan.

    Raises:
        PlanError: It can't be run like that; the message names the task and the argument.
    """
    dropped_ids = set(dropped) - set(kept)  # what has run can't be undone
    tasks = [
        replace(task, args=_merge(task.args, (args or {}).get(task.id, {})))
        for task in plan.tasks
        if task.id not in dropped_ids
    ]
    if all(task.id in kept for task in tasks):  # also true of an empty plan
        raise PlanError("Nothing is left of the plan: keep a task, or stop.")
    ids = {task.id for task in tasks}
    for task in tasks:
        _check_references(task, ids, dropped_ids, resources)
    raw = [replace(task, dep=tuple(n for n in task.dep if n in ids)).as_json() for task in tasks]  # args were checked above
    return make_plan(raw, table, resources, max_tasks=max_tasks)


def _check_references(task: Task, ids: Collection[int], dropped_ids: Collection[int], resources: Sequence[Resource]) -> None:
    """Refuse references that repair would guess at: unlike a model, the person can be asked."""
    known = {resource.name for resource in resources}
    for name, value in task.args.items():
        label = f"Task {task.id} ({task.task}), {name}"
        for reference in find_references(value):
            if reference.task_id in dropped_ids:
                raise PlanError(f"{label}: it needs what task {reference.task_id} makes; drop it too, or write something else.")
            if reference.task_id not in ids:
                raise PlanError(f"{label}: there is no task {reference.task_id} in the plan.")
        for text in (value,) if isinstance(value, str) else value:
            if (
                NAME_PATTERN.fullmatch(text.strip()) and text.strip() not in known
            ):  # only what looks like a name; free text is fine
                raise PlanError(f"{label}: there is no {text.strip()} in this session.")


def _merge(old: Mapping[str, Argument], new: Mapping[str, Argument]) -> Mapping[str, Argument]:
    return {name: value for name, value in {**old, **new}.items() if value}  # an emptied field means: leave the argument out
