"""What is drawn as HTML, in Gradio's own page and a real browser."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from hugginggpt.ui import welcome
from tests.ui.conftest import ROOT, SECONDS, free_port, until

pytestmark = pytest.mark.browser

CORNER = "e => [e.offsetLeft, e.offsetTop, e.offsetWidth, e.offsetHeight]"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.ui.looks_page", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}"), 3 * SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_all_is_there_can_be_used_and_stays_in_its_place(url: str, chromium: Browser, width: int, scheme: str) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 850})
    page.goto(f"{url}?__theme={scheme}")
    heard = page.get_by_label("Heard")

    page.get_by_role("button", name="Paint a red fox in the snow.").click()
    index = next(n for n, example in enumerate(welcome.examples()) if example.text.startswith("Paint"))
    expect(heard).to_have_value(f"{{'index': {index}}}")

    task = page.locator(".hgpt-plan .task").nth(1)
    corner = task.evaluate(CORNER)
    task.evaluate("e => { e.kept = true }")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".hgpt-plan .done")).to_have_count(1)
    assert task.evaluate("e => e.kept && getComputedStyle(e).paddingLeft") == "7px"  # drawn on, not anew
    assert task.evaluate(CORNER) == corner

    page.get_by_role("button", name="Use next: text-1").click()  # it came after the page was loaded
    expect(heard).to_have_value("{'name': 'text-1'}")
    photo = page.get_by_role("img", name="image-1: “cat.jpg”, a shipped example")
    photo.scroll_into_view_if_needed()
    page.wait_for_function("e => e.complete && e.naturalWidth === 451", arg=photo.element_handle())
    with page.expect_download() as download:
        page.get_by_role("link", name="Download text-1").click()
    assert Path(download.value.path()).read_text(encoding="utf-8") == "BEACH CLOSED"

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    serious = [
        (v["id"], v["nodes"][0]["html"])
        for v in Axe().run(page, context=".hgpt").response["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    page.close()
