"""Hosted models on the page: on the visitor's own token, which stays nowhere, and as the visitor settles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import hosted_server as at_server
from tests.hosted_server import HostedServer
from tests.ui.app_server import Server
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

TOKEN = "hf_visitor4711verySecret"
REQUEST = "Paint a red fox in the snow."
MODEL = "owner/paints"


@pytest.fixture
def paints(hosting: HostedServer) -> Iterator[HostedServer]:
    hosting.accounts.add(TOKEN)
    hosting.serve("text-to-image", MODEL, downloads=1_234)
    yield hosting
    hosting.models.clear()
    hosting.owners.clear()
    hosting.router.served.clear()
    hosting.asked.clear()
    hosting.faults.clear()


def enter(tab: Tab, token: str) -> None:
    tab.open_settings()
    if not tab.page.locator("#hosted-token input").is_visible():
        tab.page.get_by_text("Token for hosted models").click()
    tab.page.locator("#hosted-token input").fill(token)
    tab.page.locator("#use-token").click()


def wish(tab: Tab, kind: str, model: str) -> None:
    if not tab.page.locator("#wish-model textarea, #wish-model input").is_visible():
        tab.page.get_by_text("Choose models yourself").click()
    tab.page.locator("#wish-model :is(input, textarea)").fill(model)
    tab.page.locator(f"#wish-{kind}").click()


def test_a_hosted_model_works_on_the_visitors_token_which_is_kept_nowhere(
    tab: Tab, paints: HostedServer, server: Server
) -> None:
    assert "No model for picture generation is here" in tab.ask(REQUEST)
    assert paints.asked == []
    status, checked = tab.page.locator("#hosted-status"), tab.page.locator("#hosted-check")
    enter(tab, "sk-from-elsewhere")
    expect(checked).to_contain_text("This is no Hugging Face token, which begins with hf_")
    enter(tab, f" {TOKEN} ")
    expect(status).to_contain_text("Hosted models run on your account. The token stays in this tab's session")
    expect(checked).to_contain_text("Works: the token of tester runs hosted models.")
    expect(tab.page.locator("#hosted-token input")).to_have_value("")
    answer = tab.ask(REQUEST)
    assert MODEL in answer
    expect(tab.answers.last.locator("img").first).to_be_visible()
    told = tab.open_steps("text-to-image")
    expect(tab.step("text-to-image")).to_contain_text(f"{MODEL} · hosted by hf-inference")
    assert "The only model for this task." in told
    assert "Candidates The Hub's search, just now." in told
    assert {token for token in paints.tokens if token} == {f"Bearer {TOKEN}"}
    assert TOKEN not in tab.page.content()
    assert server.files_with(TOKEN) == []


def test_one_token_plans_and_runs_hosted_models(tab: Tab, paints: HostedServer, server: Server) -> None:
    paints.serve("conversational", "owner/talks")
    paints.serve("conversational", "owner/chats")
    tab.type("Hugging Face", hf_token=TOKEN)
    tab.page.locator("#test-brain").click()
    expect(tab.status).to_contain_text("Works: the token of tester plans (2 models) and runs hosted models.")
    expect(tab.status).to_contain_text("openai/gpt-oss-120b is not among the 2 models that it lists")
    expect(tab.page.locator("#hosted-status")).to_contain_text("enter a token for that")
    tab.page.locator("#model input").click()
    tab.page.get_by_role("option", name="owner/talks").click()
    tab.page.locator("#use-brain").click()
    expect(tab.status).to_contain_text("owner/talks at 127.0.0.1 plans. The key stays in this tab's session")
    expect(tab.page.locator("#hosted-status")).to_contain_text("Hosted models run on your account.")
    expect(tab.page.locator("#hf-token input")).to_have_value("")
    tab.ask(REQUEST)
    chats = [asked for asked in paints.asked if asked.path == "/v1/chat/completions"]
    assert chats[-1].json["model"] == "owner/talks"
    assert {token for token in paints.tokens if token} == {f"Bearer {TOKEN}"}
    assert server.files_with(TOKEN) == []
    tab.page.locator("#forget-brain").click()
    expect(tab.page.locator("#hosted-status")).to_contain_text("enter a token for that")


def test_a_token_that_the_hub_refuses_is_not_taken(tab: Tab, paints: HostedServer) -> None:
    tab.choose("Hugging Face", hf_token="hf_nobodys")
    expect(tab.status).to_contain_text("Hugging Face refused the token: check it, or make a new one")
    expect(tab.page.locator("#hf-token input")).to_have_value("hf_nobodys")
    enter(tab, "hf_nobodys")
    expect(tab.page.locator("#hosted-check")).to_contain_text("Hugging Face refused the token")
    expect(tab.page.locator("#hosted-status")).to_contain_text("enter a token for that")


def test_what_fails_elsewhere_says_what_to_do(tab: Tab, paints: HostedServer) -> None:
    enter(tab, TOKEN)
    expect(tab.page.locator("#hosted-check")).to_contain_text("Works")
    paints.faults["/hf-inference"].append(at_server.no_credit())
    answer = tab.ask(REQUEST)
    assert "The token's account has no inference credit left: top it up at huggingface.co/settings/billing" in answer


def test_a_model_can_be_banned_pinned_and_added(tab: Tab, paints: HostedServer) -> None:
    enter(tab, TOKEN)
    expect(tab.page.locator("#hosted-status")).to_contain_text("your account")
    settled = tab.page.locator("#wish-status")
    wish(tab, "ban", MODEL)
    expect(settled).to_contain_text(f"{MODEL}, banned")
    assert f"No model for picture generation is left: {MODEL} banned by you" in tab.ask(REQUEST)
    wish(tab, "pin", "owner/nobody-knows")
    expect(settled).to_contain_text("The Hub knows no model “owner/nobody-knows”")
    own = paints.endpoint("text-to-image", path="my-own", owner="a-stranger")
    wish(tab, "pin", f"{own}?key=abc")
    expect(settled).to_contain_text(f"text-to-image: {own}, pinned")
    expect(settled).not_to_contain_text("abc")
    assert "The endpoint at 127.0.0.1 wants a token" in tab.ask(REQUEST)
    tab.page.get_by_label(own, exact=True).check()
    tab.ask(REQUEST)
    assert "You have pinned it for this task." in tab.open_steps("text-to-image")
    assert paints.asked[-1].path == "/endpoint/my-own"
    paints.endpoint("text-to-image", path="asleep")
    paints.states["/endpoint/asleep"] = "scaledToZero"
    tab.page.locator("#list-endpoints").click()
    tab.page.locator("#endpoints input").click()
    tab.page.get_by_role("option", name="asleep · owner/name · text-to-image · asleep, wakes when it is called").click()
    expect(tab.page.locator("#wish-model :is(input, textarea)")).to_have_value(f"{paints.url}/endpoint/asleep")
    tab.page.locator("#wish-clear").click()
    expect(settled).to_be_empty()
    tab.ask(REQUEST)
    tab.open_steps("text-to-image")
    expect(tab.step("text-to-image")).to_contain_text(f"{MODEL} · hosted by hf-inference")
    paints.serve("text-to-image", MODEL, provider="nscale")
    tab.page.locator("#provider input").click()
    tab.page.get_by_role("option", name="nscale").click()
    tab.ask(REQUEST)
    tab.open_steps("text-to-image")
    expect(tab.step("text-to-image")).to_contain_text(f"{MODEL} · hosted by nscale")
    tab.page.get_by_label("Only here", exact=True).check()
    assert f"{MODEL} hosted, and models are to run here" in tab.ask(REQUEST)
