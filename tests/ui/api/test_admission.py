"""Many calls of the API at once: who waits for whom, what they hear, and what is left of them in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import gradio as gr
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from mcp import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.ui.api.endpoints import Api
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.server_state import bound_resources
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

SUMMARIZE = "Summarize this text: The river rose during the night, and by morning the lower fields lay under water."


@dataclass
class Held:
    """A model that answers when it is let go."""

    backend: str = "held"
    over: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        return [ModelCard("held", "summarization", self.backend, "")]

    async def run(self, call: Call) -> Result:
        self.begun.append(call.text())
        await self.over.wait()
        return Result((Output(Kind.TEXT, text="It rained."),))


@dataclass
class Served:
    """The API on its own, in the test's own event loop."""

    page: gr.Blocks
    model: Held
    url: str


class LoopbackAgent(HuggingGPT):
    """An agent whose sessions may fetch from this machine."""

    def new_session(self) -> Session:
        return Session(Workspace.create(self.settings, storage=self.storage, allowed=lambda address: True))


@asynccontextmanager
async def serve(settings: Settings, **limits: float) -> AsyncIterator[Served]:
    model = Held()
    limits = {"visitor_calls": 2, "visitor_waiting": 1, "max_calls": 3, **limits}
    agent = LoopbackAgent([model], fallback=RulesController(), settings=settings.model_copy(update=limits))
    with gr.Blocks(analytics_enabled=False) as page:
        Api(agent, read_visitor, Admission(agent.settings)).add()
    app = gr.mount_gradio_app(FastAPI(), page, path="/", ssr_mode=False, show_error=True, mcp_server=True)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    bound_resources(page)
    yield Served(page, model, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/gradio_api")
    model.over.set()  # where a test has failed, callers still wait
    page._queue.close()
    server.should_exit = server.force_exit = True
    await serving


@pytest.fixture
async def served(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")  # where a proxy tells visitors apart
    async with serve(settings) as running:
        yield running


@dataclass
class SilentSite:
    """A site that takes connections and says nothing."""

    url: str = ""
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        while await reader.read(1_000):
            pass
        self.open.remove(writer)
        writer.close()


@pytest.fixture
async def silent() -> AsyncIterator[SilentSite]:
    site = SilentSite()
    async with await asyncio.start_server(site.hold, "127.0.0.1") as server:
        site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/report.txt"
        yield site


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for is in Gradio, which tells nobody
            await asyncio.sleep(0.01)


def connect(served: Served, visitor: str) -> httpx.AsyncClient:
    """A client; no connection waits for a second request, which a slow machine would send when the server has closed it."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(base_url=served.url, headers={"X-Forwarded-For": visitor}, limits=limits, timeout=60)


async def messages(served: Served, name: str, *data: Any, visitor: str = "a", session: str = "") -> AsyncIterator[Any]:
    """Call an endpoint as Gradio's clients do, and yield what is told."""
    session = session or uuid4().hex
    number = next(fn._id for fn in served.page.fns.values() if fn.api_name == name)
    body = {"data": data, "fn_index": number, "session_hash": session}
    async with connect(served, visitor) as http:
        (await http.post("/queue/join", json=body)).raise_for_status()
        async with http.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])


async def call(served: Served, name: str, *data: Any, visitor: str = "a", session: str = "") -> Any:
    """The result, or the error's sentence."""
    told = [message async for message in messages(served, name, *data, visitor=visitor, session=session)]
    (last,) = [message for message in told if message["msg"] == "process_completed"]
    return last["output"]["error"] if last["output"].get("error") else last["output"]["data"][0]


def run(served: Served, visitor: str) -> asyncio.Task[Any]:
    """A run that is under way."""
    return asyncio.create_task(call(served, "run", SUMMARIZE, None, visitor=visitor))


async def test_lists_and_plans_go_on_while_runs_take_all_places_and_more_than_those_are_refused(served: Served) -> None:
    runs = [run(served, "a") for _ in range(3)]
    await until(lambda: len(served.model.begun) == 2)
    listed = await call(served, "list_models", "summarization")
    assert listed[0]["id"] == "held"
    planned = await call(served, "plan", SUMMARIZE, None)
    assert planned["plan"][0]["task"] == "summarization"
    assert "You have 3 requests under way or waiting" in await call(served, "run", SUMMARIZE, None)
    runs.append(run(served, "b"))
    await until(lambda: len(served.model.begun) == 3)  # another visitor has a place
    served.model.over.set()
    assert all(done["complete"] for done in await asyncio.gather(*runs))


async def run_by_mcp(served: Served, visitor: str) -> str:
    """Run the request as an MCP client, whose call goes through a client inside the server; return the answer's text."""
    async with (
        create_mcp_http_client(headers={"X-Forwarded-For": f"10.9.9.9, {visitor}"}) as http,
        streamable_http_client(f"{served.url}/mcp/", http_client=http) as (incoming, outgoing, _),
        ClientSession(incoming, outgoing) as session,
    ):
        await session.initialize()
        answer = await session.call_tool("run", {"request": SUMMARIZE})
        return "".join(getattr(part, "text", "") for part in answer.content)


async def test_mcp_clients_are_told_apart_as_others_are(served: Served) -> None:
    runs = [run(served, "a") for _ in range(3)]
    await until(lambda: len(served.model.begun) == 2)
    assert "You have 3 requests under way or waiting" in await run_by_mcp(served, "a")
    other = asyncio.create_task(run_by_mcp(served, "b"))
    await until(lambda: len(served.model.begun) == 3)
    served.model.over.set()
    assert "It rained" in await other
    await asyncio.gather(*runs)


async def test_who_waits_hears_it_and_may_hang_up(served: Served) -> None:
    runs = [run(served, "a"), run(served, "a")]
    await until(lambda: len(served.model.begun) == 2)

    async def wait() -> None:
        async for message in messages(served, "run", SUMMARIZE, None):
            heard.extend(unit["desc"] for unit in message.get("progress_data") or ())

    heard: list[str] = []
    waiting = asyncio.create_task(wait())
    await until(lambda: heard)
    assert heard == ["Waiting for a free place: this request is next."]
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: len(served.page._queue.event_ids_to_events) == 2)  # the one that has hung up is gone
    runs.append(run(served, "a"))  # it would be refused, if that one still waited
    served.model.over.set()
    assert all(done["complete"] for done in await asyncio.gather(*runs))
    assert len(served.model.begun) == 3


async def test_files_of_a_call_come_within_the_requests_time(settings: Settings, silent: SilentSite) -> None:
    async with serve(settings, request_seconds=1.0, fetch_seconds=30.0) as served:
        for name in ("run", "plan"):
            said = await call(served, name, SUMMARIZE, [silent.url])
            assert said == "The files took longer than 1 s: upload them, or send fewer."
    await until(lambda: not silent.open)


async def test_who_hangs_up_ends_the_fetch_of_files(settings: Settings, silent: SilentSite) -> None:
    async with serve(settings, fetch_seconds=600.0) as served:
        calling = asyncio.create_task(call(served, "run", SUMMARIZE, [silent.url]))
        await until(lambda: silent.open)
        calling.cancel()
        await until(lambda: not silent.open)


async def test_calls_leave_nothing_in_memory_and_a_session_goes_on_over_several_calls(served: Served) -> None:
    served.model.over.set()
    for number in range(70):
        await call(served, "list_models", "dancing" if number % 2 else "summarization")
    for _ in range(3):
        assert (await call(served, "run", SUMMARIZE, None, session="kept"))["complete"]
    sessions, queue = served.page.app.state_holder, served.page._queue
    sessions.evict_finished()
    assert not sessions.session_data
    assert not sessions.time_last_used
    assert not queue.pending_event_ids_session
    assert not queue.pending_messages_per_session
    assert len(queue.event_analytics) <= 1
    assert not served.page.app.iterators


async def test_a_server_that_nobody_asks_sleeps(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, wakeups = asyncio.get_running_loop(), 0
    call_later = loop.call_later

    def count(*arguments: Any, **keywords: Any) -> asyncio.TimerHandle:
        nonlocal wakeups
        wakeups += 1
        return call_later(*arguments, **keywords)

    monkeypatch.setattr(loop, "call_later", count)
    await asyncio.sleep(0.5)
    assert 1 < wakeups < 150  # Gradio as it comes: five hundred


async def test_a_result_is_there_until_it_is_fetched(served: Served) -> None:
    served.model.over.set()
    async with connect(served, "a") as http:
        event = (await http.post("/call/list_models", json={"data": ["summarization"]})).json()["event_id"]
        await until(lambda: not served.page._queue.event_ids_to_events)
        for _ in range(70):  # of others meanwhile
            await call(served, "list_models", "dancing")
        served.page.app.state_holder.evict_finished()
        assert "held" in (await http.get(f"/call/list_models/{event}")).text
