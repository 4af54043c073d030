"""The page in a real server and a real Chromium: one server for all tests, one browser a module, a context a visitor."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.checkpoints import HubCache
from tests.hosted_server import HostedServer
from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
ARGS = """--no-sandbox --use-fake-device-for-media-stream --use-fake-ui-for-media-stream
--disable-gpu --disable-background-networking --disable-component-update --disable-sync
--disable-quic --no-first-run""".split()
SECONDS = 20.0
"""How long a request may take before a test gives up: the first one loads its models."""
TROUBLES = (
    "Traceback",
    "was never awaited",
    "Task was destroyed",
    "asynchronous generator",
    "Exception ignored",
    "exception was never",
)

expect.set_options(timeout=SECONDS * 1000)


@dataclass
class Server:
    """app.py as it is started by its users, in folders of its own."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def sessions(self) -> Path:
        return self.home / "sessions"

    @property
    def log(self) -> str:
        return (self.home / "log.txt").read_text(encoding="utf-8")

    @property
    def troubles(self) -> list[str]:
        return [line for line in self.log.splitlines() if any(trouble in line for trouble in TROUBLES)]

    def folders(self) -> set[Path]:
        """Those of the sessions that are alive."""
        return set(self.sessions.iterdir()) if self.sessions.is_dir() else set()

    def files_with(self, secret: str) -> list[Path]:
        """Files below the server's folders that hold these words; the log is one of them."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return [path for path in files if secret.encode() in path.read_bytes()]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for something outside the browser to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub on loopback that has the small model for finding things in pictures."""
    snapshot = HubCache(tmp_path_factory.mktemp("made")).add("tiny/yolos")
    serving = HubServer({"hustvl/yolos-tiny": {path.name: path.read_bytes() for path in snapshot.iterdir()}})
    serving.start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="session")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    """The Hub's search, its router and endpoints, for visitors with a token."""
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as serving:
        yield serving
    assert serving.errors == []


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, hub: HubServer, hosting: HostedServer) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("app"), hub.url, hosting.url) as running:
        yield running


@contextmanager
def started(home: Path, hub: str, hosting: str, **more: str) -> Iterator[Server]:
    """The app in a folder of its own, with these variables too."""
    port = free_port()
    (home / "tmp").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "GRADIO_SERVER_PORT": str(port),
        "HUGGINGGPT_SESSIONS": str(home / "sessions"),  # outside the temporary folder, as a deployment may have it
        "PYTHONUNBUFFERED": "1",
        "HF_ENDPOINT": hub,
        "HUGGINGGPT_HUB": hosting,
        "HUGGINGGPT_ROUTER": hosting,
        "HUGGINGGPT_CATALOGUE_HOURS": "0",  # each test serves models of its own
        **more,
    }
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    running = Server(f"http://127.0.0.1:{port}", home, process)
    try:
        until(lambda: _answers(running), 3 * SECONDS)
        yield running
    finally:
        process.terminate()
        process.wait(10)


def _answers(server: Server) -> bool:
    assert server.process.poll() is None, server.log
    try:
        with urllib.request.urlopen(server.url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "no Chromium on the PATH: .ci/setup_browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield browser
        browser.close()


STILL = """addEventListener("DOMContentLoaded", () => {
  const still = document.createElement("style");
  still.textContent = "*, *::before, *::after { animation: none !important; transition: none !important; }";
  document.head.append(still);
})"""
"""Nothing moves while tests wait: drawing it without a graphics card would take the processor from the models."""


@dataclass
class Tab:
    """One tab of a visitor, with the words for what is done in it."""

    page: Page
    box: Locator = field(init=False)

    def __post_init__(self) -> None:
        self.box = self.page.locator("#request textarea")
        self.requests = self.page.locator("#chat .user-row")
        self.answers = self.page.locator("#chat .bot-row")
        self.thumbnails = self.page.locator("#request .thumbnail-item")
        self.stop = self.page.locator("#request .stop-button")
        self.cards = self.page.locator("#shelf li.card")

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.box.wait_for()

    def attach(self, *paths: Path) -> None:
        here = self.thumbnails.count()
        with self.page.expect_file_chooser() as chooser:
            self.page.locator("#request .upload-button").click()
        chooser.value.set_files(list(paths))
        expect(self.thumbnails).to_have_count(here + len(paths))
        expect(self.page.locator("#request .uploading, #request [data-testid=status-tracker].generating")).to_have_count(0)

    def start(self, text: str, *paths: Path) -> None:
        """Send a request, and wait until it stands in the chat."""
        if paths:
            self.attach(*paths)
        self.box.fill(text)
        self.send()

    def send(self) -> None:
        before = self.requests.count()
        self.box.press("Enter")
        expect(self.requests).to_have_count(before + 1)

    def finish(self) -> str:
        """Wait until the request is over; returns the answer's side of the chat."""
        expect(self.page.locator("#request .submit-button")).to_be_visible()
        expect(self.box).to_be_enabled()
        return self.answer

    def ask(self, text: str, *paths: Path) -> str:
        self.start(text, *paths)
        return self.finish()

    @property
    def answer(self) -> str:
        return self.answers.last.inner_text()

    def step(self, task: str) -> Locator:
        """The line of a task, in the last request's steps."""
        return self.answers.last.locator(".thought-group .title", has_text=task).last

    def open_steps(self, *tasks: str) -> str:
        """Open the plan, which folds itself when it is done, and these steps; returns what they tell."""
        titles = self.answers.last.locator(".thought-group .title")
        expect(titles).to_have_count(1)
        titles.click()
        for task in tasks:
            self.step(task).click()
        return self.answer

    def file(self, name: str) -> bytes:
        """The file that the shelf offers under this name."""
        self.open_run()
        with self.page.expect_download() as download:
            self.page.locator(f'#shelf a[download="{name}"]').click()
        assert download.value.suggested_filename == name
        return Path(download.value.path()).read_bytes()

    def kept(self) -> list[str | None]:
        """What the shelf offers, by file name."""
        return [link.get_attribute("download") for link in self.page.locator("#shelf a[download]").all()]

    def open_run(self) -> None:
        """The side of the run; where there is room it opens itself with the first request."""
        if self.page.locator("#run.sidebar.open").count() == 0:
            self.page.locator("#run .toggle-button").click()

    def choose(self, brain: str, **fields: str) -> None:
        """Choose who plans, fill in its fields by their element ids, and use it."""
        self.type(brain, **fields)
        if fields:
            self.page.locator("#use-brain").click()
            expect(self.status).not_to_contain_text("Asking the server")

    def type(self, brain: str, **fields: str) -> None:
        """Choose who plans, and fill in its fields."""
        self.open_settings()
        self.page.get_by_label(brain, exact=True).check()
        for name, value in fields.items():
            self.page.locator(f"#{name.replace('_', '-')} :is(input, textarea)").fill(value)

    def open_settings(self) -> None:
        if self.page.locator(".sidebar.open #side").count() == 0:
            self.page.locator(".sidebar", has=self.page.locator("#side")).locator(".toggle-button").click()

    @property
    def status(self) -> Locator:
        return self.page.locator("#brain-status")


Visitor = Callable[..., Tab]


@pytest.fixture
def visitor(server: Server, chromium: Browser) -> Iterator[Visitor]:
    """Another person at the page: a browser context of their own. Afterwards the server's log must be clean."""
    contexts: list[BrowserContext] = []
    before = len(server.troubles)

    def come(url: str = server.url) -> Tab:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 860}))
        contexts[-1].add_init_script(STILL)
        tab = Tab(contexts[-1].new_page())
        tab.page.set_default_timeout(SECONDS * 1000)
        tab.open(url)
        return tab

    yield come
    for context in contexts:
        context.close()
    assert server.troubles[before:] == []


@pytest.fixture(scope="module")
def somebody(chromium: Browser) -> Iterator[BrowserContext]:
    """One person for all tests of a module that need no other: what the page consists of is loaded once."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.add_init_script(STILL)
    yield context
    context.close()


@pytest.fixture
def tab(server: Server, somebody: BrowserContext) -> Iterator[Tab]:
    """A page that has just been opened. Afterwards the server's log must be clean."""
    before = len(server.troubles)
    tab = Tab(somebody.new_page())
    tab.page.set_default_timeout(SECONDS * 1000)
    tab.open(server.url)
    yield tab
    tab.page.close()
    assert server.troubles[before:] == []
