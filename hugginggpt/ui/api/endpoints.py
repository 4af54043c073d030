"""The same agent for programs: named, typed endpoints for Gradio's clients, for curl and for MCP clients.

The docstrings of the endpoints are what an MCP client's model reads about its tools. Annotations are no texts here
(no ``from __future__ import annotations``): Gradio makes the schemas of them.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api
from gradio.utils import get_upload_folder

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_controller, make_session_experts
from hugginggpt.core.errors import HuggingGPTError, RequestError, ResourceError
from hugginggpt.core.events import Event
from hugginggpt.core.resources import Resource
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.overview import build_overview
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.planning.planner import check_length
from hugginggpt.selection.ranking import Ranking
from hugginggpt.ui.api.auth import read_keys, take_files
from hugginggpt.ui.api.progress import HANG_UP_MESSAGE, CallProgress, leave_at_hang_up, report_waiting, wait_for_hang_up
from hugginggpt.ui.api.schemas import (
    ModelResult,
    PlanResult,
    RunResult,
    TaskResult,
    build_model_result,
    build_run_result,
    build_task_result,
)
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession

log = logging.getLogger(__name__)

_RETENTION_SECONDS: Final = 600.0  # seconds for which a call's files can be fetched after it
_MAX_RETAINED_CALLS: Final = 100  # calls whose files are kept at once; of more, the oldest go early


class Api:
    """The endpoints over one agent."""

    def __init__(
        self,
        agent: HuggingGPT,
        read_visitor: Callable[[gr.Request], str],
        admission: Admission,
        *,
        shared: SharedToken | None = None,
        retention_seconds: float = _RETENTION_SECONDS,
    ) -> None:
        """Set up the endpoints.

        Args:
            agent: Does the work.
            read_visitor: Gives the text that tells visitors apart.
            admission: Whose turn it is to have a request run, of the API and on the page.
            shared: The token of the page's owner, where it is given away.
            retention_seconds: How long a call's files can be fetched after it.
        """
        self._agent = agent
        self._read_visitor = read_visitor
        self._run_admission = admission
        # plans and lists have places of their own: they don't wait behind runs
        self._quick_admission = Admission(agent.settings)
        self._shared = shared
        self._retention_seconds = retention_seconds
        self._retained: deque[TabSession] = deque()

    def add(self) -> None:
        """Add the endpoints to the Blocks whose context is open."""
        for endpoint in (self.run, self.plan, self.list_tasks, self.list_models):
            api(endpoint, concurrency_limit=None)  # admission is by visitor, which Gradio's queue doesn't know

    async def run(self, request: str, caller: gr.Request, files: list[FileData] | None = None) -> RunResult:
        """
        Do what a request in plain words asks for, with text, pictures, sound, video and tables: plans tasks, picks an expert
        model for each, runs them and answers. For example: "read the text in this picture aloud", "what is in this photo?",
        "write down what is said in this recording". Takes seconds to minutes, and reports progress.

        Args:
            request: What is to be done, in plain English, or in any language where a language model plans.
            files: What the request is about: pictures, recordings, videos, texts, tables, documents (PDF, Word, Excel …), each
                as an upload or a http(s) URL.

        Returns:
            the answer in words
            the plan, and for each step its status, model, seconds and error
            the resources that were used and made: texts (of more than 100,000 characters the beginning), and files to
            download within ten minutes
            what language models cost
        """
        with _report_errors():
            self._check_request(request)  # before anything of it is kept
            async with self._admit(caller, self._run_admission), self._open_session(caller) as tab:
                started = time.monotonic()
                attached = await self._take_attachments(tab, caller, files)
                seconds = self._agent.settings.request_seconds - (time.monotonic() - started)
                events = await self._follow(tab, caller, request, attached, max(round(seconds, 1), 1.0))
                if tab.worker is not None and tab.worker.run.stopped:
                    raise RequestError(HANG_UP_MESSAGE)
                result = build_run_result(events)
                self._retain(tab)  # only now: a call that failed leaves no files
                return result

    async def plan(self, request: str, caller: gr.Request, files: list[FileData] | None = None) -> PlanResult:
        """
        Plan what a request in plain words would take, and run nothing: which tasks, in which order, on which inputs.

        Args:
            request: What is to be done, in plain English, or in any language where a language model plans.
            files: What the request is about: pictures, recordings, videos, texts, tables, documents (PDF, Word, Excel …), each
                as an upload or a http(s) URL.

        Returns:
            who planned
            the tasks, each with its id, the ids that it waits for and its arguments ("<resource>-0" is what task 0 makes)
            notes on what had to be repaired or can't be done
        """
        with _report_errors():
            self._check_request(request)
            async with self._admit(caller, self._quick_admission), self._open_session(caller) as tab:
                attached = await self._take_attachments(tab, caller, files)
                controller = make_controller(tab.model)
                plan = await self._agent.plan(request, tab.session, controller, attached)
                return PlanResult(controller=controller.name, plan=plan.as_json(), notes=list(plan.notes))

    async def list_tasks(self, caller: gr.Request) -> list[TaskResult]:
        """
        List all tasks that requests can be made of.

        Returns:
            for each task its name, what it does, its inputs and outputs
            whether a model for it can run here and now, and how many can
        """
        with _report_errors():
            async with self._admit(caller, self._quick_admission), self._open_session(caller) as tab:
                ranked = await self._rank_models(tab, caller, set(self._agent.table))
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
        with _report_errors():
            name = self._agent.table.recognise(task) if isinstance(task, str) else None
            if name is None:
                raise RequestError(f"“{str(task)[:60]}” is no task: list_tasks tells them.")
            async with self._admit(caller, self._quick_admission), self._open_session(caller) as tab:
                ranking = (await self._rank_models(tab, caller, {name})).get(name, Ranking(()))
        rows = build_overview(ranking.cards, [name], local=self._agent.expert("local") is not None)
        first = ranking.cards[0].id if ranking.cards else None
        return [build_model_result(row, ranking.reason if row.id == first and not n else "") for n, row in enumerate(rows)]

    @asynccontextmanager
    async def _admit(self, caller: gr.Request, admission: Admission) -> AsyncIterator[None]:
        """Wait for the caller's turn, before anything is made for the call, and hold it."""
        show = gr.Progress()
        async with AsyncExitStack() as held:
            async with leave_at_hang_up(caller):
                turn = admission.admit(self._read_visitor(caller), partial(report_waiting, show))
                await held.enter_async_context(turn)
            yield

    @asynccontextmanager
    async def _open_session(self, caller: gr.Request) -> AsyncIterator[TabSession]:
        """Open a session for this call alone; unless it is kept, its files go with the call."""
        keys = read_keys(caller.headers or {})
        model = await keys.make_language_model()  # first: a refused caller needs no session folder
        session = self._agent.new_session()
        session.visitor = self._read_visitor(caller)
        router = f"{self._agent.settings.router.rstrip('/')}/v1"
        tab = TabSession(session, model, token=keys.hf_token, router=router)
        tab.charge(keys.bill_to)
        try:
            yield tab
        finally:
            # without its keys, whatever still holds on to it
            tab.model, tab.token = None, ""
            if tab not in self._retained:
                tab.close()

    def _check_request(self, request: object) -> None:
        if not isinstance(request, str):  # Gradio hands on whatever a client sends
            raise RequestError("The request is no text: write what you want done.")
        check_length(request, self._agent.settings)

    async def _take_attachments(self, tab: TabSession, caller: gr.Request, files: Sequence[object] | None) -> list[Resource]:
        """Take the files within the request's time: each address alone could take the time that one fetch may."""
        settings, uploads = self._agent.settings, Path(get_upload_folder())
        try:
            async with leave_at_hang_up(caller), asyncio.timeout(settings.request_seconds):
                return await take_files(tab.session.workspace, files, uploads, max_bytes=settings.max_file_bytes)
        except TimeoutError:
            raise ResourceError(
                f"The files took longer than {settings.request_seconds:g} s: upload them, or send fewer."
            ) from None

    async def _rank_models(self, tab: TabSession, caller: gr.Request, tasks: set[str]) -> dict[str, Ranking]:
        experts = make_session_experts(
            self._agent, tab.model, visitor=tab.build_visitor(self._shared, self._read_visitor(caller))
        )
        return dict(await run_in_daemon_thread(lambda: self._agent.candidates(experts, tasks)))  # reads disks, asks servers

    async def _follow(
        self, tab: TabSession, caller: gr.Request, request: str, attached: Sequence[Resource], seconds: float
    ) -> list[Event]:
        experts = make_session_experts(
            self._agent, tab.model, visitor=tab.build_visitor(self._shared, self._read_visitor(caller))
        )
        report = CallProgress()
        limits = self._agent.settings.model_copy(update={"request_seconds": seconds})
        controller = make_controller(tab.model)
        stream = self._agent.run(request, tab.session, controller, attached, extra=experts, settings=limits)
        work = tab.start_run(BackgroundRun(request, tuple(attached)), stream)
        watcher = asyncio.create_task(_stop_when_gone(tab, caller))  # Gradio lets the request of a lost caller run on
        reported = 0
        try:
            async with aclosing(work.follow()) as changes:
                async for count in changes:
                    for event in work.run.events[reported:count]:
                        report(event)
                    reported = count
        finally:
            watcher.cancel()
            await tab.stop()  # also where this handler itself is cancelled
            with suppress(asyncio.CancelledError):
                await watcher
        return work.run.events

    def _retain(self, tab: TabSession) -> None:
        """Delete the files of a call only after a while; they go earlier where there are too many, or the server ends."""
        self._retained.append(tab)
        asyncio.get_running_loop().call_later(self._retention_seconds, self._forget, tab)
        if len(self._retained) > _MAX_RETAINED_CALLS:
            self._forget(self._retained[0])  # its timer comes later and finds nothing to do

    def _forget(self, tab: TabSession) -> None:
        if tab in self._retained:
            self._retained.remove(tab)
        tab.close()


@contextmanager
def _report_errors() -> Iterator[None]:
    """Turn an error that is written for people into Gradio's error, which reaches the caller."""
    try:
        yield
    except HuggingGPTError as error:
        log.info("a call was refused: %s", type(error).__name__)  # its text may quote the request
        raise gr.Error(str(error), print_exception=False) from None  # an expected error needs no traceback


async def _stop_when_gone(tab: TabSession, caller: gr.Request) -> None:
    await wait_for_hang_up(caller)
    await tab.stop()
