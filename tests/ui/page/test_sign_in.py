"""Signing in on a Space, with a real OpenID provider: one click plans at the router and runs hosted models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
from playwright.sync_api import expect

from tests.conftest import WebServer
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
    hosting.asked.clear()


JOIN = """async ([app, hash]) => {
  const config = await (await fetch(`${app}/config`)).json();
  const opens = (each) => each.queue && each.targets.some((target) => ["load", "then"].includes(target[1]));
  const opening = config.dependencies.filter(opens);
  for (const each of opening) {
    const data = each.inputs.map((id) => config.components.find((one) => one.id === id)?.props?.value ?? null);
    const body = JSON.stringify({ data, fn_index: each.id, session_hash: hash, trigger_id: null, event_data: null });
    for (const type of ["application/json", "text/plain"])
      await fetch(`${app}/gradio_api/queue/join`, {
        method: "POST", credentials: "include", headers: { "Content-Type": type }, body,
      }).catch(() => null);
  }
  return opening.length;
}"""
"""Do under a session hash what the page does as it is opened, with the cookies that the browser has."""
FORMS = """async ([app, hash]) => {
  for (const path of ["queue/join", "run/run", "call/run", "upload", "upload?upload_id=1", "queue/data"])
    for (const enctype of ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.name = `frame${document.querySelectorAll("iframe").length}`;
      const form = document.body.appendChild(document.createElement("form"));
      Object.assign(form, { method: "POST", enctype, action: `${app}/gradio_api/${path}`, target: frame.name });
      const field = form.appendChild(document.createElement("input"));
      [field.name, field.value] = ['{"data": [], "fn_index": 0, "session_hash": "' + hash + '", "x": "', '"}'];
      form.submit();
    }
  for (const path of ["/logout", "/login/callback?code=x&state=y"])
    await fetch(app + path, { credentials: "include", mode: "no-cors", redirect: "manual" }).catch(() => null);
}"""
"""Send forms, which need nobody's leave, to all routes that take something."""


def listen(app: str, session_hash: str) -> str:
    """Return what the page would be told under that hash; anybody who knows it can ask, without a cookie."""
    told = []
    with (
        suppress(httpx2.TimeoutException),
        httpx2.stream(
            "GET", f"{app}/gradio_api/queue/data", params={"session_hash": session_hash}, timeout=SECONDS / 4
        ) as answer,
    ):
        for line in answer.iter_lines():
            told.append(line)
            if "close_stream" in line:
                break
    return "\n".join(told)


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
    space: Server, visitor: Visitor, provider: OpenIdProvider, hosting: HostedServer, web: WebServer
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

    # a page of another origin, in the same browser: nothing that it has the browser send carries the sign-in
    app = space.url.replace("127.0.0.1", "localhost")
    web.serve("/", b"<!doctype html><title>elsewhere</title><body></body>", Content_Type="text/html")
    foreign = tab.page.context.new_page()
    foreign.goto(web.url("/"))
    hosting.asked.clear()
    assert foreign.evaluate(JOIN, [app, "a-strangers-hash"]) > 0
    foreign.evaluate(FORMS, [app, "a-strangers-hash"])
    foreign.close()
    assert "ada" not in listen(app, "a-strangers-hash")
    assert all(asked.token != TOKEN for asked in hosting.asked)
    assert tab.page.evaluate(JOIN, [app, "ones-own-hash"]) > 0
    assert "ada" in listen(app, "ones-own-hash")  # the page itself does the same, and is told
    expect(button).to_have_text("Logout (ada)")

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
