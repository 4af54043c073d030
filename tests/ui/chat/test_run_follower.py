"""A run that is followed: the page shows it until it is over, then its box is free again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from threading import Thread, current_thread
from typing import Any

import pytest

from hugginggpt.agent.agent import Session
from hugginggpt.core.events import Answered, Event, Notice, RequestDone, RequestFailed, RequestStarted
from hugginggpt.core.tasks import load_task_table
from hugginggpt.ui.chat.run_follower import RunFollower
from hugginggpt.ui.chat.view import READY
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.workspace.workspace import Workspace

TYPED: dict[str, Any] = {"text": "Do it.", "files": []}


async def stream(*events: Event) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event


async def follow(workspace: Workspace, *events: Event) -> tuple[Any, ...]:
    """The last view of a request with these events."""
    tab = TabSession(Session(workspace))
    tab.start_run(BackgroundRun("Do it."), stream(RequestStarted("Do it.", (), "somebody"), *events))
    return [view async for view in RunFollower(load_task_table()).follow(tab, typed=TYPED)][-1]


async def test_the_last_view_shows_the_answer_and_frees_the_box(workspace: Workspace) -> None:
    chat, _, box, *_ = await follow(workspace, Answered("It is done."), RequestDone(0.1))
    assert "It is done." in str(chat.properties["value"])
    assert box.properties == READY


async def test_what_was_typed_comes_back_where_there_is_no_answer(workspace: Workspace) -> None:
    _, _, box, *_ = await follow(workspace, RequestFailed("The planner is gone."))
    assert box.properties == {"value": TYPED, **READY}


async def test_nothing_is_followed_where_nothing_was_asked(workspace: Workspace) -> None:
    assert [view async for view in RunFollower(load_task_table()).follow(TabSession(Session(workspace)))] == []


@pytest.mark.parametrize(
    ("text", "count", "on_the_loop"),
    [("See https://example.org/.", 1, True), ("See https://example.org/.", 400, False), ("```py\n1\n```", 1, False)],
)
async def test_a_run_with_much_to_draw_is_drawn_beside_the_event_loop(
    text: str, count: int, on_the_loop: bool, workspace: Workspace
) -> None:
    """Whatever it is that there is much of: nobody else's page waits for it."""
    drawn_in: list[Thread] = []

    class ObservedTab(TabSession):
        @property
        def displayed_run(self) -> BackgroundRun | None:
            drawn_in.append(current_thread())
            return super().displayed_run

    tab = ObservedTab(Session(workspace))
    tab.runs.append(BackgroundRun("Do it.", events=[Notice(text), Answered(text)] * count, times=[0.0] * 2 * count))
    await RunFollower(load_task_table()).draw(tab)
    assert {thread is current_thread() for thread in drawn_in} == {on_the_loop}
