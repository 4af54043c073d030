"""Signing in on a Space, with a real OpenID provider: one click plans at the router and runs hosted models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from tests.hosted_server import HostedServer
from tests.hub_server import HubServer
from tests.ui.app_server import SECONDS, Server, started
from tests.ui.page.conftest import Visitor
from tests.ui.page.open_id import CLIENT, SECRET, OpenIdProvider, open_id_provider
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

TOKEN = "hf_oauth_eyJ0.ada-4711.verySecret"


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    with open_id_provider(TOKEN) as running:
        yield running


@pytest.fixture
def space(
    tmp_path_factory: pytest.TempPathFactory, hub: HubServer, hosting: HostedServer, provider: OpenIdProvider
) -> Iterator[Server]:
    """The app as a Space starts it."""
    hosting.accounts.add(TOKEN)
    hosting.serve("conversational", "openai/gpt-oss-120b")
    environment = {
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/hugginggpt",
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": "openid profile inference-api",
        "OPENID_PROVIDER_URL": provider.url,
    }
    with started(tmp_path_factory.mktemp("space"), hub.url, hosting.url, **environment) as running:
        yield running
    hosting.models.clear()
    hosting.router.served.clear()


def press(tab: Tab, then: str) -> None:
    """Press the button until it says that; Gradio's page reloads itself when it is left in the middle of its own loading."""
    button = tab.page.locator("#sign-in")
    for _ in range(3):
        with tab.page.expect_navigation():
            button.click()
        tab.box.wait_for()
        tab.open_settings()
        with suppress(AssertionError):
            expect(button).to_have_text(then, timeout=SECONDS * 500)
            return
    expect(button).to_have_text(then)


def test_who_signs_in_plans_and_runs_hosted_models_until_they_sign_out(
    space: Server, visitor: Visitor, provider: OpenIdProvider, hosting: HostedServer
) -> None:
    tab = visitor(space.url.replace("127.0.0.1", "localhost"))
    tab.open_settings()
    button = tab.page.locator("#sign-in")
    expect(button).to_have_text("Sign in with Hugging Face")
    press(tab, "Logout (ada)")
    expect(tab.status).to_contain_text("Signed in as ada. openai/gpt-oss-120b at 127.0.0.1 plans.")
    expect(tab.page.get_by_label("Hugging Face", exact=True)).to_be_checked()
    expect(tab.page.locator("#hosted-status")).to_contain_text("Hosted models run on your account.")
    tab.page.locator("#test-brain").click()
    expect(tab.status).to_contain_text("Works: the token of tester plans")
    hosting.asked.clear()
    tab.ask("Hello?")
    assert {asked.token for asked in hosting.asked if asked.path == "/v1/chat/completions"} == {TOKEN}
    assert TOKEN not in tab.page.content()
    assert space.files_with(TOKEN) == []

    tab.open_run()
    with tab.page.context.expect_event("request", lambda asked: "duplicate" in asked.url) as asked:
        tab.page.get_by_role("button", name="Duplicate").click()
    assert asked.value.url == "https://huggingface.co/spaces/somebody/hugginggpt?duplicate=true"

    press(tab, "Sign in with Hugging Face")
    expect(tab.status).to_contain_text("The built-in planner plans")
    expect(tab.page.locator("#hosted-status")).to_contain_text("enter a token for that")


def test_elsewhere_there_is_nothing_to_sign_in_to(tab: Tab) -> None:
    tab.open_settings()
    expect(tab.page.locator("#sign-in")).to_have_count(0)
    expect(tab.page.get_by_role("button", name="Duplicate")).to_have_count(0)
