"""Pipeline of one request: 1 planning, 2 model selection, 3 task execution, 4 response generation.

Source: arXiv 2303.17580, figure 2. The stages overlap: a task's models are looked up, chosen and run while the plan goes on.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from typing import Final

from hugginggpt.agent.page_reading import read_scanned_pages
from hugginggpt.agent.page_selection import select_pages
from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import DeadlineError, HuggingGPTError
from hugginggpt.core.events import (
    ApprovalAsked,
    ApprovalGiven,
    ModelRef,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    ResourcesFetched,
    TaskFailed,
    TaskPlanned,
    Usage,
)
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.trace import sum_usages
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.execution.scheduler import Scheduler
from hugginggpt.planning.approval import PLAN_CHANGED, Approve, Approved, PreparedPlan, Proposal
from hugginggpt.planning.planner import PlanEnd, Planner, check_text, shorten_refused
from hugginggpt.response.checks import describe_failures
from hugginggpt.response.responder import Responder
from hugginggpt.selection.selector import ModelSelector

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 30.0
"""Time for the answer, where the request's is over."""
MAX_TURNS: Final = 20
"""Most earlier requests that a session remembers."""


class Pipeline:
    """One request, from its text to its answer."""

    def __init__(
        self,
        context: RequestContext,
        slots: DeviceSlots,
        *,
        approve: Approve | None = None,
        prepared: PreparedPlan | None = None,
    ) -> None:
        """Set up one request.

        Args:
            context: Handed down to all stages.
            slots: The devices, shared with all other requests.
            approve: Is shown each plan, and says what of it may run; None: all of it, and each task at once.
            prepared: The plan, where there is one already; then nothing is planned.
        """
        self._context = context
        self._approve = approve
        self._prepared = prepared
        self._selector = ModelSelector(context)
        self._slots = slots
        self._scheduler = Scheduler(context, slots)
        self._responder = Responder(context)
        self._usages: list[Usage] = []
        self._direct_answer = ""
        """The controller's own answer, given while it planned."""
        self._complete = True
        """True if nothing of the plan is known to be missing."""
        self._approval_seconds = 0.0
        """Seconds that approvals have taken; they don't count as the request's time."""
        self._deadline = asyncio.timeout(None)
        self._attached = context.request.attached
        """The request's files, with the text of those pages that had to be read."""

    async def run(self) -> None:
        """Run all four stages; every failure becomes an event."""
        started, emit = time.monotonic(), self._context.emit
        try:
            await self._run_stages()
        except HuggingGPTError as error:
            log.info("request failed", exc_info=error.__cause__)  # expected: the person is told, the log keeps the cause
            emit(RequestFailed(str(error)))  # the session keeps no turn of it
        except Exception as error:  # the outermost seam: the session must survive whatever broke
            log.exception("request broke")
            emit(RequestFailed(f"Something broke inside this program ({type(error).__name__}); the log says more."))
        usages = (*self._usages, *self._selector.usages, *self._scheduler.usages, *self._responder.usages)  # of failures, too
        emit(RequestDone(time.monotonic() - started - self._approval_seconds, sum_usages(usages)))

    async def _run_stages(self) -> None:
        context, request = self._context, self._context.request
        shown = shorten_refused(request.text, context.settings)  # what is refused isn't kept whole by every view of it
        context.emit(RequestStarted(shown, request.attached, context.controller.name))
        check_text(request, context.settings)
        self._tell_remarks(request.attached)
        before = {r.name for r in context.session.workspace.resources}  # to tell later what the tasks have fetched
        plan = await self._plan_and_run(request)
        resources = context.session.workspace.resources
        fetched = [r for r in resources if r.name not in before and r.origin.source in {"url", "example"}]
        if fetched:
            context.emit(ResourcesFetched(tuple(fetched)))
            self._tell_remarks(fetched)
        remaining = self._deadline.when() or 0.0  # None is for a person who thinks about a plan: that is over
        seconds = max(remaining - asyncio.get_running_loop().time(), GRACE_SECONDS)
        # 4 response generation
        answer = await self._responder.respond(
            plan, self._direct_answer, complete=self._complete, seconds=seconds, attached=self._attached
        )
        attached = (each for each in self._attached if "section" not in each.data)  # a page belongs to what named it
        resources = (*attached, *fetched, *(resource for step in context.steps for resource in step.outputs))
        context.session.turns = (*context.session.turns, Turn(request.text, answer, resources))[-MAX_TURNS:]

    def _tell_remarks(self, resources: Sequence[Resource]) -> None:
        """Tell what of the files was left out when they were read."""
        for remark in dict.fromkeys(remark for each in resources if each.file for remark in each.file.remarks):
            self._context.emit(Notice(remark))

    async def _plan_and_run(self, request: PlanRequest) -> Plan:
        """Run stages 1 to 3 until the request's deadline; what is done by then stays.

        Raises:
            DeadlineError: There is no task yet.
        """
        context, seconds = self._context, self._context.settings.request_seconds
        late = f"The request took longer than {seconds:g} s"
        try:
            async with asyncio.timeout(seconds) as self._deadline:
                with closing(self._selector):  # outside of the scheduler: its tasks ask for models until they are over
                    async with self._scheduler:  # left when all of its tasks are over, or with them stopped
                        return await self._run_tasks(request)
        except TimeoutError:
            if not self._deadline.expired():
                raise
        if not context.steps:
            raise DeadlineError(f"{late} and has no plan yet: try again, or another model.")
        for step in context.steps:
            if step.status in {"pending", "running"}:
                context.emit(TaskFailed(step.task.id, f"{late}, so this was stopped.", 0.0))
        context.emit(Notice(f"{late}: the answer is from what was done by then."))
        self._complete = False
        return Plan(tuple(step.task for step in context.steps))

    async def _run_tasks(self, request: PlanRequest) -> Plan:
        read = replace(request, attached=await read_scanned_pages(self._context, self._slots))
        pages = await asyncio.to_thread(select_pages, read, self._context.session.workspace)
        if pages:
            self._context.emit(ResourcesFetched(pages))
        self._attached = (*read.attached, *pages)
        request = replace(request, attached=self._attached)
        # 1 planning; 2 selection and 3 execution of each task begin as soon as the plan has come to it
        plan = await (self._resume(self._prepared) if self._prepared else self._plan(request))
        for _ in range(self._max_replans):
            await self._scheduler.wait()  # what failed shows when all is over
            if not (complaint := describe_failures(self._context.steps)):
                break
            plan = await self._plan(replace(request, complaint=complaint), plan)
        await self._scheduler.wait()
        return plan

    @property
    def _max_replans(self) -> int:
        """Most plans for the rest of the request after tasks have failed."""
        return self._context.settings.replans if self._context.controller.can_replan and not self._prepared else 0

    async def _plan(self, request: PlanRequest, earlier: Plan | None = None) -> Plan:
        """Run stage 1, and start stages 2 and 3 of each task as soon as it is known.

        Args:
            request: What is asked for; with a complaint where there was a plan before.
            earlier: The plan that was run already, and that is added to; what became of it goes with the request.
        """
        context, started = self._context, time.monotonic()
        kept = earlier.tasks if earlier else ()
        planner = Planner(context, replace(request, steps=context.steps), kept)
        new_tasks: list[Task] = []
        end: PlanEnd | None = None
        try:
            async with aclosing(planner.stream_items()) as items:
                async for item in items:
                    match item:
                        case Task():
                            context.emit(TaskPlanned(item))
                            self._selector.start_search([item])
                            new_tasks.append(item)
                            if self._approve is None:  # else nothing starts before the person's word
                                self._start([item])
                        case Usage():
                            self._usages.append(item)
                        case PlanEnd():
                            end = item
                        case _:
                            context.emit(item)
        except HuggingGPTError as error:
            if not new_tasks and earlier is None:
                raise
            context.emit(Notice(f"The rest of the plan is missing: {error}"))
        end = end or PlanEnd(Plan((*kept, *new_tasks)), complete=False)
        plan = end.plan
        self._complete = self._complete and end.complete
        if earlier is None:
            self._direct_answer = end.answer
        added = [task for task in plan.tasks if task.id not in {task.id for task in kept}]
        if earlier is None or added:
            context.emit(Planned(plan, time.monotonic() - started, request.complaint))
        self._selector.start_question(added)
        if self._approve is not None and added:
            plan = await self._get_approval(plan, kept, self._approve)
        self._start(plan.tasks)
        return plan

    def _start(self, tasks: Sequence[Task]) -> None:
        """Start stages 2 and 3 of those tasks that have not started yet."""
        for task in tasks:
            if task.id not in self._scheduler:  # started one by one, while the plan came
                self._scheduler.start(task, self._selector.assign)

    async def _resume(self, prepared: PreparedPlan) -> Plan:
        """Resume a prepared plan: reuse what is done, run the rest."""
        for event in prepared.events():
            self._context.emit(event)
        self._selector.pin_models(prepared.models)
        done = tuple(step.task for step in prepared.done_steps)
        self._scheduler.restore(prepared.done_steps)
        self._selector.start_question([task for task in prepared.plan.tasks if task not in done])
        plan = prepared.plan
        if self._approve is not None and not prepared.approved:
            plan = await self._get_approval(plan, done, self._approve)
        self._start(plan.tasks)
        return plan

    async def _get_approval(self, plan: Plan, kept: Sequence[Task], approve: Approve) -> Plan:
        """Ask the person which part of a plan may run."""
        kept_ids = frozenset(task.id for task in kept)
        open_tasks = [task for task in plan.tasks if task.id not in kept_ids]
        assignments = await asyncio.gather(*map(self._selector.assign, open_tasks), return_exceptions=True)
        models: dict[int, tuple[ModelRef, ...]] = {}
        problems: dict[int, str] = {}
        for task, assignment in zip(open_tasks, assignments, strict=True):
            if isinstance(assignment, HuggingGPTError):
                problems[task.id] = str(assignment)
            elif isinstance(assignment, BaseException):
                raise assignment  # gathered as a result, so that it doesn't hide the others
            else:
                models[task.id] = tuple(card.ref for card in assignment.candidates)
        self._context.emit(ApprovalAsked(models, problems))
        approved = await self._wait_for_approval(approve, Proposal(plan, models, problems, kept_ids))
        self._selector.pin_models(approved.models)  # before the first task starts, which takes its model
        self._context.emit(ApprovalGiven())
        if approved.plan.tasks != plan.tasks:
            self._context.emit(Planned(approved.plan, 0.0, PLAN_CHANGED))
        return approved.plan

    async def _wait_for_approval(self, approve: Approve, proposal: Proposal) -> Approved:
        """Wait for the person's answer; meanwhile the request's time stands still."""
        started, deadline = time.monotonic(), self._deadline.when()
        self._deadline.reschedule(None)
        try:
            return await approve(proposal)
        finally:
            waited = time.monotonic() - started
            self._approval_seconds += waited
            if deadline is not None and not self._deadline.expired():
                self._deadline.reschedule(deadline + waited)
