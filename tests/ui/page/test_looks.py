"""What people see: wide and on a phone, by day and by night, in both languages; kept in screenshots/, to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.ui.app_server import ROOT, Server
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

PICTURES = ROOT / "screenshots"
ATTRIBUTES = {
    "wide": {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB", "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "color_scheme": "dark"},
}
DONE = {"wide": "Did 2 tasks", "phone": "已完成 2 个任务"}


@pytest.fixture(params=ATTRIBUTES)
def look(request: pytest.FixtureRequest, server: Server, visitor: Visitor) -> tuple[str, Tab]:
    attributes = ATTRIBUTES[request.param]
    return request.param, visitor(f"{server.url}/?__theme={attributes['color_scheme']}", **attributes)


def find_serious(tab: Tab) -> list[tuple[str, str]]:
    """What axe finds serious in the page as it is now: its rule, and the element."""
    found = Axe().run(tab.page).response["violations"]
    return [
        (one["id"], node["html"][:200]) for one in found for node in one["nodes"] if one["impact"] in {"serious", "critical"}
    ]


def seen(tab: Tab, name: str) -> None:
    """Keep a picture of what is seen; nothing is wider than the screen, and axe finds nothing serious."""
    PICTURES.mkdir(exist_ok=True)
    tab.page.screenshot(path=PICTURES / f"{name}.png")
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    for _ in range(10):  # Gradio names what was drawn just now a moment later
        if not (serious := find_serious(tab)):
            break
        tab.page.wait_for_timeout(500)
    assert serious == [], name


def test_every_view_is_looked_at(look: tuple[str, Tab], server: Server) -> None:
    name, tab = look
    expect(tab.page.locator("#welcome button").first).to_be_visible()
    seen(tab, f"{name}-empty")
    tab.start("What does this sign say? Say it aloud.", MEDIA / "sign.jpg")
    seen(tab, f"{name}-running")
    tab.finish()
    expect(tab.answers.last).to_contain_text(DONE[name])
    seen(tab, f"{name}-done")
    tab.open_run()
    expect(tab.page.locator("#plan li").first).to_be_in_viewport()
    seen(tab, f"{name}-run")
    tab.page.goto(f"{server.url}/models?__theme={ATTRIBUTES[name]['color_scheme']}")
    expect(tab.page.locator("#catalogue tbody tr").first).to_be_visible()
    seen(tab, f"{name}-models")


def test_the_keyboard_alone_runs_an_example_and_stops_it(tab: Tab, tmp_path: Path) -> None:
    tab.page.locator("#welcome button").first.focus()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Shift+Tab")
    shown = tab.page.evaluate(
        "(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert shown == ["solid", "2px"], "the focus can't be seen"
    tab.page.keyboard.press("Enter")
    expect(tab.requests).to_have_count(1)
    tab.stop.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("#request .submit-button")).to_be_visible()
