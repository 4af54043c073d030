"""The form in which a plan waits: what it shows, and what is read from it, whatever a browser sends."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from hugginggpt.core.errors import PlanError
from hugginggpt.core.events import ModelRef
from hugginggpt.core.tasks import TaskTable
from hugginggpt.planning.approval import Proposal
from hugginggpt.ui.chat.approval_form import FormAnswer, build_approval, build_form, read_answer
from hugginggpt.ui.i18n import Words
from tests.conftest import made

PROPOSAL = Proposal(
    made(
        {"task": "translation", "id": 0, "args": {"text": "Hello <b>."}},
        {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
    ),
    {0: (ModelRef("o/one", "hosted"), ModelRef("o/two", "hosted"))},
    {1: "No model for speech is here."},
)


def sent(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def test_each_task_has_its_models_its_arguments_and_what_is_wrong_with_it(table: TaskTable) -> None:
    shown = build_form(PROPOSAL, table, Words())
    assert "<option selected>o/one</option><option>o/two</option>" in shown
    assert "Hello &lt;b&gt;.</textarea>" in shown
    assert "No model for speech is here." in shown
    assert f'data-key="{PROPOSAL.key}"' in shown


def test_what_was_refused_stands_there_as_it_was_left(table: TaskTable) -> None:
    answer = FormAnswer(PROPOSAL.key, dropped=frozenset({0}), models={0: "o/two"}, args={1: {"text": "Bye."}})
    shown = build_form(PROPOSAL, table, Words("zh"), answer=answer, error="It needs <0>.")
    assert 'name="task-0">' in shown
    assert "<option selected>o/two</option>" in shown
    assert "Bye.</textarea>" in shown
    assert 'role="alert">It needs &lt;0&gt;.' in shown


def test_a_form_that_was_not_touched_lets_the_plan_run_as_it_is(table: TaskTable) -> None:
    tasks = [{"id": n, "keep": True, "model": "o/one" if n == 0 else "", "args": {}} for n in (0, 1)]
    answer = read_answer(sent(key=PROPOSAL.key, tasks=tasks))
    allowed = build_approval(PROPOSAL, answer, table, ())
    assert allowed.plan is PROPOSAL.plan
    assert allowed.models == {}


def test_another_model_and_other_words_are_taken(table: TaskTable) -> None:
    tasks = [{"id": 0, "keep": True, "model": "o/two", "args": {"text": "Good day."}}, {"id": 1, "keep": False}]
    allowed = build_approval(PROPOSAL, read_answer(sent(tasks=tasks)), table, ())
    assert [dict(task.args) for task in allowed.plan.tasks] == [{"text": "Good day."}]
    assert allowed.models == {0: "o/two"}


def test_a_model_that_was_not_offered_is_not_taken(table: TaskTable) -> None:
    answer = read_answer(sent(tasks=[{"id": 0, "keep": True, "model": "evil/model"}]))
    assert build_approval(PROPOSAL, answer, table, ()).models == {}


def test_what_can_not_run_is_refused(table: TaskTable) -> None:
    with pytest.raises(PlanError, match="needs what task 0 makes"):
        build_approval(PROPOSAL, read_answer(sent(tasks=[{"id": 0, "keep": False}])), table, ())


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tasks": 5},
        {"tasks": [None, 3, "x", {"id": "0"}, {"id": True}]},
        {"tasks": [{"id": 0, "model": 7, "args": [1], "keep": "no"}]},
        {"tasks": [{"id": 0, "args": {"text": 5, "image": None}}]},
        {"key": 5, "stop": "yes"},
    ],
)
def test_whatever_a_browser_sends_counts_as_not_changed(data: dict[str, Any], table: TaskTable) -> None:
    answer = read_answer(sent(**data))
    assert not answer.stop
    assert build_approval(PROPOSAL, answer, table, ()).plan is PROPOSAL.plan
    assert read_answer(gr.EventData(None, "text")) == FormAnswer()
