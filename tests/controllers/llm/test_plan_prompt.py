"""The question that a language model is asked to plan."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import jsonschema
import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.llm.demonstrations import Demonstration, load_demonstrations, select_demonstrations
from hugginggpt.controllers.llm.plan_prompt import (
    build_plan_messages,
    build_plan_schema,
    format_history,
    format_task_list,
    select_task_types,
)
from hugginggpt.core.events import Step
from hugginggpt.core.plan import Task
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, TaskTable
from hugginggpt.planning.repair import make_plan
from tests.conftest import attached

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}


def words(messages: Any) -> str:
    return "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("demo", load_demonstrations(), ids=lambda demo: demo.request[:40])
def test_every_demonstration_is_a_plan_that_needs_no_repair(demo: Demonstration, table: TaskTable) -> None:
    given = (*(resource for turn in demo.turns for resource in turn.resources), *demo.attached)
    plan = make_plan(demo.plan, table, given)
    assert plan.notes == ()
    assert plan.as_json() == list(demo.plan)
    named = {str(value) for task in demo.plan for value in task["args"].values()}
    assert {name for name in named if attached_name(name)} <= {resource.name for resource in given}
    assert bool(demo.answer) is not bool(demo.plan)
    schema = build_plan_schema(table, given, urls(named))  # that it is one is checked below, once
    jsonschema.Draft202012Validator(schema).validate(with_nulls(json.loads(demo.reply), table))


def attached_name(value: str) -> bool:
    return value.partition("-")[0] in set(Kind) and value.partition("-")[2].isdigit()


def urls(values: set[str]) -> list[str]:
    return [value for value in values if "://" in value]


def with_nulls(reply: dict[str, Any], table: TaskTable) -> dict[str, Any]:
    """As a strict schema wants it: an argument that isn't used is null."""
    for task in reply["tasks"]:
        task["args"] = {wanted.name: task["args"].get(wanted.name) for wanted in table[task["task"]].inputs}
    return reply


def test_demonstrations_cover_every_task_and_every_shape(table: TaskTable) -> None:
    demos = load_demonstrations()
    assert min(Counter(name for demo in demos for name in demo.tasks | set()).get(row, 0) for row in table) >= 2
    assert len({demo.request for demo in demos}) == len(demos)
    shapes = {
        "nothing to do": [demo for demo in demos if not demo.plan and not demo.attached],
        "several files": [demo for demo in demos if len(demo.attached) > 1],
        "earlier turns": [demo for demo in demos if demo.turns],
        "serial": [demo for demo in demos if len(demo.plan) > 2 and all(task["dep"] != [-1] for task in demo.plan[1:])],
        "parallel": [demo for demo in demos if sum(task["dep"] == [-1] for task in demo.plan) > 1],
        "cannot be done": [demo for demo in demos if "can't" in demo.answer],
        "another language": [demo for demo in demos if any(letter > "\u024f" for letter in demo.request)],
    }
    assert [shape for shape, found in shapes.items() if len(found) < 2] == []


@pytest.mark.parametrize(
    ("request_", "kinds", "task"),
    [
        ("paint me a purple elephant", [], "text-to-image"),
        ("count the boats in this picture", [Kind.IMAGE], "object-detection"),
        ("what's the amount payable on this bill?", [Kind.IMAGE], "document-question-answering"),
        ("put this into Polish: Where is the station?", [], "translation"),
        ("write down what they say", [Kind.AUDIO], "automatic-speech-recognition"),
        ("hello!", [], None),
    ],
)
def test_the_nearest_demonstrations_show_what_is_needed(request_: str, kinds: list[Kind], task: str | None) -> None:
    shown = select_demonstrations(request_, kinds, [], 300)
    assert len(shown) > 2
    assert task in {name for demo in shown for name in demo.tasks} if task else any(not demo.plan for demo in shown)


def test_demonstrations_stay_within_their_budget(table: TaskTable) -> None:
    for text in ("describe it", "read it aloud and translate it into French", "x" * 5_000, ""):
        assert sum(demo.tokens for demo in select_demonstrations(text, [Kind.IMAGE], ["image-to-text"], 200)) <= 200


def test_demonstrations_of_earlier_turns_are_shown_to_those_who_have_some() -> None:
    asked: dict[str, Any] = {"text": "Now read it aloud.", "kinds": [], "likely": ["text-to-speech"], "budget": 250}
    assert any(demo.turns for demo in select_demonstrations(**asked, earlier=True))
    assert not any(demo.turns for demo in select_demonstrations(**asked))


def test_every_task_and_argument_is_told(table: TaskTable) -> None:
    listed = format_task_list(table)
    for row in table.values():
        head, _, tail = row.name.partition("-")
        assert f"{row.name}(" in listed or (
            f"X-{tail}(" in listed and head in listed.partition(f"X-{tail}(")[2].partition("\n")[0]
        )
    assert "image-to-image(image, text?)" in listed


def test_the_question_is_short(table: TaskTable) -> None:
    messages = build_plan_messages(PlanRequest("Describe it.", (attached("image-1"),)), table, ["image-to-text"], 1_000)
    assert len(words(messages)) < 3_600  # about 830 tokens; the original's prompts take 1,700


def test_earlier_turns_are_told_newest_first_as_far_as_they_fit() -> None:
    turns = [Turn(f"request {n}", "an answer", (attached(f"image-{n}"),)) for n in range(30)]
    assert format_history(turns, 1_000).count("\n") == 7
    assert format_history(turns, 40).splitlines() == [
        "- request 28 -> image-28 “image-28.file” | an answer",
        "- request 29 -> image-29 “image-29.file” | an answer",
    ]
    assert format_history(turns, 0) == ""


def test_what_was_answered_and_read_before_is_told_so_that_it_can_be_worked_on() -> None:
    read = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="BEACH CLOSED\n" + "x" * 999)
    turns = [Turn("Read it.", "It says “BEACH CLOSED”.", (read,)), Turn("Write a haiku.", "Old pond\na frog leaps in", ())]
    first, second = format_history(turns, 500).splitlines()
    assert first.startswith("- Read it. -> text-1 “image-to-text”: BEACH CLOSED xxx")
    assert first.endswith("… | It says “BEACH CLOSED”.")
    assert second == "- Write a haiku. -> nothing | Old pond a frog leaps in"


def test_a_session_with_hundreds_of_files_stays_within_openais_limits(table: TaskTable) -> None:
    many = [attached(f"image-{n}") for n in range(800)] + [attached("image-799")]
    schema = build_plan_schema(
        table, many, [f"https://example.org/{n}" for n in range(300)] + ["https://example.org/" + "x" * 999]
    )
    lists = [kind["enum"] for kind in schema["$defs"].values()]
    tasks = [task["properties"]["task"]["enum"] for task in schema["properties"]["tasks"]["items"]["anyOf"]]
    assert sum(map(len, [*lists, *tasks])) <= 1_000
    assert all(sum(map(len, names)) <= 15_000 and len(set(names)) == len(names) for names in lists)
    assert "image-799" in schema["$defs"]["image"]["enum"]
    assert "image-5" not in schema["$defs"]["image"]["enum"]


def test_a_second_plan_is_asked_for_what_is_missing_alone(table: TaskTable) -> None:
    made = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="INVOICE")
    steps = (
        Step(Task("image-to-text", 0, (), {"image": "image-1"}), "done", outputs=(made,)),
        Step(Task("translation", 1, (0,), {"text": "<resource>-0"}), "failed", error="No model is here."),
    )
    request = PlanRequest("Translate it.", complaint="Task 1 (translation) failed: No model is here.", steps=steps)
    last = build_plan_messages(request, table, [], 1_000)[-1]["content"]
    assert "text-1: INVOICE" in last
    assert '"error": "No model is here."' in last
    assert "with ids from 2 on" in last


def strict(value: Any) -> bool:
    """Whether every object in a schema names all its fields as required and allows no others, as OpenAI wants it."""
    if isinstance(value, dict):
        if value.get("type") == "object":
            closed = value["additionalProperties"] is False
            return closed and value["required"] == list(value["properties"]) and strict(list(value["properties"].values()))
        return all(strict(inner) for inner in value.values())
    return all(strict(inner) for inner in value) if isinstance(value, list) else True


def plan(task: str, **args: Any) -> dict[str, Any]:
    return {"tasks": [{"task": task, "id": 0, "dep": [-1], "args": args}], "answer": None}


def test_the_schema_is_strict_and_gives_each_task_its_own_arguments(table: TaskTable) -> None:
    schema = build_plan_schema(table)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert strict(schema)
    tasks = [task["properties"] for task in schema["properties"]["tasks"]["items"]["anyOf"]]
    named = {name: list(task["args"]["properties"]) for task in tasks for name in task["task"]["enum"]}
    assert named == {row.name: [wanted.name for wanted in row.inputs] for row in table.values()}
    assert len(tasks) < len(table) / 2


@pytest.mark.parametrize(
    ("reply", "allowed"),
    [
        (plan("image-to-text", image="image-1", instruction=None), True),
        (plan("image-to-text", image="<resource>-3", instruction=None), True),
        (plan("image-to-text", image="https://example.org/a.png", instruction=None), True),
        (plan("image-to-text", image="image-2", instruction=None), False),
        (plan("image-to-text", image="cat.jpg", instruction=None), False),
        (plan("image-to-text", image=None, instruction=None), False),
        (plan("automatic-speech-recognition", audio="image-1", instruction=None), False),
        (plan("automatic-speech-recognition", audio="video-1", instruction=None), True),  # it has a sound track
        (plan("image-to-image", image="image-1", text=None), True),
        (plan("make-coffee", text="x"), False),
        ({"tasks": [], "answer": "Hello!"}, True),
    ],
)
def test_the_schema_allows_what_exists_and_nothing_else(table: TaskTable, reply: Any, allowed: bool) -> None:
    schema = build_plan_schema(table, [attached("image-1"), attached("video-1")], ["https://example.org/a.png"])
    assert jsonschema.Draft202012Validator(schema).is_valid(reply) is allowed


HEARS = {"automatic-speech-recognition", "audio-classification", "audio-to-audio"}


@pytest.mark.parametrize(
    ("given", "addresses", "likely", "hears"),
    [
        (["image-1"], [], ["image-to-text"], False),
        (["audio-1"], [], [], True),
        (["video-1"], [], [], True),  # it has a sound track
        (["image-1"], ["https://example.org/a"], [], True),
        (["text-1"], [], ["text-to-audio"], True),  # what is made may be heard, too
    ],
)
def test_a_task_that_hears_is_offered_where_there_is_something_to_hear(
    table: TaskTable, given: list[str], addresses: list[str], likely: list[str], hears: bool
) -> None:
    names = set(select_task_types(table, [attached(name) for name in given], addresses, likely))
    assert (names >= HEARS) is hears
    assert (names & HEARS == set()) is not hears
    assert {"image-to-text", "text-to-image", "text-to-speech", "inpainting"} <= names
