"""Incremental plan: each task is released as soon as nothing that may still be written can change it.

The plan as a whole is what `repair.make_plan` makes of all objects; a task is released early only where that is sure to
leave it as it is: its id is unique, it depends on released tasks alone, and no argument is missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Plan, Task, find_references
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import MEDIA_KINDS, TaskTable
from hugginggpt.core.text import make_printable
from hugginggpt.planning.normalize import TaskDraft, can_make, read_drafts
from hugginggpt.planning.repair import finish_task, make_plan


class IncrementalPlan:
    """Plan that is built from one task object after another."""

    def __init__(
        self, table: TaskTable, resources: Sequence[Resource] = (), *, max_tasks: int = 2_000, kept: Sequence[Task] = ()
    ) -> None:
        """Start with the kept tasks.

        Args:
            table: The task types.
            resources: What the request came with.
            max_tasks: Most tasks of a plan.
            kept: Tasks of an earlier plan that stay, and that this one adds to.
        """
        self._table = table
        self._resources = tuple(resources)
        self._max_tasks = max_tasks
        self._raw: list[Any] = [task.as_json() for task in kept]
        self._earlier_tasks = {task.id: task for task in kept}
        self._seen_ids = set(self._earlier_tasks)
        self._duplicates: set[int] = set()
        """Ids that several tasks carry: only the whole plan tells which of them a reference means."""
        self._released: dict[int, Task] = {task.id: task for task in kept}
        self._pending = False
        """True if a task waits for the end of the plan: it may make what a later one lacks, which must wait, too."""

    @property
    def released(self) -> tuple[Task, ...]:
        """Released tasks, and those that were kept."""
        return tuple(self._released.values())

    def add(self, raw: Any) -> Task | None:
        """Add one object; return its task where that can start now.

        Raises:
            PlanError: The plan has too many tasks.
        """
        if self._is_repetition(raw):
            return None
        draft = self._read_draft(raw)
        if draft and self._is_earlier_task(draft):
            return None
        self._raw.append(raw)
        if len(self._raw) > self._max_tasks:
            raise PlanError(f"The plan has more than {self._max_tasks:,} tasks, which is the limit.")
        task = self._finish_early(draft) if draft else None
        if task is None:
            self._pending = True
        else:
            self._released[task.id] = task
        return task

    def finish(self) -> Plan:
        """Return the whole plan; released tasks are unchanged in it.

        Raises:
            PlanError: One sentence that names the task and the field.
        """
        return make_plan(self._raw, self._table, self._resources, max_tasks=self._max_tasks)

    def _is_repetition(self, raw: Any) -> bool:
        """Detect an object that a stream repeats, or that a second plan copies from the first."""
        try:
            return isinstance(raw, Mapping) and "id" in raw and raw in self._raw  # without ids, equal ones may be two tasks
        except RecursionError:  # nested without end, which repair refuses
            return False

    def _read_draft(self, raw: Any) -> TaskDraft | None:
        """Read one object by itself; None where it is no task: `finish` raises for that, with the whole plan at hand."""
        try:
            return read_drafts([raw], self._table, [])[0]  # its notes are dropped here: `finish` collects them all once
        except PlanError:
            return None

    def _is_earlier_task(self, draft: TaskDraft) -> bool:
        """Detect a task of the earlier plan that a second plan writes out again, be it in another form."""
        old = self._earlier_tasks.get(-1 if draft.written_id is None else draft.written_id)  # no task has the id -1
        if old is None or old.task != draft.row.name:
            return False
        rows = {task.id: self._table[task.task] for task in self._earlier_tasks.values()}
        try:
            return finish_task(draft, rows, [t for t in self.released if t.id != old.id], self._resources, []).args == old.args
        except PlanError:
            return False

    def _finish_early(self, draft: TaskDraft) -> Task | None:
        """Finish a draft that is certain already; None where it depends on objects that may still be written."""
        task_id = draft.written_id
        is_duplicate = task_id in self._seen_ids
        if task_id is not None:
            (self._duplicates if is_duplicate else self._seen_ids).add(task_id)
        if (
            task_id is None or task_id < 0 or is_duplicate or not self._depends_on_released_only(draft)
        ):  # its id may still change
            return None
        rows = {task.id: self._table[task.task] for task in self.released} | {task_id: draft.row}
        try:
            return finish_task(draft, rows, self.released, self._resources, [])  # same function as at the end, so the same task
        except PlanError:
            return None

    def _depends_on_released_only(self, draft: TaskDraft) -> bool:
        """Tell whether a draft names and needs only resources and released tasks."""
        lacks = any(task_input.name not in draft.args for task_input in draft.row.required)
        if (lacks and self._pending) or any(n >= 0 and (n not in self._released or n in self._duplicates) for n in draft.dep):
            return False
        for name, value in draft.args.items():
            task_input = draft.row.input(name)
            texts = value if isinstance(value, list | tuple) else [value]
            for reference in find_references(tuple(text for text in texts if isinstance(text, str))):
                target = self._released.get(reference.task_id)
                if target is None or target.id in self._duplicates or task_input is None:
                    return False
                if not can_make(self._table[target.task], task_input.kind):
                    return False
            if (
                task_input is not None
                and task_input.kind in MEDIA_KINDS
                and any(make_printable(text).strip().isdigit() for text in texts)
            ):
                return False  # a number stands for a task, too
        return True
