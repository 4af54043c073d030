"""What the answer is written from: the results and nothing else, within a budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.controllers.llm.respond_prompt import abridge, build_respond_messages, compute_fair_share, round_findings
from hugginggpt.core.events import ModelRef, Step
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind

OCR = ModelRef("PP-OCR", "bundled")


def text(number: int, value: str, **data: Any) -> Resource:
    return Resource(f"text-{number}", Kind.TEXT, Origin("task", "image-to-text", 0), text=value, data=data)


def step(number: int, *outputs: Resource, **more: Any) -> Step:
    return Step(
        Task("image-to-text", number, (), {"image": "image-1"}), more.pop("status", "done"), OCR, outputs=outputs, **more
    )


def facts(*steps: Step, request: str = "What does it say?", budget: int = 1_000, **more: Any) -> dict[str, Any]:
    asked = RespondRequest(request, (), Plan(tuple(step.task for step in steps)), steps, **more)
    _, question = build_respond_messages(asked, budget)
    found: dict[str, Any] = json.loads(question["content"])
    return found


def test_a_result_is_told_with_its_model_and_its_confidence() -> None:
    found = facts(step(0, text(1, "INVOICE 20417", confidence=0.98765)))["steps"][0]
    assert found["results"] == [{"name": "text-1", "text": "INVOICE 20417", "found": {"confidence": 0.988}}]
    assert found["model"] == "PP-OCR"


def test_figures_that_belong_to_two_results_are_told_once() -> None:
    picture = Resource(
        "image-2", Kind.IMAGE, Origin("task", "x", 0), path=Path("/s/x.png"), measure="8 × 6", data={"boxes": [1]}
    )
    found = facts(step(0, picture, text(1, "one box", boxes=[1])))["steps"][0]["results"]
    assert found == [{"name": "image-2", "measure": "8 × 6", "found": {"boxes": [1]}}, {"name": "text-1", "text": "one box"}]


def test_a_failed_step_says_so_and_credits_no_model() -> None:
    (found,) = facts(step(0, status="failed", error="No model is here."))["steps"]
    assert found == {"task": "image-to-text", "args": {"image": "image-1"}, "status": "failed", "error": "No model is here."}


def test_long_texts_share_the_budget_and_short_ones_stay_whole() -> None:
    found = facts(step(0, text(1, "short")), step(1, text(2, "a" * 50_000)), step(2, text(3, "b" * 50_000)), budget=2_000)
    lengths = [len(result["text"]) for step in found["steps"] for result in step["results"]]
    assert lengths[0] == 5
    assert 2_500 < lengths[1] < 3_100
    assert sum(lengths) <= 2_000 * 3 + 10


def test_no_path_and_no_file_gets_into_the_question() -> None:
    picture = Resource(
        "image-2", Kind.IMAGE, Origin("task", "x", 0), path=Path("/sessions/secret/x.png"), data={"png": "iVBO" * 9_999}
    )
    said = json.dumps(facts(step(0, picture)))
    assert "secret" not in said
    assert len(said) < 600


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.123456, 0.123),
        (1234.5, 1230.0),
        ("x" * 500, "x" * 160 + "…"),
        ([0.5] * 20, [0.5] * 12 + ["and 8 more"]),
        ({"a": [{"score": 1 / 3}]}, {"a": [{"score": 0.333}]}),
        (True, True),
        (None, None),
    ],
)
def test_findings_are_rounded_and_cut(value: Any, expected: Any) -> None:
    assert round_findings(value) == expected


def test_what_is_abridged_keeps_its_beginning_and_its_end() -> None:
    assert abridge("It was " + "very " * 100 + "good.", 40).startswith("It was very")
    assert abridge("It was " + "very " * 100 + "good.", 40).endswith("good.")


def test_everybody_gets_something_however_many_there_are() -> None:
    assert compute_fair_share([5_000] * 100, 300) == 200
    assert compute_fair_share([], 300) == 0


@pytest.mark.parametrize(
    ("request_", "language"),
    [
        ("Was steht auf dem Schild und was bedeutet es?", "German"),
        ("What does the sign say?", None),
        ("这个牌子上写了什么?", "Chinese"),
    ],
)
def test_the_visitors_language_is_named(request_: str, language: str | None) -> None:
    assert facts(request=request_).get("answer in") == language


def test_earlier_talk_is_told_shortly() -> None:
    turns = tuple(Turn(f"request {n}", "a" * 9_999, ()) for n in range(9))
    earlier = facts(turns=turns)["earlier"]
    assert [turn["request"] for turn in earlier] == [f"request {n}" for n in range(4, 9)]
    assert all(len(turn["answer"]) == 300 for turn in earlier)


def test_figures_stay_within_the_budget_too() -> None:
    boxes = [{"label": "a thing of some kind", "score": 0.5, "box": [1, 2, 3, 4]} for _ in range(500)]
    steps = [step(n, text(n, "many things", objects=boxes, more={"deep": boxes})) for n in range(4)]
    lengths = [len(json.dumps(facts(*steps, budget=budget))) for budget in (2_000, 250)]
    assert lengths[0] <= 2_000 * 3 * 1.2
    assert lengths[1] < 1_000
