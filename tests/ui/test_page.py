"""The page's own handlers and listeners: nothing that a person does early, or twice in a moment, is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import gradio as gr
import pytest
from gradio.context import LocalContext

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.settings import Settings
from hugginggpt.ui.page import Page
from hugginggpt.ui.session.tab_session import TabSession
from tests.conftest import Planner, Quick
from tests.ui.app_server import SECONDS

KEY = "0123456789abcdef" * 3


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick()], fallback=Planner(), settings=settings)


def asking(page: str) -> gr.Request:
    request = gr.Request(session_hash=page)
    request.kwargs = {"headers": {}}
    return request


async def test_what_is_done_before_a_reloaded_page_has_been_answered_belongs_to_its_visit(agent: HuggingGPT) -> None:
    page, before = Page(agent), TabSession(agent.new_session())
    page._tabs.register(before, KEY)
    arriving = asyncio.create_task(page.restore_tab(KEY, "", "", asking("reloaded")))
    await asyncio.sleep(0)  # it has begun, and draws
    assert page._tabs.get_for_page("reloaded", lambda: TabSession(agent.new_session())) is before
    await arriving


def ask(page: Page, restored: str) -> AsyncGenerator[Any, None]:
    """What the page "early" is shown after its first request; a warning is an error here."""
    LocalContext.request.set(asking("early"))
    views = page.ask({"text": "Say hello."}, restored, "anywhere", False, None, asking("early"))
    return cast("AsyncGenerator[Any, None]", views)


@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_a_request_that_comes_before_its_page_is_restored_belongs_to_its_visit_and_nothing_counts_as_lost(
    is_reloaded: bool, agent: HuggingGPT
) -> None:
    page, before = Page(agent, restore_seconds=SECONDS), TabSession(agent.new_session(), page_opened=True)
    if is_reloaded:
        page._tabs.register(before, KEY)
    first = asyncio.create_task(anext(views := ask(page, restored="")))
    await asyncio.sleep(0)  # it waits
    await page.restore_tab(KEY, "", "1" if is_reloaded else "", asking("early"))
    tab = (await first)[-1]
    assert (tab is before) == is_reloaded
    assert tab is page._tabs.find(KEY)
    await views.aclose()


async def test_who_asks_of_a_page_whose_state_is_gone_is_told_so(agent: HuggingGPT) -> None:
    views = ask(Page(agent), restored="1")
    with pytest.warns(UserWarning, match="The page was restarted"):
        await anext(views)
    await views.aclose()


async def test_nobody_waits_for_a_page_that_is_never_restored(agent: HuggingGPT) -> None:
    views = ask(Page(agent, restore_seconds=0.01), restored="")
    assert (await anext(views))[-1].page_opened
    await views.aclose()


async def test_a_field_that_is_set_twice_in_a_moment_is_left_as_it_was_set_last(agent: HuggingGPT) -> None:
    blocks = Page(agent).build()
    modes = {
        blocks.blocks[number].elem_id: fn.trigger_mode
        for fn in blocks.fns.values()
        for number, event in fn.targets
        if event == "input" and number is not None
    }
    fields = {"brain", "where", "fetch", "ask-first", "top-k", "task-seconds", "provider", "runs"}
    assert {name for name in fields & modes.keys() if modes[name] != "always_last"} == set()
    assert len(fields & modes.keys()) == len(fields)
