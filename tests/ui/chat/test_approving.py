"""An answer to a plan that waits: checked and drawn beside the event loop, and held against what waits by then."""

from __future__ import annotations

import asyncio
from threading import Thread, current_thread
from typing import Any

import gradio as gr
import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.plan import Task
from hugginggpt.core.settings import Settings
from hugginggpt.planning.approval import Proposal
from hugginggpt.ui.chat.handlers import ChatHandlers
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.uploads import Uploads
from tests.conftest import Planner, Quick, made, say


class ObservedProposal(Proposal):
    """A plan that notes which threads look at its tasks."""

    read_in: set[Thread] = set()  # noqa: RUF012 - of the test that has made the class anew

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        self.read_in.add(current_thread())
        return super().open_tasks


@pytest.fixture
def handlers(settings: Settings) -> ChatHandlers:
    agent = HuggingGPT([Quick()], fallback=Planner(), settings=settings)
    uploads = Uploads(agent.storage, settings, max_file_bytes=settings.max_file_bytes)
    tab = TabSession(agent.new_session())
    return ChatHandlers(agent, lambda known: known or tab, Admission(settings), uploads=uploads)


def sent(proposal: Proposal, **task: Any) -> gr.EventData:
    return gr.EventData(None, {"key": proposal.key, "tasks": [{"id": 0, "keep": True, **task}]})


PLAN = made(say(0, "Hello."), say(1, "<resource>-0", 0))


@pytest.mark.parametrize(("keep", "is_refused"), [(True, False), (False, True)])
async def test_it_is_checked_and_drawn_beside_the_event_loop(keep: bool, is_refused: bool, handlers: ChatHandlers) -> None:
    tab = handlers._get_tab(None)
    proposal = ObservedProposal(PLAN, {})
    ObservedProposal.read_in.clear()
    waiting = asyncio.create_task(tab.gate(proposal))
    await asyncio.sleep(0)
    form = (await handlers.approve(tab, sent(proposal, keep=keep)))[3]
    assert ("needs what task 0 makes" in str(form)) == is_refused
    assert ObservedProposal.read_in
    assert current_thread() not in ObservedProposal.read_in
    assert is_refused or (await waiting).plan is PLAN
    waiting.cancel()


async def test_an_answer_does_not_release_the_plan_that_has_come_after_it(handlers: ChatHandlers) -> None:
    tab = handlers._get_tab(None)
    first, second = Proposal(PLAN, {}), Proposal(PLAN, {})
    waiting = asyncio.create_task(tab.gate(first))
    await asyncio.sleep(0)
    answering = asyncio.create_task(handlers.approve(tab, sent(first)))
    await asyncio.sleep(0)  # it is being checked
    waiting.cancel()
    next_one = asyncio.create_task(tab.gate(second))
    await answering
    assert not next_one.done()
    assert tab.gate.proposal is second
    next_one.cancel()
