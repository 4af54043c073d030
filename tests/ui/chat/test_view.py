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
from hugginggpt.ui.property_updates import UNCHANGED, PropertyUpdate, taking_updates
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, made

EDGES = ModelRef("canny", "bundled")
PLANNED = Planned(made({"task": "canny-control", "id": 0, "dep": [-1], "args": {"image": "image-1"}}), 0.1)


@pytest.fixture
def visit(workspace: Workspace) -> TabSession:
    """A visit with one request, which has just begun."""
    visit = TabSession(Session(workspace))
    picture = visit.session.workspace.add_file(MEDIA / "cat.jpg")
    visit.runs.append(BackgroundRun("Draw its edges.", (picture,)))
    happens(visit, RequestStarted("Draw its edges.", (picture,), "somebody"), PLANNED, TaskStarted(0, EDGES))
    return visit


def happens(visit: TabSession, *events: Event) -> None:
    visit.runs[-1].events += events
    visit.runs[-1].times += [0.0] * len(events)


def drawn(visit: TabSession) -> View:
    return ViewBuilder(load_task_table()).of(visit)


def named(view: View) -> set[str]:
    """The parts that a view says anything about."""
    parts = {each.name: getattr(view, each.name) for each in fields(view)}
    return {name for name, part in parts.items() if part not in (UNCHANGED, gr.skip())}


def test_the_first_view_says_all_and_one_of_the_same_nothing(visit: TabSession) -> None:
    sent = SentView()
    assert named(sent.select_changes(drawn(visit))) == {each.name for each in fields(View)} - {"box"}
    assert named(sent.select_changes(drawn(visit))) == set()


def test_a_piece_of_the_answer_sends_the_chat_alone_and_of_it_the_messages(visit: TabSession) -> None:
    sent = SentView()
    sent.select_changes(drawn(visit))
    happens(visit, AnswerDelta("It is "))
    changes = sent.select_changes(drawn(visit))
    assert named(changes) == {"talk"}
    assert set(changes.talk.properties) == {"value"}


def test_a_task_that_is_done_sends_chat_picture_and_shelf(visit: TabSession, tmp_path: Path) -> None:
    sent = SentView()
    sent.select_changes(drawn(visit))
    workspace = visit.session.workspace
    edges = workspace.add_output(
        Kind.IMAGE, Origin("task", "canny-control", 0), path=Path(shutil.copy(MEDIA / "cat.jpg", tmp_path))
    )
    happens(visit, TaskDone(0, EDGES, (edges,), 1.0))
    assert named(sent.select_changes(drawn(visit))) == {"talk", "picture", "shelf"}
    happens(visit, Answered("Here it is."), RequestDone(1.0))
    visit.runs[-1].over = True
    assert named(sent.select_changes(drawn(visit))) == {"talk", "share"}


def test_what_one_page_was_sent_another_was_not(visit: TabSession) -> None:
    SentView().select_changes(drawn(visit))
    assert named(SentView().select_changes(drawn(visit))) == {each.name for each in fields(View)} - {"box"}


def test_what_becomes_of_the_box_is_said_in_every_view(visit: TabSession) -> None:
    sent, busy = SentView(), PropertyUpdate({"value": EMPTY, **BUSY})
    for _ in range(2):
        assert sent.select_changes(replace(drawn(visit), box=busy)).box == busy


def test_messages_of_finished_requests_are_made_once(visit: TabSession) -> None:
    happens(visit, Answered("Here it is."), RequestDone(1.0))
    visit.runs[-1].over = True
    visit.runs.append(BackgroundRun("And now?"))
    before, after = (drawn(visit).talk.properties["value"] for _ in range(2))
    assert len(before) == len(after) > 4
    assert all(one is other for one, other in zip(before[:-2], after[:-2], strict=True))


async def test_an_update_makes_no_component_and_tells_the_browser_what_it_names() -> None:
    with gr.Blocks() as page:
        box = taking_updates(gr.Textbox)("as it was", label="Box")
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
