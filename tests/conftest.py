"""What tests share: a session's workspace, real back ends that are quick, slow, stuck or broken, a real web server."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import numpy as np
import pytest
from PIL import Image
from xdist.scheduler import LoadFileScheduling

from hugginggpt.controllers.base import Choice, PlanRequest, RespondRequest, Selection
from hugginggpt.controllers.context import RequestContext, Session
from hugginggpt.core.errors import ExpertError, RequestError
from hugginggpt.core.events import Event, Planned, Step, Usage
from hugginggpt.core.model_card import Assignment, ModelCard
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind, TaskTable, load_task_table
from hugginggpt.core.trace import fold_steps
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.execution.scheduler import Scheduler
from hugginggpt.experts.base import Call, Output, Result, run_in_thread
from hugginggpt.llm.capabilities import CAPABILITIES
from hugginggpt.planning.repair import make_plan
from hugginggpt.workspace import media
from hugginggpt.workspace.workspace import Workspace
from tests.scripted_server import ScriptedServer, scripted_server

TOGETHER = {"tests/ui/page/": "page", "tests/experts/hosted/": "hosted", "tests/test_hosted_server.py": "hosted"}
"""Tests that run in one process, by the beginning of their path: they share an app and a browser, or models."""
MEDIA = Path(__file__).resolve().parent.parent / "demos" / "media"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what collecting makes out of every later search for garbage: it all stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """As for what a file's tests have imported: with torch and transformers a search takes half a second, with each model."""
    try:
        return (yield)
    finally:
        if nextitem and nextitem.path != item.path:
            gc.collect()
            gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs models, by its folder; files that take long come first, the browser's before all, so that nobody waits."""
    for item in items:
        if "/experts/local/" in item.nodeid or "/experts/bundled/" in item.nodeid:
            item.add_marker(pytest.mark.models)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.get_closest_marker("browser"), "/experts/" not in item.nodeid, item.path not in slow))


class WholeFiles(LoadFileScheduling):
    """Gives each process whole files, and what stands in `TOGETHER` to one process."""

    def _split_scope(self, nodeid: str) -> str:
        group = next((group for path, group in TOGETHER.items() if nodeid.startswith(path)), "")
        return group or super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)  # without xdist there is nothing to share out
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles | None:
    """Share the tests out to the processes."""
    return WholeFiles(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True, scope="session")
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have clients read one of the world's certificates: each would read all of them before it asks a server on loopback."""
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    (path := tmp_path_factory.mktemp("certificates") / "one.pem").write_text(first + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture
def table() -> TaskTable:
    return load_task_table()


@pytest.fixture(autouse=True)
def unknown_servers() -> None:
    """What was found out about a server on a port is not true of the next test's."""
    CAPABILITIES.clear()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A language model's server, which answers what a test has told it to."""
    with scripted_server() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(sessions=tmp_path / "sessions", max_file_bytes=2**20, fetch_seconds=2.0)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with Workspace.create(settings) as created:
        yield created


@dataclass
class Quick:
    """Does every task at once, or in `seconds`: texts say what was done to what, files are real and small."""

    backend: str = "quick"
    seconds: float = 0.0
    slot: str | None = None
    names: Sequence[str] = ("model",)
    tasks: Sequence[str] = tuple(load_task_table())
    spans: list[tuple[str, float, float]] = field(default_factory=list)
    """The first input, when it began, when it ended."""

    def cards(self, tasks: Collection[str] | None = None) -> list[ModelCard]:
        return [
            ModelCard(f"{self.backend}/{name}", task, self.backend, "a test back end", slot=self.slot)
            for task in self.tasks
            for name in self.names
        ]

    async def run(self, call: Call) -> Result:
        begun = time.monotonic()
        await asyncio.sleep(self.seconds)
        said = "+".join(value if isinstance(value, str) else value.name for value in call.inputs.values())
        self.spans.append((said, begun, time.monotonic()))
        kinds = load_task_table()[call.card.task].outputs
        return Result(tuple(make_output(kind, f"{call.card.task}({said})", call) for kind in kinds))


def make_output(kind: Kind, text: str, call: Call) -> Output:
    """A small real result of that kind; `data` tells where it came from."""
    if kind is Kind.TEXT:
        return Output(kind, text=text)
    path = call.new_path({Kind.IMAGE: ".png", Kind.AUDIO: ".wav"}.get(kind, ".bin"))
    if kind is Kind.IMAGE:
        Image.new("RGB", (8, 6), "navy").save(path)
    elif kind is Kind.AUDIO:
        media.write_wav(path, np.zeros(800, np.float32), 8000)
    else:
        raise ExpertError(f"This test back end makes no {kind.value}.")
    return Output(kind, path=path, data={"of": text})


@dataclass
class Failing(Quick):
    """Raises `error` on the tasks named in `tasks`."""

    backend: str = "failing"
    error: BaseException = field(default_factory=lambda: ExpertError("The model is out of order."))

    async def run(self, call: Call) -> Result:
        await asyncio.sleep(self.seconds)
        raise self.error


@dataclass
class Threaded(Quick):
    """Blocks a worker thread; with `heeds` it checks its cancel token every few milliseconds."""

    backend: str = "threaded"
    heeds: bool = True
    release: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    async def run(self, call: Call) -> Result:
        return await run_in_thread(self._block, call)

    def _block(self, call: Call) -> Result:
        self.started.set()
        try:
            while not self.release.wait(0.005):
                if self.heeds:
                    call.token.check()
        finally:
            self.stopped.set()
        return Result((Output(Kind.TEXT, text="released"),))


@pytest.fixture
def stuck() -> Iterator[Threaded]:
    """A back end whose thread never looks at its cancel token; freed when the test is over."""
    expert = Threaded(heeds=False)
    yield expert
    expert.release.set()


@dataclass
class Ran:
    """What a run told."""

    events: list[Event]
    usages: tuple[Usage, ...] = ()

    @property
    def steps(self) -> dict[int, Step]:
        return {step.task.id: step for step in fold_steps(self.events)}

    def text(self, task_id: int) -> str:
        return next(r.text for r in self.steps[task_id].outputs if r.text is not None)

    def select(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


RunPlan = Callable[..., Awaitable[Ran]]


@pytest.fixture
def run_plan(workspace: Workspace, table: TaskTable, settings: Settings) -> RunPlan:
    """Plan from task objects, run it on experts, and return what happened."""

    async def run(
        raw: Sequence[Mapping[str, Any]] | Plan,
        *experts: Any,
        seconds: float = 5.0,
        slots: DeviceSlots | None = None,
        events: list[Event] | None = None,
        visitor: str = "",
    ) -> Ran:
        plan = raw if isinstance(raw, Plan) else make_plan(raw, table, workspace.resources)
        ran = Ran([] if events is None else events)
        cards = [card for expert in experts for card in expert.cards()]

        async def assign(task: Task) -> Assignment:
            found = tuple(card for card in cards if card.task == task.task)
            if not found:
                raise ExpertError(f"No model for {task.task} is installed here.")
            return Assignment(found, "first")

        context = RequestContext(
            PlanRequest("Do it."),
            Session(workspace, visitor=visitor),
            settings.model_copy(update={"task_seconds": seconds}),
            Planner(),
            Planner(),
            experts,
            ran.events.append,
        )
        context.emit(Planned(plan, 0.0))
        async with Scheduler(context, slots or DeviceSlots()) as scheduler:
            for task in plan.tasks:
                scheduler.start(task, assign)
        ran.usages = tuple(scheduler.usages)
        return ran

    return run


def made(*raw: Any, given: Sequence[Resource] = ()) -> Plan:
    """The plan that is made of task objects, over the shipped table."""
    return make_plan(raw, load_task_table(), given)


def attached(name: str) -> Resource:
    """A resource of that name, "image-1", whose file is never opened."""
    return Resource(name, Kind(name.partition("-")[0]), Origin("upload", f"{name}.file"), path=Path("file"))


def say(number: int, text: str, *dep: int, task: str = "text-generation") -> dict[str, Any]:
    """A task object: one text task."""
    return {"task": task, "id": number, "dep": list(dep) or [-1], "args": {"text": text}}


@dataclass
class Planner:
    """A controller that gives the plans it was made with, one a request, and answers from the results."""

    plans: list[Any] = field(default_factory=list)
    name: str = "test planner"
    prefers: str = ""
    """The id of the model that it selects where it has a choice."""
    answer: str = ""
    complaints: list[str] = field(default_factory=list)
    can_replan: bool = False

    async def plan(self, request: PlanRequest) -> AsyncIterator[Any]:
        self.complaints.append(request.complaint)
        if not self.plans:
            raise RequestError("This planner has no plan left.")
        given = self.plans.pop(0)
        if isinstance(given, Exception):
            raise given
        for task in given:
            yield task
        yield Usage("plan", 1, 100, 10)

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[list[Selection], Usage | None]:
        return [Selection(choice.task.id, self.prefers, "It suits.") for choice in choices], Usage("select", 1, 50, 5)

    async def respond(self, request: RespondRequest) -> AsyncIterator[Any]:
        texts = [r.text for step in request.steps for r in step.outputs if r.text]
        yield self.answer or "Done: "
        yield ", ".join(texts) or "nothing."
        yield Usage("respond", 1, 200, 20)


class WebServer(ThreadingHTTPServer):
    """A real web server on loopback; `pages` gives for each path a function that answers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answer `path` with this; header names are written with underscores. Returns the URL."""

        def page(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = page
        return self.url(path)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path.partition("?")[0])
        if page:
            page(self)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def serving(server: WebServer) -> Iterator[WebServer]:
    """Run the server in a thread for as long as it is needed."""
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def web() -> Iterator[WebServer]:
    yield from serving(WebServer())
