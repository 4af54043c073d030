"""A trace is the fold of the events."""

import json
import time
from pathlib import Path

import pytest

from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    AttemptFailed,
    Event,
    ModelRef,
    ModelSelected,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    TaskDone,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    Usage,
)
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.core.trace import answer_text, describe_cost, fold_steps, format_duration, format_usage, trace_json

FIRST, SECOND = ModelRef("lab/first", "bundled"), ModelRef("lab/second", "local")
PLAN = Plan(
    (Task("translation", 0, (), {"text": "Hi."}), Task("text-to-speech", 1, (0,), {"text": "<resource>-0"})), ("Note.",)
)
ATTACHED = Resource("image-1", Kind.IMAGE, Origin("upload", "cat.jpg"), path=Path("/x/1.jpg"))
TEXT = Resource("text-1", Kind.TEXT, Origin("task", "translation", 0), text="Salut.", data={"score": 0.5})
STARTED = RequestStarted("Say hi in French.", (ATTACHED,), "test planner")
BEGUN: list[Event] = [
    STARTED,
    Planned(PLAN, 0.1),
    ModelSelected(0, FIRST, "It is good.", (FIRST, SECOND)),
    TaskStarted(0, FIRST),
]


def test_before_the_plan_there_are_no_steps() -> None:
    assert fold_steps([STARTED]) == ()


def test_each_task_is_pending_running_and_then_over() -> None:
    assert [step.status for step in fold_steps(BEGUN[:2])] == ["pending", "pending"]
    assert [step.status for step in fold_steps(BEGUN)] == ["running", "pending"]
    assert fold_steps([*BEGUN, TaskDone(0, FIRST, (TEXT,), 1.0)])[0].status == "done"


def test_the_model_that_really_ran_is_credited() -> None:
    step = fold_steps([*BEGUN, TaskDone(0, SECOND, (TEXT,), 1.0, "The first one failed.")])[0]
    assert (step.model, step.reason, step.note) == (SECOND, "It is good.", "The first one failed.")


def test_what_was_tried_before_stays_with_the_step() -> None:
    failed = AttemptFailed(0, FIRST, "Out of order.")
    events = [*BEGUN, failed, TaskStarted(0, SECOND), TaskDone(0, SECOND, (TEXT,), 1.0)]
    step = fold_steps(events)[0]
    assert step.attempts == (failed,)
    assert step.reason == "Next in the list, after lab/first failed."
    (first_step, _) = trace_json(events)["steps"]
    assert first_step["attempts"] == [{"model": {"id": "lab/first", "backend": "bundled"}, "error": "Out of order."}]
    assert first_step["model"]["id"] == SECOND.id


def test_a_skipped_task_credits_no_model() -> None:
    events = [*BEGUN, ModelSelected(1, FIRST, "The only one.", (FIRST,)), TaskSkipped(1, "Task 0 failed.", 0)]
    step = fold_steps(events)[1]
    assert (step.status, step.model, step.reason, step.error) == ("skipped", None, "", "Task 0 failed.")


def test_a_whole_request_as_json() -> None:
    events = [
        *BEGUN,
        TaskDone(0, FIRST, (TEXT,), 1.23456),
        TaskFailed(1, "No voice.", 0.5),
        Answered("It is “Salut.”"),
        RequestDone(2.0, (Usage("plan", 1, 100, 10), Usage("respond", 1, 50, 5))),
    ]
    trace = trace_json(events)
    assert json.loads(json.dumps(trace)) == trace
    assert trace["request"] == "Say hi in French."
    assert trace["plan"] == PLAN.as_json()
    assert trace["notes"] == ["Note."]
    assert trace["steps"] == [
        {
            "id": 0,
            "task": "translation",
            "status": "done",
            "model": {"id": "lab/first", "backend": "bundled", "reason": "It is good."},
            "seconds": 1.235,
            "outputs": ["text-1"],
            "error": None,
            "note": None,
            "attempts": [],
        },
        {
            "id": 1,
            "task": "text-to-speech",
            "status": "failed",
            "model": None,
            "seconds": 0.5,
            "outputs": [],
            "error": "No voice.",
            "note": None,
            "attempts": [],
        },
    ]
    assert [resource["name"] for resource in trace["resources"]] == ["image-1", "text-1"]
    assert trace["resources"][0]["path"] == "/x/1.jpg"
    assert trace["resources"][1]["text"] == "Salut."
    assert trace["resources"][1]["task_id"] == 0
    assert trace["answer"] == "It is “Salut.”"
    assert trace["usage"]["prompt_tokens"] == 150
    assert "error" not in trace


def test_a_failed_request_says_why() -> None:
    trace = trace_json([STARTED, RequestFailed("No plan."), RequestDone(0.1)])
    assert (trace["error"], trace["answer"], trace["plan"], trace["steps"]) == ("No plan.", "", [], [])


def test_no_events_are_an_empty_trace() -> None:
    trace = trace_json([])
    assert (trace["request"], trace["steps"], trace["seconds"]) == ("", [], None)


def test_usage_is_summed_and_told_stage_by_stage() -> None:
    usage = format_usage([Usage("plan", 2, 100, 10, 1.2346, 0.002), Usage("respond", 1, 50, 5)])
    assert {key: usage[key] for key in ("calls", "prompt_tokens", "completion_tokens")} == {
        "calls": 3,
        "prompt_tokens": 150,
        "completion_tokens": 15,
    }
    plan = {"calls": 2, "prompt_tokens": 100, "completion_tokens": 10, "seconds": 1.235, "cost": 0.002, "estimated": False}
    assert usage["stages"]["plan"] == plan
    assert usage["cost"] == 0.002


@pytest.mark.parametrize(
    ("estimated", "said"), [(False, "in, 10 out, 1.2 s, $0.0020"), (True, "in, 10 out, 1.2 s, about $0.0020 by list price")]
)
def test_a_cost_by_list_price_is_said_to_be_one(estimated: bool, said: str) -> None:
    usage = Usage("plan", 2, 100, 10, 1.2346, 0.002, estimated)
    assert describe_cost(usage).endswith(said)
    assert (Usage("plan", cost=0.001) + usage).estimated == estimated, "a part of a sum that is reckoned makes it so"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.0021, "2 ms"), (0.0996, "0.1 s"), (1.44, "1.4 s"), (59.97, "1 min 0 s"), (125.4, "2 min 5 s")]
)
def test_a_time_is_told_as_people_read_it(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_an_answer_of_many_pieces_is_put_together_in_time_that_grows_with_its_length() -> None:
    pieces = [AnswerDelta("x", restarts=True), *[AnswerDelta("ab") for _ in range(100_000)]]
    begun = time.process_time()
    assert answer_text(pieces) == "x" + "ab" * 100_000
    assert time.process_time() - begun < 5  # a minute, where the pieces before are copied each time
