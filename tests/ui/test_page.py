"""The page's own handlers and listeners: nothing that a person does early, or twice in a moment, is lost."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.settings import Settings
from hugginggpt.ui.page import Page
from hugginggpt.ui.session.tab_session import TabSession
from tests.conftest import Planner, Quick

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
