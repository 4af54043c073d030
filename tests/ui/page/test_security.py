"""A page among strangers, in a real browser: nothing that somebody else wrote runs in its origin."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.ui.app_server import Server
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

EVIL = "<!doctype html><script>document.title = 'ran'</script><img src=x onerror='document.title = 1'>"
INJECTED = """() => {
  document.body.insertAdjacentHTML("beforeend", '<img src=x onerror="localStorage.stolen = 1">');
  const script = document.createElement("script");
  script.text = "localStorage.stolen = 1";
  document.body.append(script);
}"""
"""As if markup of an answer had got through to the page."""


def test_what_a_stranger_wrote_runs_nowhere_in_the_pages_origin(tab: Tab, server: Server, refused: list[str]) -> None:
    tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
    picture = Path((tab.answers.last.locator("img").get_attribute("src") or "").partition("file=")[2])
    (picture.parent / "page.html").write_text(EVIL, encoding="utf-8")  # as if it had been made, or uploaded
    tab.page.evaluate(INJECTED)
    other = tab.page.context.new_page()
    other.goto(f"{server.url}/gradio_api/file={picture.parent / 'page.html'}")
    assert other.title() != "ran"
    assert other.evaluate("origin") == "null"  # a sandbox: it sees nothing of the page's
    other.close()
    assert tab.page.evaluate("localStorage.stolen") is None
    assert any("inline" in message for message in refused)
    refused.clear()


def test_an_address_elsewhere_is_neither_fetched_nor_shown_under_the_pages_origin(tab: Tab, server: Server) -> None:
    response = tab.page.goto(f"{server.url}/gradio_api/file=https://evil.example/a.png")
    assert response is not None
    assert response.status == 403
    assert response.headers["content-security-policy"].startswith("sandbox;")
    tab.open(server.url)
    expect(tab.box).to_be_visible()
