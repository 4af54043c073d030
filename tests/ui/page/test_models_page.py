"""The Models page in Chromium, over the catalogue as shipped and a Hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.checkpoints import HubCache
from tests.hub_server import HubServer
from tests.ui.app_server import SECONDS, Server

pytestmark = pytest.mark.browser

MODEL = "Intel/dpt-large"
"""For a task that no other test of the page asks for: what is fetched stays with the server that all share."""


@pytest.fixture
def models(server: Server, somebody: BrowserContext) -> Iterator[Page]:
    before, page = len(server.troubles), somebody.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{server.url}/models")
    rows(page).first.wait_for()
    yield page
    page.close()
    assert server.troubles[before:] == []


@pytest.fixture
def depth(hub: HubServer, tmp_path: Path) -> Iterator[HubServer]:
    """The Hub with one model more."""
    snapshot = HubCache(tmp_path).add("tiny/dpt")
    repos = dict(hub.repos)
    hub.repos = repos | {MODEL: {path.name: path.read_bytes() for path in snapshot.iterdir()}}
    yield hub
    hub.repos = repos
    hub.fetched.clear()


def rows(page: Page) -> Locator:
    return page.locator("#catalogue tbody tr")


def search(page: Page, text: str) -> None:
    page.locator("#catalogue-query textarea").fill(text)


def choose(page: Page, field: str, option: str) -> None:
    page.locator(f"#catalogue-{field} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_the_catalogue_is_searched_and_filtered(models: Page) -> None:
    assert rows(models).count() > 200
    expect(models.locator("#catalogue-count")).to_contain_text("run here now")
    search(models, "depth-estimation dpt-large")
    expect(rows(models)).to_have_count(1)
    expect(rows(models).get_by_role("link", name=MODEL)).to_have_attribute("href", f"https://huggingface.co/{MODEL}")
    expect(models.locator("#catalogue-count")).to_contain_text("1 of ")
    search(models, "no such model")
    expect(models.locator("#catalogue")).to_contain_text("No model is like this.")
    models.get_by_role("button", name="Clear the filters").click()
    expect(rows(models).nth(200)).to_be_attached()
    choose(models, "task", "image-to-text")
    choose(models, "place", "Comes with it")
    expect(rows(models)).to_have_count(1)
    expect(rows(models)).to_contain_text("PP-OCRv6-small")


def test_a_model_is_offered_refused_and_fetched(models: Page, depth: HubServer, server: Server) -> None:
    panel, before = models.locator("#catalogue-fetch"), len(depth.fetched)
    search(models, "google/vit-base")
    rows(models).first.get_by_role("button").click()
    expect(panel).to_contain_text("The Hub knows no model")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()

    search(models, "depth-estimation dpt-large")
    expect(rows(models)).to_have_count(1)
    rows(models).get_by_role("button", name=f"Fetch {MODEL}").click()
    expect(panel).to_contain_text(f"{MODEL} takes 0.")
    assert len(depth.fetched) == before
    panel.get_by_role("button", name="Fetch").click()
    expect(panel).to_contain_text(f"{MODEL} is here now")
    assert "model.safetensors" in depth.fetched[before:]
    expect(rows(models)).to_contain_text("In the cache")
    assert rows(models).get_by_role("button").count() == 0


def test_it_speaks_chinese_and_folds_on_a_phone(server: Server, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{server.url}/models")
    rows(page).first.wait_for(timeout=SECONDS * 1000)
    expect(page.locator("#catalogue-count")).to_contain_text("个模型")
    expect(page.locator("#catalogue-heading")).to_contain_text("模型")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#catalogue thead").evaluate("head => head.getBoundingClientRect().width") <= 1
    context.close()
