"""Stage 1: a controller's plan, read while it is being written, and asked for once more where it can't be used.

Source: arXiv 2303.17580, section 3.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.core.errors import BrokenOffError, DeadlineError, HuggingGPTError, PlanError, RequestError
from hugginggpt.core.events import Notice, Step, Usage
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable
from hugginggpt.planning.incremental import IncrementalPlan


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


@dataclass
class Planner:
    """Gets one plan from a controller."""

    controller: Controller
    table: TaskTable
    settings: Settings
    take: Callable[[Task], None] = _nothing
    """Told each task that can start already."""
    say: Callable[[str, bool], None] = _nothing
    """Told the words of an answer that the controller gives itself, and whether it begins with them."""
    fallback: Controller | None = None
    """Plans where the controller has made no plan that can be used."""
    used: Callable[[Usage], None] = _nothing
    tell: Callable[[Notice], None] = _nothing
    steps: Callable[[], Sequence[Step]] = tuple
    """What has become of the tasks so far."""
    _free: tuple[Task, ...] = field(default=())
    _said: list[str] = field(default_factory=list)
    _whole: bool = field(default=True)

    @property
    def free(self) -> tuple[Task, ...]:
        """The tasks that were let go before the plan was complete, and before them those that were kept; () while none was."""
        return self._free

    @property
    def said(self) -> str:
        """The controller's own answer; empty where it gave none."""
        return "".join(self._said).strip()

    @property
    def whole(self) -> bool:
        """Whether nothing of the plan is known to be missing."""
        return self._whole

    async def plan(self, request: PlanRequest, kept: Sequence[Task] = ()) -> Plan:
        """The whole plan, repaired; one that can't be repaired is asked for once more, with the complaint.

        Args:
            request: What is asked for.
            kept: Tasks of an earlier plan that stay; they stand in the plan that is returned.

        Raises:
            HuggingGPTError: There is no plan; the message says why. What was let go before may go on.
        """
        seconds = self.settings.plan_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self._tries(request, kept, deadline)
        except TimeoutError as error:
            if isinstance(error, HuggingGPTError):
                raise
            late = f"{self.controller.name} took longer than {seconds:g} s to plan: try again, or another model."
            if self.said and not self._free:
                return self._answered_so_far(late)
            raise DeadlineError(late) from error

    async def _tries(self, request: PlanRequest, kept: Sequence[Task], deadline: asyncio.Timeout) -> Plan:
        try:
            return await self._read(request, kept, deadline)
        except (PlanError, BrokenOffError) as error:
            if self.said and not self._free:
                return self._answered_so_far(str(error))
            first = error
        stay = self._free or tuple(kept)
        steps = tuple(step for step in self.steps() if step.task in stay)
        again = replace(request, complaint=str(first), steps=steps)
        try:
            plan = await self._read(again, stay, deadline)
        except PlanError as error:
            if stay or self._free or self.fallback is None or self.fallback is self.controller:
                raise
            return await self._built_in(self.fallback, request, error, deadline)
        # where the first reply only broke off, and there is nothing to add, it had come to its last task
        if isinstance(first, PlanError) and stay and len(plan.tasks) == len(stay):
            self._whole = False
            self.tell(Notice(f"The rest of the plan is missing: {first}"))
        return plan

    def _answered_so_far(self, why: str) -> Plan:
        """What was said stays said, even if it wasn't said to its end."""
        self._whole = False
        self.tell(Notice(f"The answer breaks off: {why}"))
        return Plan(())

    async def _built_in(self, fallback: Controller, request: PlanRequest, error: PlanError, deadline: asyncio.Timeout) -> Plan:
        """The fallback's plan; `error` again, where it knows no better."""
        name = self.controller.name
        try:
            plan = await replace(self, controller=fallback)._read(request, (), deadline)
        except HuggingGPTError:
            raise error from None
        self.tell(Notice(f"{name} made no plan that can be used ({error}); this one is built in."))
        return plan

    async def _read(self, request: PlanRequest, kept: Sequence[Task], deadline: asyncio.Timeout) -> Plan:
        growing = IncrementalPlan(self.table, request.attached, max_tasks=self.settings.max_tasks, kept=kept)
        self._said.clear()
        async with aclosing(self.controller.plan(request)) as items:
            async for item in items:
                if isinstance(item, Usage):
                    self.used(item)
                elif isinstance(item, Notice):
                    self.tell(item)
                elif isinstance(item, str):
                    if not kept:  # beside tasks that were run, the answer is written from their results
                        self.say(item, not self._said)
                        self._said.append(item)
                        deadline.reschedule(asyncio.get_running_loop().time() + self.settings.plan_seconds)
                elif task := growing.add(item):
                    self._free = growing.free
                    self.take(task)
        return growing.finish()


def check_text(request: PlanRequest, settings: Settings) -> None:
    """Refuse what can't be planned.

    Raises:
        RequestError: The request is empty or too long.
    """
    if not request.text.strip():
        if request.attached:
            names = ", ".join(resource.origin.label for resource in request.attached)
            raise RequestError(f"What should be done with {names}? Write it in a sentence.")
        raise RequestError("The request is empty: write what you want done.")
    if len(request.text) > settings.max_request_chars:
        raise RequestError(
            f"The request is {len(request.text):,} characters long and {settings.max_request_chars:,} is the limit: "
            "put the long text into a file and attach it."
        )
