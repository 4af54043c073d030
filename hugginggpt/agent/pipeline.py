"""One request on its way through the four stages: 1 planning, 2 model selection, 3 task execution, 4 response generation.

Source: arXiv 2303.17580, figure 2. The stages overlap: a task is looked up, assigned and run while the plan goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from hugginggpt.agent.session import Session
from hugginggpt.controllers.base import Controller, PlanRequest, RespondRequest, Turn
from hugginggpt.core.errors import ControllerError, HuggingGPTError
from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    Emit,
    Event,
    ModelRef,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    ResourcesFetched,
    TaskPlanned,
    Usage,
)
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.text import printable
from hugginggpt.core.trace import fold_steps
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.execution.scheduler import PlanRun, Scheduler
from hugginggpt.experts.base import Expert, Limits
from hugginggpt.planning.approval import CHANGED, Approve, PreparedPlan, Proposal
from hugginggpt.planning.planner import Planner, check_text
from hugginggpt.response.checks import complete, gone_wrong, invented, summed
from hugginggpt.selection.ranking import Preferences
from hugginggpt.selection.selector import ModelSelector

log = logging.getLogger(__name__)

_KEPT_TURNS = 20


@dataclass(frozen=True, slots=True)
class AgentParts:
    """What an agent is made of; shared by all its requests."""

    experts: tuple[Expert, ...]
    fallback: Controller
    """Plans and answers where a session's own controller has failed at it."""
    settings: Settings
    table: TaskTable
    with_key: frozenset[str]
    """Tasks that a session's own key would add a model for."""
    slots: DeviceSlots


class Pipeline:
    """One request."""

    def __init__(
        self,
        parts: AgentParts,
        text: str,
        session: Session,
        controller: Controller,
        attached: tuple[Resource, ...],
        extra: tuple[Expert, ...],
        emit: Emit,
        preferences: Preferences | None = None,
        *,
        approve: Approve | None = None,
        given: PreparedPlan | None = None,
    ) -> None:
        self._preferences = preferences or Preferences()
        self._approve = approve
        self._given = given
        self._parts = parts
        self._session = session
        self._controller = controller
        self._extra = extra
        self._send = emit
        self._events: list[Event] = []
        self._usages: list[Usage] = []
        self._said = ""
        self._waited = 0.0
        """How long the person has thought about plans, in seconds: that is not the request's time."""
        self._whole = True
        self._request = PlanRequest(printable(text), attached, session.turns)

    def _emit(self, event: Event) -> None:
        self._events.append(event)
        self._send(event)

    async def work(self) -> None:
        """All four stages; every failure becomes an event."""
        begun = time.monotonic()
        try:
            await self._stages()
        except HuggingGPTError as error:
            log.info("request failed", exc_info=error.__cause__)
            self._emit(RequestFailed(str(error)))
        except Exception as error:  # the outermost seam: the session must survive whatever broke
            log.exception("request broke")
            self._emit(RequestFailed(f"Something broke inside this program ({type(error).__name__}); the log says more."))
        self._emit(RequestDone(time.monotonic() - begun - self._waited, summed(self._usages)))

    async def _stages(self) -> None:
        request, parts, settings = self._request, self._parts, self._parts.settings
        self._emit(RequestStarted(request.text, request.attached, self._controller.name))
        check_text(request, settings)
        workspace = self._session.workspace
        experts = (*parts.experts, *self._extra)
        chooser = ModelSelector(
            experts,
            self._controller,
            request,
            parts.table,
            self._preferences,
            settings.top_k,
            settings.select_seconds,
            self._emit,
            self._usages.append,
            parts.with_key,
            lambda: tuple(workspace.resources),
        )
        known = set(workspace.resources)
        limits = Limits(settings.max_pixels, settings.max_audio_seconds)
        scheduler = Scheduler(experts, parts.table, task_seconds=settings.task_seconds, slots=parts.slots, limits=limits)
        try:
            async with scheduler.running(workspace, chooser.assign, self._emit) as run:
                plan = (
                    await self._planned(request, run, chooser)
                    if self._given is None
                    else await self._taken(self._given, run, chooser)
                )
                for _ in range(settings.replans if self._controller.replans and self._given is None else 0):
                    await run.over()
                    if not (wrong := gone_wrong(fold_steps(self._events))):
                        break
                    plan = await self._planned(replace(request, complaint=wrong), run, chooser, plan)
        finally:
            chooser.stop()
        self._usages += run.usages
        fetched = [r for r in workspace.resources if r not in known and r.origin.source in {"url", "example"}]
        if fetched:
            self._emit(ResourcesFetched(tuple(fetched)))
        await self._respond(plan, fetched)

    async def _planned(self, request: PlanRequest, run: PlanRun, chooser: ModelSelector, before: Plan | None = None) -> Plan:
        """Plan, and begin each task as soon as it is known.

        Args:
            request: What is asked for; with a complaint where there was a plan before.
            run: Takes the tasks.
            chooser: Finds their models.
            before: The plan that was run already, and that is added to; what became of it goes with the request.
        """

        taken: list[Task] = []

        def take(task: Task) -> None:
            self._emit(TaskPlanned(task))
            chooser.expect([task])
            if self._approve is None:
                taken.append(task)
                run.add(task)

        begun = time.monotonic()
        kept = before.tasks if before else ()
        steps = fold_steps(self._events)
        planning = Planner(
            self._controller,
            self._parts.table,
            self._parts.settings,
            take,
            self._say,
            self._parts.fallback,
            self._usages.append,
            self._emit,
            lambda: fold_steps(self._events),
        )
        try:
            plan = await planning.plan(replace(request, steps=steps), kept)
        except HuggingGPTError as error:
            if not planning.free and before is None:
                raise
            self._emit(Notice(f"The rest of the plan is missing: {error}"))
            self._whole = False
            plan = Plan(planning.free or kept)
        if before is None:
            self._said = planning.said
        self._whole = self._whole and planning.whole
        known = {task.id for task in (*kept, *taken)}
        if before is None or len(plan.tasks) > len(kept):
            self._emit(Planned(plan, time.monotonic() - begun, request.complaint))
        old = {task.id for task in kept}
        chooser.decide([task for task in plan.tasks if task.id not in old])
        if self._approve is not None and len(plan.tasks) > len(kept):
            plan = await self._approved(plan, kept, chooser, self._approve)
        run.add(*(task for task in plan.tasks if task.id not in known))
        return plan

    async def _approved(self, plan: Plan, kept: Sequence[Task], chooser: ModelSelector, approve: Approve) -> Plan:
        """What the person lets run of a plan; they take the time they need."""
        old = {task.id for task in kept}
        open_ = [task for task in plan.tasks if task.id not in old]
        found = await asyncio.gather(*(chooser.assign(task) for task in open_), return_exceptions=True)
        models: dict[int, tuple[ModelRef, ...]] = {}
        problems: dict[int, str] = {}
        for task, assignment in zip(open_, found, strict=True):
            if isinstance(assignment, HuggingGPTError):
                problems[task.id] = str(assignment)
            elif isinstance(assignment, BaseException):
                raise assignment
            else:
                models[task.id] = tuple(card.ref for card in assignment.candidates)
        self._emit(ApprovalAsked(models, problems))
        asked = time.monotonic()
        approved = await approve(Proposal(plan, models, problems, frozenset(old)))
        self._waited += time.monotonic() - asked
        chooser.chosen.update(approved.models)
        self._emit(ApprovalGiven())
        if approved.plan.tasks != plan.tasks:
            self._emit(Planned(approved.plan, 0.0, CHANGED))
        return approved.plan

    async def _taken(self, given: PreparedPlan, run: PlanRun, chooser: ModelSelector) -> Plan:
        """A plan that was there already: what is done stays, the rest runs."""
        for event in given.events():
            self._emit(event)
        chooser.chosen.update(given.models)
        done = tuple(step.task for step in given.done)
        run.keep(*given.done)
        chooser.decide([task for task in given.plan.tasks if task not in done])
        plan = given.plan
        if self._approve is not None and not given.approved:
            plan = await self._approved(plan, done, chooser, self._approve)
        run.add(*(task for task in plan.tasks if task not in done))
        return plan

    def _say(self, words: str, begins: bool) -> None:
        """The controller answers by itself."""
        self._emit(AnswerDelta(words, restarts=begins))

    async def _respond(self, plan: Plan, fetched: Sequence[Resource]) -> None:
        steps = fold_steps(self._events)
        request = RespondRequest(self._request.text, self._request.attached, plan, steps, self._session.turns)
        answer = self._said if self._said and not plan.tasks else await self._answer_or_fallback(request)
        if names := invented(answer, request, self._session.workspace):
            self._emit(Notice(f"The answer names {', '.join(names)}, which does not exist."))
        self._emit(Answered(answer, self._whole and complete(plan, steps)))
        made = (*self._request.attached, *fetched, *(resource for step in steps for resource in step.outputs))
        turn = Turn(self._request.text, answer, made)
        self._session.turns = (*self._session.turns, turn)[-_KEPT_TURNS:]

    async def _answer_or_fallback(self, request: RespondRequest) -> str:
        """The controller's answer; results are never lost because the words about them failed."""
        if self._controller is self._parts.fallback or not request.steps:  # without results there is nothing to fall back on
            return await self._answer(self._controller, request)
        try:
            return await self._answer(self._controller, request)
        except HuggingGPTError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"it took longer than {self._parts.settings.respond_seconds:g} s"
        except Exception as error:  # the seam to a controller
            log.exception("answering broke")
            reason = type(error).__name__
        self._emit(Notice(f"{self._controller.name} could not write the answer ({reason}); this one is built in."))
        return await self._answer(self._parts.fallback, request)

    async def _answer(self, controller: Controller, request: RespondRequest) -> str:
        pieces: list[str] = []
        async with asyncio.timeout(self._parts.settings.respond_seconds):
            async with aclosing(controller.respond(request)) as words:
                async for piece in words:
                    if isinstance(piece, Usage):
                        self._usages.append(piece)
                    else:
                        self._emit(AnswerDelta(piece, restarts=not pieces))
                        pieces.append(piece)
        if not (answer := "".join(pieces).strip()):
            raise ControllerError(f"{controller.name} answered nothing.")
        return answer
