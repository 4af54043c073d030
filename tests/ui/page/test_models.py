"""Local models on the page: nothing is fetched unless the visitor says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.hub_server import HubServer
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

REQUEST = "Find the objects in this photo."


def test_a_model_is_fetched_only_with_consent_and_its_picture_is_shown(tab: Tab, hub: HubServer) -> None:
    assert "“python -m hugginggpt models pull object-detection” fetches one" in tab.ask(REQUEST, MEDIA / "coffee.jpg")
    assert hub.fetched == []
    tab.page.get_by_role("button", name="Fetch hustvl/yolos-tiny (up to 26 MB, apache-2.0) and go on").click()
    expect(tab.page.get_by_text("What failed can be tried again")).to_have_count(0)
    tab.finish()
    assert "model.safetensors" in hub.fetched
    tab.open_steps("object-detection")
    expect(tab.step("object-detection")).to_contain_text("hustvl/yolos-tiny · fetched, then here")
    expect(tab.answers.last.locator("img").first).to_be_visible()
    assert any(str(name).endswith(".png") for name in tab.kept())
    fetched = len(hub.fetched)
    tab.ask(REQUEST, MEDIA / "cat.jpg")
    assert len(hub.fetched) == fetched
    tab.open_steps("object-detection")
    expect(tab.step("object-detection")).to_contain_text("hustvl/yolos-tiny · here")
    tab.open_settings()
    expect(tab.page.get_by_label("Fetch small models when they are needed")).not_to_be_checked()
