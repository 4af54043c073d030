"""The same agent for programs: named, typed endpoints for Gradio's clients, for curl and for MCP clients.

The docstrings of the endpoints are what an MCP client's model reads about its tools. Annotations are no texts here
(no ``from __future__ import annotations``): Gradio makes the schemas of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api
from gradio.utils import get_upload_folder

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_controller, make_session_experts
from hugginggpt.core.errors import HuggingGPTError, RequestError
from hugginggpt.core.events import Event
from hugginggpt.core.resources import Resource
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.overview import build_overview
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.selection.ranking import Ranking
from hugginggpt.ui.api.auth import read_keys, take_files
from hugginggpt.ui.api.progress import CallProgress, wait_for_hang_up
from hugginggpt.ui.api.schemas import (
    ModelResult,
    PlanResult,
    RunResult,
    TaskResult,
    build_model_result,
    build_run_result,
    build_task_result,
)
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession

log = logging.getLogger(__name__)

_AT_ONCE: Final = 8
"""Calls that are worked on at once, beside those of the page; models take turns by their slots."""
_KEPT_SECONDS: Final = 600.0
"""Seconds for which a call's files can be fetched after it."""
_MOST_KEPT: Final = 100
"""Calls whose files are kept at once; of more, the oldest go early."""


class Api:
    """The endpoints over one agent."""

    def __init__(
        self,
        agent: HuggingGPT,
        name_of: Callable[[gr.Request], str],
        *,
        shared: SharedToken | None = None,
        kept_seconds: float = _KEPT_SECONDS,
    ) -> None:
        """Make them.

        Args:
            agent: Does the work.
            name_of: What tells visitors apart.
            shared: The token of the page's owner, where it is given away.
            kept_seconds: How long a call's files can be fetched after it.
        """
        self._agent = agent
        self._name_of = name_of
        self._shared = shared
        self._kept_seconds = kept_seconds
        self._kept: deque[TabSession] = deque()

    def add(self) -> None:
        """Add them to the Blocks in which the caller stands."""
        for endpoint in (self.run, self.plan, self.list_tasks, self.list_models):
            api(endpoint, concurrency_limit=_AT_ONCE, concurrency_id="api")

    async def run(self, request: str, caller: gr.Request, files: list[FileData] | None = None) -> RunResult:
        """
        Do what a request in plain words asks for, with text, pictures, sound, video and tables: plans tasks, picks an expert
        model for each, runs them and answers. For example: "read the text in this picture aloud", "what is in this photo?",
        "write down what is said in this recording". Takes seconds to minutes, and reports progress.

        Args:
            request: What is to be done, in plain English, or in any language where a language model plans.
            files: What the request is about: pictures, recordings, videos, texts, tables, each as an upload or a http(s) URL.

        Returns:
            the answer in words
            the plan, and for each step its status, model, seconds and error
            the resources that were used and made: texts as they are, files to download within ten minutes
            what language models cost
        """
        with _told():
            async with self._visit(caller) as visit:
                attached = await self._attached(visit, files)
                events = await self._events(visit, caller, request, attached)
                if visit.work is not None and visit.work.run.stopped:
                    raise RequestError("The caller has hung up, so the request was stopped.")
                result = build_run_result(events)
                self._keep(visit)
                return result

    async def plan(self, request: str, caller: gr.Request, files: list[FileData] | None = None) -> PlanResult:
        """
        Plan what a request in plain words would take, and run nothing: which tasks, in which order, on which inputs.

        Args:
            request: What is to be done, in plain English, or in any language where a language model plans.
            files: What the request is about: pictures, recordings, videos, texts, tables, each as an upload or a http(s) URL.

        Returns:
            who planned
            the tasks, each with its id, the ids that it waits for and its arguments ("<resource>-0" is what task 0 makes)
            notes on what had to be repaired or can't be done
        """
        with _told():
            async with self._visit(caller) as visit:
                attached = await self._attached(visit, files)
                controller = make_controller(visit.model)
                plan = await self._agent.plan(request, visit.session, controller, attached)
                return PlanResult(controller=controller.name, plan=plan.as_json(), notes=list(plan.notes))

    async def list_tasks(self, caller: gr.Request) -> list[TaskResult]:
        """
        List all tasks that requests can be made of.

        Returns:
            for each task its name, what it does, its inputs and outputs
            whether a model for it can run here and now, and how many can
        """
        with _told():
            async with self._visit(caller) as visit:
                ranked = await self._ranked(visit, caller, set(self._agent.table))
        return [build_task_result(row, ranked.get(row.name, Ranking(()))) for row in self._agent.table.values()]

    async def list_models(self, task: str, caller: gr.Request) -> list[ModelResult]:
        """
        List the models that are known for a task, those that can run here and now first, the one that would be taken first
        of all.

        Args:
            task: The name of a task, such as image-to-text; list_tasks tells them.

        Returns:
            for each model its id, where it runs and whether it can run now
            its licence, size in megabytes, languages and what it is good at
            for the first, why it is the first
        """
        with _told():
            name = self._agent.table.recognise(task)
            if name is None:
                raise RequestError(f"“{task[:60]}” is no task: list_tasks tells them.")
            async with self._visit(caller) as visit:
                ranking = (await self._ranked(visit, caller, {name})).get(name, Ranking(()))
        rows = build_overview(ranking.cards, [name], local=self._agent.expert("local") is not None)
        first = ranking.cards[0].id if ranking.cards else None
        return [build_model_result(row, ranking.reason if row.id == first and not n else "") for n, row in enumerate(rows)]

    @asynccontextmanager
    async def _visit(self, caller: gr.Request) -> AsyncIterator[TabSession]:
        """A session for this call alone; unless it is kept, its files go with the call."""
        keys = read_keys(caller.headers or {})
        model = await keys.language_model()
        visit = TabSession(self._agent.new_session(), model, token=keys.hf_token)
        try:
            yield visit
        finally:
            # without its keys, whatever still holds on to it
            visit.model, visit.token = None, ""
            if visit not in self._kept:
                visit.close()

    async def _attached(self, visit: TabSession, files: Sequence[object] | None) -> list[Resource]:
        settings, uploads = self._agent.settings, Path(get_upload_folder())
        return await take_files(visit.session.workspace, files, uploads, max_bytes=settings.max_file_bytes)

    async def _ranked(self, visit: TabSession, caller: gr.Request, tasks: set[str]) -> dict[str, Ranking]:
        experts = make_session_experts(self._agent, visit.model, visitor=visit.visitor(self._shared, self._name_of(caller)))
        return dict(await run_in_daemon_thread(lambda: self._agent.candidates(experts, tasks)))

    async def _events(self, visit: TabSession, caller: gr.Request, request: str, attached: Sequence[Resource]) -> list[Event]:
        experts = make_session_experts(self._agent, visit.model, visitor=visit.visitor(self._shared, self._name_of(caller)))
        tell = CallProgress()
        stream = self._agent.run(request, visit.session, make_controller(visit.model), attached, extra=experts)
        work = visit.begin(BackgroundRun(request, tuple(attached)), stream)
        watching = asyncio.create_task(_stop_when_gone(visit, caller))
        told = 0
        try:
            async with aclosing(work.follow()) as changes:
                async for count in changes:
                    for event in work.run.events[told:count]:
                        tell(event)
                    told = count
        finally:
            watching.cancel()
            await visit.stop()
            with suppress(asyncio.CancelledError):
                await watching
        return work.run.events

    def _keep(self, visit: TabSession) -> None:
        """Delete the files of a call only after a while; they go earlier where there are too many, or the server ends."""
        self._kept.append(visit)
        asyncio.get_running_loop().call_later(self._kept_seconds, self._forget, visit)
        if len(self._kept) > _MOST_KEPT:
            self._forget(self._kept[0])

    def _forget(self, visit: TabSession) -> None:
        if visit in self._kept:
            self._kept.remove(visit)
        visit.close()


@contextmanager
def _told() -> Iterator[None]:
    """A sentence for a person reaches the caller as Gradio's error."""
    try:
        yield
    except HuggingGPTError as error:
        log.info("a call was refused: %s", type(error).__name__)
        raise gr.Error(str(error), print_exception=False) from None


async def _stop_when_gone(visit: TabSession, caller: gr.Request) -> None:
    await wait_for_hang_up(caller)
    await visit.stop()
