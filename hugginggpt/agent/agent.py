"""The agent: the four stages of HuggingGPT over one session, as one async stream of events.

1 planning, 2 model selection, 3 task execution, 4 response generation (arXiv 2303.17580, figure 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hugginggpt.agent.pipeline import AgentParts, Pipeline
from hugginggpt.agent.session import Session as Session
from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.core.events import Event, Notice
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable, task_table
from hugginggpt.core.text import printable
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.experts.base import CacheExpert, Expert
from hugginggpt.planning.approval import Approve, PreparedPlan
from hugginggpt.planning.planner import Planner, check_text
from hugginggpt.selection.ranking import Needs, Preferences, Ranking, rank
from hugginggpt.selection.selector import gathered
from hugginggpt.workspace.workspace import Workspace


class HuggingGPT:
    """Plans, selects, runs and answers; shared by all sessions, so device slots and warm models are too."""

    def __init__(
        self,
        experts: Sequence[Expert],
        *,
        fallback: Controller,
        settings: Settings | None = None,
        table: TaskTable | None = None,
        with_key: frozenset[str] = frozenset(),
    ) -> None:
        """Make an agent.

        Args:
            experts: Back ends in order of preference.
            fallback: Plans and answers where a session's own controller has failed at it.
            settings: Limits; by default from the environment.
            table: The task types; by default the shipped ones.
            with_key: Tasks that a session's own key would add a model for, to say so where there is none.
        """
        self.settings = settings or Settings()
        self.table = table or task_table()
        self._parts = AgentParts(tuple(experts), fallback, self.settings, self.table, with_key, DeviceSlots())

    def expert(self, backend: str) -> Expert | None:
        """The back end of that name; None where this agent has none."""
        return next((expert for expert in self._parts.experts if expert.backend == backend), None)

    @property
    def cache(self) -> Path | None:
        """The folder whose models run here; None for the Hugging Face cache, where ``HF_HOME`` says."""
        return next((expert.cache for expert in self._parts.experts if isinstance(expert, CacheExpert)), None)

    def rescan(self) -> None:
        """Have models be found that have just been downloaded."""
        for expert in self._parts.experts:
            if isinstance(expert, CacheExpert):
                expert.rescan()

    def new_session(self) -> Session:
        """A session with an empty workspace; close it when its person leaves."""
        return Session(Workspace.create(self.settings))

    def candidates(
        self, extra: Sequence[Expert] = (), tasks: Collection[str] | None = None, preferences: Preferences | None = None
    ) -> Mapping[str, Ranking]:
        """The models that can do each task here and now, ranked for a request that asks for nothing special.

        Looks at the disk and asks servers: not for the event loop.

        Args:
            extra: Back ends of one session.
            tasks: Those that are asked about; None: all.
            preferences: What the visitor has settled.
        """
        found = gathered((*self._parts.experts, *extra), tasks)
        return {task: rank(cards, Needs(), preferences) for task, cards in found.items()}

    async def run(
        self,
        text: str,
        session: Session,
        controller: Controller,
        attached: Sequence[Resource] = (),
        *,
        extra: Sequence[Expert] = (),
        preferences: Preferences | None = None,
        settings: Settings | None = None,
        approve: Approve | None = None,
        given: PreparedPlan | None = None,
    ) -> AsyncIterator[Event]:
        """Work on one request and tell everything that happens.

        Closing the generator, or cancelling the task that reads it, stops the request.

        Args:
            text: What the person asks for.
            session: Whose workspace and history are used; the request is added to its history.
            controller: Plans, selects, answers.
            attached: Resources of the workspace that come with this request.
            extra: Back ends of this session alone, made with its own keys.
            preferences: Which models the person has pinned or banned, and where models may run.
            settings: Limits of this request; by default the agent's own.
            approve: Is shown each plan, and says what of it may run; None: all of it, and each task at once.
            given: The plan, where there is one already; then nothing is planned.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        parts = replace(self._parts, settings=settings or self.settings)
        request = Pipeline(
            parts,
            text,
            session,
            controller,
            tuple(attached),
            tuple(extra),
            events.put_nowait,
            preferences,
            approve=approve,
            given=given,
        )
        worker = asyncio.create_task(request.work())
        worker.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
        finally:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker

    async def plan(self, text: str, session: Session, controller: Controller, attached: Sequence[Resource] = ()) -> Plan:
        """Stage 1 alone.

        Raises:
            HuggingGPTError: No plan can be made; the message says why.
        """
        request = PlanRequest(printable(text), tuple(attached), session.turns)
        check_text(request, self.settings)
        told: list[Notice] = []
        planning = Planner(controller, self.table, self.settings, fallback=self._parts.fallback, tell=told.append)
        plan = await planning.plan(request)
        answer = [f"It would be answered at once: {planning.said}"] if planning.said and not plan.tasks else []
        return replace(plan, notes=(*(notice.message for notice in told), *answer, *plan.notes))
