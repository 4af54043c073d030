"""The agent: the four stages of HuggingGPT over one session, as one async stream of events.

1 planning, 2 model selection, 3 task execution, 4 response generation (arXiv 2303.17580, figure 2).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from hugginggpt.agent.pipeline import Pipeline
from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.controllers.context import RequestContext
from hugginggpt.controllers.context import Session as Session  # re-exported, for the front ends
from hugginggpt.core.events import Event, Notice
from hugginggpt.core.model_card import Preferences
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.text import make_printable
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.experts.base import CacheExpert, CacheLister, Expert
from hugginggpt.hub.cache_faults import UnusableModel
from hugginggpt.planning.approval import Approve, PreparedPlan
from hugginggpt.planning.planner import PlanEnd, Planner, check_text
from hugginggpt.selection.ranking import Needs, Ranking, rank_cards
from hugginggpt.selection.selector import gather_candidates
from hugginggpt.workspace.document_files import SCANNED_PAGE
from hugginggpt.workspace.storage import Storage
from hugginggpt.workspace.text_tables import add_pasted_table
from hugginggpt.workspace.workspace import Workspace


class HuggingGPT:
    """Agent that plans, selects, runs and answers; shared by all sessions, as are device slots and warm models."""

    def __init__(
        self,
        experts: Sequence[Expert],
        *,
        fallback: Controller,
        settings: Settings | None = None,
        table: TaskTable | None = None,
        with_key: frozenset[str] = frozenset(),
    ) -> None:
        """Set up an agent.

        Args:
            experts: Back ends in order of preference.
            fallback: Plans and answers where a session's own controller has failed at it.
            settings: Limits; by default from the environment.
            table: The task types; by default the shipped ones.
            with_key: Tasks that a session's own key would add a model for, to say so where there is none.
        """
        self.settings = settings or Settings()
        self.table = table or load_task_table()
        self._experts = tuple(experts)
        self._fallback = fallback
        self._with_key = with_key
        self.storage = Storage.create(self.settings)
        """Budget of bytes for the files of all sessions."""
        self._slots = DeviceSlots()  # one for all sessions: they share the machine's devices

    def expert(self, backend: str) -> Expert | None:
        """Return the back end of that name; None where this agent has none."""
        return next((expert for expert in self._experts if expert.backend == backend), None)

    @property
    def cache(self) -> Path | None:
        """Folder whose models run here; None for the Hugging Face cache, as set by ``HF_HOME``."""
        return next((expert.cache for expert in self._experts if isinstance(expert, CacheExpert)), None)

    def rescan(self) -> None:
        """Find models that have just been downloaded."""
        for expert in self._experts:
            if isinstance(expert, CacheExpert):
                expert.rescan()

    def list_unusable(self) -> Sequence[UnusableModel]:
        """Return the cached models that can't be run here, each with its reason. Reads the disk: not for the event loop."""
        return [model for expert in self._experts if isinstance(expert, CacheLister) for model in expert.list_unusable()]

    def new_session(self) -> Session:
        """Create a session with an empty workspace; close it when its person leaves."""
        return Session(Workspace.create(self.settings, storage=self.storage))

    def candidates(
        self, extra: Sequence[Expert] = (), tasks: Collection[str] | None = None, preferences: Preferences | None = None
    ) -> Mapping[str, Ranking]:
        """Return the models that can do each task here and now, ranked for a request that asks for nothing special.

        Looks at the disk and asks servers: not for the event loop.

        Args:
            extra: Back ends of one session.
            tasks: Those that are asked about; None: all.
            preferences: What the visitor has settled.
        """
        cards_by_task = gather_candidates((*self._experts, *extra), tasks)
        return {task: rank_cards(cards, Needs(), preferences) for task, cards in cards_by_task.items()}

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
        prepared: PreparedPlan | None = None,
    ) -> AsyncIterator[Event]:
        """Work on one request and yield everything that happens.

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
            prepared: The plan, where there is one already; then nothing is planned.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()  # unbounded: a slow reader must not hold up the work
        context = self._build_context(text, session, controller, attached, events.put_nowait)
        experts, limits = (*self._experts, *extra), settings or self.settings  # of two with one name the last counts
        context = replace(context, experts=experts, settings=limits, preferences=preferences or Preferences())
        worker = asyncio.create_task(Pipeline(context, self._slots, approve=approve, prepared=prepared).run())
        worker.add_done_callback(lambda _: events.put_nowait(None))  # however it ends, the reader is told
        with session.workspace.files.hold():
            try:
                while (event := await events.get()) is not None:
                    yield event
            finally:
                worker.cancel()  # the reader has gone, or was cancelled: so is the request
                with suppress(asyncio.CancelledError):
                    await worker  # so that nothing of the request runs on when the generator is closed

    async def plan(self, text: str, session: Session, controller: Controller, attached: Sequence[Resource] = ()) -> Plan:
        """Return the plan of a request, with remarks: stage 1 alone.

        Raises:
            HuggingGPTError: No plan can be made; the message says why.
        """
        context = self._build_context(text, session, controller, attached, lambda event: None)
        check_text(context.request, self.settings)
        remarks: list[str] = []
        end = PlanEnd(Plan(()))
        async with aclosing(Planner(context).stream_items()) as items:
            async for item in items:
                if isinstance(item, Notice):
                    remarks.append(item.message)
                elif isinstance(item, PlanEnd):
                    end = item
        answer = [f"It would be answered at once: {end.answer}"] if end.answer and not end.plan.tasks else []
        return replace(end.plan, notes=(*remarks, *answer, *end.plan.notes))

    def _build_context(
        self, text: str, session: Session, controller: Controller, attached: Sequence[Resource], send: Callable[[Event], None]
    ) -> RequestContext:
        parts = [part for each in attached for part in session.workspace.list_parts(each) if SCANNED_PAGE not in part.data]
        is_refused = len(text) > self.settings.max_request_chars
        pasted = () if attached or is_refused else filter(None, [add_pasted_table(session.workspace, text)])
        files = tuple(dict.fromkeys((*attached, *parts, *pasted)))
        request = PlanRequest(make_printable(text), files, session.turns)  # a lone surrogate can't be encoded
        context = RequestContext(request, session, self.settings, controller, self._fallback, self._experts, send)
        return replace(context, table=self.table, tasks_with_key=self._with_key)
