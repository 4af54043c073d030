"""A plan while it is being written: each task is let go as soon as nothing that may still come can change it.

The plan as a whole is what `repair.make_plan` makes of all objects; a task is let go early only where that is sure to
leave it as it is: it has an id of its own, it waits for nothing but tasks that were let go, it lacks nothing.
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
    """Takes task objects one by one."""

    def __init__(
        self, table: TaskTable, resources: Sequence[Resource] = (), *, max_tasks: int = 2_000, kept: Sequence[Task] = ()
    ) -> None:
        """Begin one.

        Args:
            table: The task types there are.
            resources: What the request came with.
            max_tasks: The longest plan that is taken.
            kept: Tasks of an earlier plan that stay, and that this one adds to.
        """
        self._table = table
        self._resources = tuple(resources)
        self._max_tasks = max_tasks
        self._raw: list[Any] = [task.as_json() for task in kept]
        self._kept = {task.id: task for task in kept}
        self._written = set(self._kept)
        self._twice: set[int] = set()
        """Ids that stand at several tasks: which of them a reference means shows at the end."""
        self._free: dict[int, Task] = {task.id: task for task in kept}
        self._holds = False
        """True if a task waits for the end: what a later one lacks may be what that one makes."""

    @property
    def free(self) -> tuple[Task, ...]:
        """The tasks that were let go, and those that were kept."""
        return tuple(self._free.values())

    def add(self, raw: Any) -> Task | None:
        """Take one object; returns its task where that can start now.

        Raises:
            PlanError: The plan is longer than any plan may be.
        """
        if self._stands_there(raw):
            return None
        draft = self._read(raw)
        if draft and self._repeats_kept(draft):
            return None
        self._raw.append(raw)
        if len(self._raw) > self._max_tasks:
            raise PlanError(f"The plan has more than {self._max_tasks:,} tasks, which is the limit.")
        task = self._settled(draft) if draft else None
        if task is None:
            self._holds = True
        else:
            self._free[task.id] = task
        return task

    def finish(self) -> Plan:
        """Return the whole plan; its tasks that were let go are as they were.

        Raises:
            PlanError: One sentence that names the task and the field.
        """
        return make_plan(self._raw, self._table, self._resources, max_tasks=self._max_tasks)

    def _stands_there(self, raw: Any) -> bool:
        """Return whether a stream repeats itself, or a second plan names what was kept."""
        try:
            return isinstance(raw, Mapping) and "id" in raw and raw in self._raw
        except RecursionError:  # nested without end, which repair refuses
            return False

    def _read(self, raw: Any) -> TaskDraft | None:
        """Return one object by itself; None where it is no task, which is for the whole plan to say."""
        try:
            return read_drafts([raw], self._table, [])[0]
        except PlanError:
            return None

    def _repeats_kept(self, draft: TaskDraft) -> bool:
        """Return whether a second plan writes out a task that was kept, be it in another form."""
        old = self._kept.get(-1 if draft.written_id is None else draft.written_id)
        if old is None or old.task != draft.row.name:
            return False
        rows = {task.id: self._table[task.task] for task in self._kept.values()}
        try:
            return finish_task(draft, rows, [t for t in self.free if t.id != old.id], self._resources, []).args == old.args
        except PlanError:
            return False

    def _settled(self, draft: TaskDraft) -> Task | None:
        """Return the task that a draft is sure to become; None where what may still come decides that."""
        number = draft.written_id
        known = number in self._written
        if number is not None:
            (self._twice if known else self._written).add(number)
        if number is None or number < 0 or known or not self._waits_for_free_ones(draft):
            return None
        rows = {task.id: self._table[task.task] for task in self.free} | {number: draft.row}
        try:
            return finish_task(draft, rows, self.free, self._resources, [])
        except PlanError:
            return None

    def _waits_for_free_ones(self, draft: TaskDraft) -> bool:
        """Return whether all that it names is there already, and so is all that it needs."""
        lacks = any(wanted.name not in draft.args for wanted in draft.row.required)
        if (lacks and self._holds) or any(n >= 0 and (n not in self._free or n in self._twice) for n in draft.dep):
            return False
        for name, value in draft.args.items():
            wanted = draft.row.input(name)
            texts = value if isinstance(value, list | tuple) else [value]
            for reference in find_references(tuple(text for text in texts if isinstance(text, str))):
                target = self._free.get(reference.task_id)
                if target is None or target.id in self._twice or wanted is None:
                    return False
                if not can_make(self._table[target.task], wanted.kind):
                    return False
            if (
                wanted is not None
                and wanted.kind in MEDIA_KINDS
                and any(make_printable(text).strip().isdigit() for text in texts)
            ):
                return False  # a number stands for a task, too
        return True
