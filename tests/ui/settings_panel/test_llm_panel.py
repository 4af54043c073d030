"""The side bar's handlers: limits stay within bounds, and what a tab holds is shown when its page is opened again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.settings import Settings
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.llm.client import LanguageModel
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.llm_choice import BUILT_IN, HUGGING_FACE, OTHER
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel.endpoint_picker import EndpointPicker
from hugginggpt.ui.settings_panel.llm_panel import LLMPanel
from hugginggpt.ui.settings_panel.models_panel import ModelsPanel
from tests.checkpoints import HubCache
from tests.conftest import Planner, Quick
from tests.hosted_server import TOKEN, HostedServer

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick()], fallback=Planner(), settings=settings.model_copy(update={"task_seconds": 60.0}))


@pytest.fixture
async def panel(agent: HuggingGPT) -> LLMPanel:
    # in a running loop, or Gradio makes loops of its own and leaves them open
    made = LLMPanel(agent, lambda tab: tab or TabSession(agent.new_session()), shared=SharedToken("hf_owner", 7))
    with gr.Blocks() as page:
        tab = gr.State(None)
        made.draw(tab)
        made.restore_on(page.load, tab)
    return made


def asking(language: str = "en") -> gr.Request:
    request = gr.Request()
    request.kwargs = {"headers": {"accept-language": language}}
    return request


def told(updates: dict[Any, Any]) -> dict[str, Any]:
    """By element id."""
    return {component.elem_id: value for component, value in updates.items() if component.elem_id}


def token(text: str) -> gr.OAuthToken:
    return gr.OAuthToken(text, "inference-api", 0)


@pytest.mark.parametrize(("asked", "settled"), [(3, 3), (0, 1), (99, 10), (2.0, 2)])
def test_candidates_stay_within_bounds(agent: HuggingGPT, asked: float, settled: int) -> None:
    models = ModelsPanel(agent, lambda tab: tab or TabSession(agent.new_session()))
    assert models.set_top_k(asked, None).top_k == settled


@pytest.mark.parametrize(("asked", "settled"), [(30.0, 30.0), (600.0, 60.0), (-5.0, 1.0), (None, None)])
def test_a_deadline_is_never_beyond_the_owners(agent: HuggingGPT, asked: float | None, settled: float | None) -> None:
    models = ModelsPanel(agent, lambda tab: tab or TabSession(agent.new_session()))
    assert models.set_task_seconds(asked, None).task_seconds == settled
    assert models.set_ask_first(True, None).ask_first


@pytest.mark.parametrize(("language", "said"), [("en", "Enter a Hugging Face token"), ("zh", "请先填写 Hugging Face 令牌")])
async def test_without_a_token_of_their_own_nobodys_endpoints_are_listed(agent: HuggingGPT, language: str, said: str) -> None:
    picker = EndpointPicker(HubAddresses(URL, URL, URL), lambda tab: tab or TabSession(agent.new_session()))
    with gr.Blocks():
        picker.draw(gr.Dropdown([]), gr.Textbox(), gr.State(None))
    assert said in told(await picker.list_endpoints(None, asking(language)))["endpoints-status"]


async def test_nothing_is_kept_for_somebody_who_has_only_opened_the_page(panel: LLMPanel) -> None:
    shown = told(await panel.restore_choices("", None, asking(), None, None))
    assert set(shown) == {"hosted-status"}
    assert "7 calls an hour" in shown["hosted-status"]


async def test_what_is_ticked_before_the_page_is_there_stays_ticked(panel: LLMPanel, agent: HuggingGPT) -> None:
    tab = TabSession(agent.new_session())
    tab.ask_first = True
    assert set(told(await panel.restore_choices("", tab, asking(), None, None))) == {"hosted-status"}


async def test_a_page_that_is_opened_again_shows_what_its_visit_holds(panel: LLMPanel, agent: HuggingGPT) -> None:
    tab = TabSession(agent.new_session(), LanguageModel("tiny", URL, "sk-1"), show_images=True, page_count=2)
    tab.controller, tab.top_k, tab.task_seconds, tab.ask_first, tab.token = OTHER, 9, 30.0, True, "hf_11"
    tab.set_placement("here")
    shown = told(await panel.restore_choices("", tab, asking("zh-CN"), None, None))
    assert shown["brain"] == OTHER
    assert shown["brain-fields"]["visible"]
    assert shown["model"]["value"] == "tiny"
    assert (shown["looks"], shown["where"], shown["top-k"], shown["task-seconds"]) == (True, "here", 9, 30.0)
    assert shown["ask-first"]
    assert shown["brain-status"].startswith("由 127.0.0.1 上的 tiny 规划。")
    assert "sk-1" not in str(list(shown.values()))
    assert "hf_11" not in str(list(shown.values()))


@pytest.mark.parametrize(
    "kept", ["", "null", "[1]", "{", '{"brain": 3, "hosted": []}', '{"hosted": {"key": "sk-1"}}', "[" * 9_000]
)
async def test_what_somebody_else_has_left_in_the_browser_does_no_harm(panel: LLMPanel, kept: str) -> None:
    updates = await panel.restore_choices(kept, None, asking(), None, None)
    tabs = [value for value in updates.values() if isinstance(value, TabSession)]
    assert all(tab.model is None and not tab.token for tab in tabs)


async def test_what_is_remembered_is_taken_without_asking_anybody(panel: LLMPanel) -> None:
    brain = {"brain": OTHER, "key": "sk-1", "base_url": URL, "model": "tiny"}
    kept = json.dumps({"brain": brain, "hosted": {"key": "hf_11"}})
    updates = await panel.restore_choices(kept, None, asking(), None, None)
    (tab,) = (value for value in updates.values() if isinstance(value, TabSession))
    assert tab.model == LanguageModel("tiny", URL, "sk-1")
    assert (tab.token, tab.key_remembered, tab.token_remembered) == ("hf_11", True, True)


def test_signing_in_gives_a_brain_and_signing_out_takes_it(panel: LLMPanel, agent: HuggingGPT) -> None:
    tab = TabSession(agent.new_session())
    panel.apply_sign_in(tab, token("hf_oauth_1"))
    assert tab.model
    assert (tab.controller, tab.model.key, tab.hosted_token) == (HUGGING_FACE, "hf_oauth_1", "hf_oauth_1")
    panel.apply_sign_in(tab, token("hf_oauth_2"))  # it was renewed
    assert (tab.model.key, tab.hosted_token) == ("hf_oauth_2", "hf_oauth_2")
    panel.apply_sign_in(tab, None)
    assert (tab.controller, tab.model, tab.hosted_token) == (BUILT_IN, None, "")


def test_a_brain_that_was_chosen_stays_when_somebody_signs_in_or_out(panel: LLMPanel, agent: HuggingGPT) -> None:
    own = LanguageModel("tiny", URL, "sk-1")
    tab = TabSession(agent.new_session(), own, controller=OTHER)
    panel.apply_sign_in(tab, token("hf_oauth_1"))
    assert (tab.model, tab.hosted_token) == (own, "hf_oauth_1")
    panel.apply_sign_in(tab, None)
    assert (tab.model, tab.hosted_token) == (own, "")


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("http://127.0.0.1:9/v1?api-key=sk-hidden", "http://127.0.0.1:9/v1"),
        ("http://127.0.0.1:9/v1#sk-hidden", "http://127.0.0.1:9/v1"),
        ("http://me:sk-hidden@127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
    ],
)
async def test_a_key_inside_a_base_url_leaves_its_box_at_once(panel: LLMPanel, typed: str, left: str) -> None:
    for work in (
        panel.test(OTHER, "", "", typed, "tiny", "", None, asking()),
        panel.use(OTHER, "", "", typed, "tiny", "", True, None, asking()),
    ):
        updates = [told(each) async for each in work]
        assert updates[0]["base-url"] == left  # in the first step: Gradio hands out what stays in a box
        assert "The base URL" in updates[-1]["brain-status"]
        assert "sk-hidden" not in str(updates)


@pytest.fixture
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as started:
        started.organisations = ("my-org",)
        started.serve("conversational", "o/chats", provider="novita")
        yield started


@pytest.fixture
async def routed(agent: HuggingGPT, router: HostedServer) -> LLMPanel:
    """The panel of a page whose Hub and router are the stand-in."""
    addresses = {"hub": router.url, "router": router.url, "endpoints": router.url}
    agent.settings = agent.settings.model_copy(update=addresses)
    made = LLMPanel(agent, lambda tab: tab or TabSession(agent.new_session()))
    with gr.Blocks():
        made.draw(gr.State(None))
    return made


async def test_a_model_at_the_router_is_asked_at_the_provider_that_was_chosen(routed: LLMPanel, agent: HuggingGPT) -> None:
    tab = TabSession(agent.new_session())
    shown = [told(each) async for each in routed.use(HUGGING_FACE, "", TOKEN, "", "o/chats", "cheapest", False, tab, asking())]
    assert shown[-1]["model"]["value"] == "o/chats"
    assert shown[-1]["route"]["value"] == "cheapest"
    assert [value for _, value in shown[-1]["route"]["choices"]] == ["", "fastest", "cheapest", "preferred", "novita"]
    assert "A request costs about $0.0018 there." in shown[-1]["brain-status"]
    assert tab.model is not None
    assert tab.model.model == "o/chats:cheapest"
    restored = told(routed._form.show_fields(HUGGING_FACE, tab, Words()))
    assert (restored["model"]["value"], restored["route"]["value"]) == ("o/chats", "cheapest")


async def test_an_organization_of_the_account_can_be_chosen_to_pay(routed: LLMPanel, agent: HuggingGPT) -> None:
    tab, panel = TabSession(agent.new_session()), routed._models.token
    async for _ in routed.use(HUGGING_FACE, "", TOKEN, "", "o/chats", "", False, tab, asking()):
        pass
    *_, shown = [told(each) async for each in panel.test(TOKEN, tab, asking())]
    assert shown["bill-to"]["choices"] == [("my own account", ""), ("my-org", "my-org")]
    assert told(panel.set_bill_to("my-org", tab, asking()))["hosted-check"] == "my-org pays for hosted models from now on."
    assert tab.model is not None
    assert (tab.model.bill_to, tab.build_visitor(None, "").bill_to) == ("my-org", "my-org")
    assert told(panel.set_bill_to("my org", tab, asking()))["hosted-check"].startswith("This is no name of an organization")
    assert tab.preferences.bill_to == "my-org"
    assert told(panel.build_updates(tab, Words()))["bill-to"]["value"] == "my-org"


async def test_an_organization_pays_at_no_other_server(routed: LLMPanel, agent: HuggingGPT) -> None:
    tab = TabSession(agent.new_session(), LanguageModel("tiny", URL, "sk-1"), controller=OTHER)
    tab.charge("my-org")
    assert tab.model == LanguageModel("tiny", URL, "sk-1")
