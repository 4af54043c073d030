"""What a view sends: the parts that have changed since this page was told last, and of these the properties that have."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from pathlib import Path

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from hugginggpt.agent.agent import Session
from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    Event,
    ModelRef,
    Planned,
    RequestDone,
    RequestStarted,
    TaskDone,
    TaskStarted,
)
from hugginggpt.core.resources import Origin
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.ui.chat.view import BUSY, EMPTY, SentView, View, ViewBuilder
from hugginggpt.ui.property_updates import UNCHANGED, PropertyUpdate, make_updatable
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, made

EDGES = ModelRef("canny", "bundled")
PLANNED = Planned(made({"task": "canny-control", "id": 0, "dep": [-1], "args": {"image": "image-1"}}), 0.1)


@pytest.fixture
def tab(workspace: Workspace) -> TabSession:
    """A tab with one request, which has just begun."""
    tab = TabSession(Session(workspace))
    picture = tab.session.workspace.add_file(MEDIA / "cat.jpg")
    tab.runs.append(BackgroundRun("Draw its edges.", (picture,)))
    happens(tab, RequestStarted("Draw its edges.", (picture,), "somebody"), PLANNED, TaskStarted(0, EDGES))
    return tab


def happens(tab: TabSession, *events: Event) -> None:
    tab.runs[-1].events += events
    tab.runs[-1].times += [0.0] * len(events)


def drawn(tab: TabSession) -> View:
    return ViewBuilder(load_task_table()).build(tab)


def named(view: View) -> set[str]:
    """The parts that a view says anything about."""
    parts = {each.name: getattr(view, each.name) for each in fields(view)}
    return {name for name, part in parts.items() if part not in (UNCHANGED, gr.skip())}


def test_the_first_view_says_all_and_one_of_the_same_nothing(tab: TabSession) -> None:
    sent = SentView()
    assert named(sent.select_changes(drawn(tab))) == {each.name for each in fields(View)} - {"box"}
    assert named(sent.select_changes(drawn(tab))) == set()


def test_a_piece_of_the_answer_sends_the_chat_alone_and_of_it_the_messages(tab: TabSession) -> None:
    sent = SentView()
    sent.select_changes(drawn(tab))
    happens(tab, AnswerDelta("It is "))
    changes = sent.select_changes(drawn(tab))
    assert named(changes) == {"chat"}
    assert set(changes.chat.properties) == {"value"}


def test_a_task_that_is_done_sends_chat_picture_and_shelf(tab: TabSession, tmp_path: Path) -> None:
    sent = SentView()
    sent.select_changes(drawn(tab))
    workspace = tab.session.workspace
    edges = workspace.add_output(
        Kind.IMAGE, Origin("task", "canny-control", 0), path=Path(shutil.copy(MEDIA / "cat.jpg", tmp_path))
    )
    happens(tab, TaskDone(0, EDGES, (edges,), 1.0))
    assert named(sent.select_changes(drawn(tab))) == {"chat", "plan", "resources"}
    happens(tab, Answered("Here it is."), RequestDone(1.0))
    tab.runs[-1].finished = True
    assert named(sent.select_changes(drawn(tab))) == {"chat", "share"}


def test_what_one_page_was_sent_another_was_not(tab: TabSession) -> None:
    SentView().select_changes(drawn(tab))
    assert named(SentView().select_changes(drawn(tab))) == {each.name for each in fields(View)} - {"box"}


def test_what_becomes_of_the_box_is_said_in_every_view(tab: TabSession) -> None:
    sent, busy = SentView(), PropertyUpdate({"value": EMPTY, **BUSY})
    for _ in range(2):
        assert sent.select_changes(replace(drawn(tab), box=busy)).box == busy


def test_messages_of_finished_requests_are_made_once(tab: TabSession) -> None:
    happens(tab, Answered("Here it is."), RequestDone(1.0))
    tab.runs[-1].finished = True
    tab.runs.append(BackgroundRun("And now?"))
    before, after = (drawn(tab).chat.properties["value"] for _ in range(2))
    assert len(before) == len(after) > 4
    assert all(one is other for one, other in zip(before[:-2], after[:-2], strict=True))


async def test_an_update_makes_no_component_and_tells_the_browser_what_it_names() -> None:
    with gr.Blocks() as page:
        box = make_updatable(gr.Textbox)("as it was", label="Box")
        button = gr.Button()
        button.click(lambda: None, None, box)
    fn = next(iter(page.fns.values()))

    async def told(value: object) -> object:
        state = SessionState(page)
        (output,) = await page.postprocess_data(fn, value, state)
        assert state[box._id] is box
        return output

    assert await told(UNCHANGED) == {"__type__": "update"}
    assert await told(PropertyUpdate({"value": "new", "visible": False})) == {
        "__type__": "update",
        "value": "new",
        "visible": False,
    }
    assert await told("new") == "new"
    assert box.get_block_name() == "textbox"
