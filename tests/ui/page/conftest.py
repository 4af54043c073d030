"""A real Chromium over the real app: one browser for all tests of a worker, a context a visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.chromium import chromium as started_chromium
from tests.conftest import MEDIA
from tests.ui.app_server import SECONDS, Server
from tests.ui.page.tab import STILL, Tab

expect.set_options(timeout=SECONDS * 1000)
WIDE: Final[ViewportSize] = {"width": 1280, "height": 860}


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser, with a camera, and a voice before its microphone.

    It is closed with the last of these tests: its loop would be in the way of tests that have their own.
    """
    voice = tmp_path_factory.mktemp("microphone") / "voice.wav"
    samples, rate = soundfile.read(MEDIA / "speech.flac")
    soundfile.write(voice, samples, rate, subtype="PCM_16")
    devices = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    microphone = f"--use-file-for-fake-audio-capture={voice}"
    with started_chromium(*devices, microphone, "--host-resolver-rules=MAP *.test 127.0.0.1") as browser:
        yield browser


Visitor = Callable[..., Tab]

REFUSED: Final[list[str]] = []
"""Messages of browsers that the policy kept something from the page."""


def watch(context: BrowserContext) -> None:
    """Note what the browser refuses by the page's policy."""
    context.on("console", lambda message: REFUSED.append(message.text) if "Content Security Policy" in message.text else None)


@pytest.fixture(autouse=True)
def refused() -> Iterator[list[str]]:
    """Nothing that the page needs is refused by its own policy; a test that provokes it empties the list."""
    REFUSED.clear()
    yield REFUSED
    assert REFUSED == [], "\n".join(REFUSED)


@pytest.fixture
def visitor(server: Server, chromium: Browser) -> Iterator[Visitor]:
    """Another person at the page: a browser context of their own. Afterwards the server's log must be clean."""
    contexts: list[BrowserContext] = []
    before = len(server.troubles)

    def come(url: str = server.url, **attributes: Any) -> Tab:
        contexts.append(chromium.new_context(**({"viewport": WIDE} | attributes)))
        contexts[-1].set_default_timeout(SECONDS * 1000)
        contexts[-1].add_init_script(STILL)
        watch(contexts[-1])
        return Tab.of(contexts[-1], url)

    yield come
    for context in contexts:
        context.close()
    assert server.troubles[before:] == []


@pytest.fixture(scope="package")
def somebody(chromium: Browser) -> Iterator[BrowserContext]:
    """One person for all tests that need no other: what the page consists of is loaded once."""
    context = chromium.new_context(viewport=WIDE)
    context.set_default_timeout(SECONDS * 1000)
    context.add_init_script(STILL)
    watch(context)
    yield context
    context.close()


@pytest.fixture(scope="package")
def screen(somebody: BrowserContext) -> Iterator[Page]:
    """Their tab: what the page consists of is compiled once, too."""
    page = somebody.new_page()
    yield page
    page.close()


@pytest.fixture
def tab(server: Server, screen: Page) -> Iterator[Tab]:
    """The page, opened as if never before. Afterwards the server's log must be clean."""
    before = len(server.troubles)
    tab = Tab(screen)
    tab.open(server.url)
    yield tab
    for other in set(screen.context.pages) - {screen}:
        other.close()  # what lies behind another tab is slowed down by the browser
    assert screen.url.startswith(server.url)  # storage of another address would not be the one that is emptied
    screen.evaluate("sessionStorage.clear()")  # else the next one would be the same visit again
    screen.goto(f"{server.url}/theme.css")
    assert server.troubles[before:] == []
