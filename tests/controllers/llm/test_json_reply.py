"""Finding the task objects in whatever a language model replied."""

import json
import random
import re
import time
from contextlib import suppress

import pytest

from hugginggpt.controllers.llm.json_reply import read_selections, read_tasks
from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Plan
from hugginggpt.core.tasks import TaskTable
from hugginggpt.planning.repair import make_plan

ONE = '{"task": "text-to-speech", "id": 0, "dep": [-1], "args": {"text": "Hi."}}'
TWO = '{"task": "image-to-text", "id": 1, "dep": [-1], "args": {"image": "a.png"}}'

REPLIES = {
    "a list": f"[{ONE}]",
    "a single object": ONE,
    "a list in a list": f"[[{ONE}]]",
    "wrapped": f'{{"tasks": [{ONE}]}}',
    "wrapped twice": f'{{"result": {{"why": "because", "plan": [{ONE}]}}}}',
    "each task wrapped": f'[{{"step 1": {ONE}}}]',
    "fenced": f"```json\n[{ONE}]\n```",
    "fenced, with prose around": f"Sure, here is the plan:\n\n```\n[{ONE}]\n```\nShall I begin?",
    "prose with brackets": f"As you [sic] say [1], I plan: [{ONE}] (see [2]).",
    "prose with an object": f'Given {{"text": "Hi."}} the plan is {ONE}.',
    "trailing commas": ONE.replace("}}", ",},}").join(["[", ",]"]),
    "single quotes": f"[{ONE}]".replace('"', "'"),
    "typographic quotes": re.sub('"(.*?)"', r"“\1”", f"[{ONE}]"),
    "keys without quotes": '[{task: "text-to-speech", id: 0, dep: [-1], args: {text: "Hi."}}]',
    "a comment": f"[\n// the only one\n{ONE}]",
    "cut off": f"[{ONE}"[:-2],
    "one bracket too many": f"[{ONE}]]",
    "Python's None": ONE.replace('"Hi."', '"Hi.", "image": None').join("[]"),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_the_task_is_found(reply: str, table: TaskTable) -> None:
    assert make_plan(read_tasks(reply), table).as_json() == [
        {"task": "text-to-speech", "id": 0, "dep": [-1], "args": {"text": "Hi."}}
    ]


@pytest.mark.parametrize(
    "reply", [f"[{ONE}, {TWO}]", f"{ONE}\n{TWO}", f"```json\n{ONE}\n```\nand\n```json\n[{TWO}]\n```", f"{ONE} {TWO}"]
)
def test_several_tasks_are_found_in_one_block_or_in_many(reply: str) -> None:
    assert [item["task"] for item in read_tasks(reply)] == ["text-to-speech", "image-to-text"]


def test_tasks_alike_but_for_their_values_are_all_kept() -> None:
    assert [item["id"] for item in read_tasks("\n".join(ONE.replace("0", str(n)) for n in range(5)))] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("text", ["say [this] {now}", 'a "quoted" word', "line\none", "C:\\temp", "</s> [", "日本語 🙂"])
def test_a_text_is_kept_as_it_is(text: str) -> None:
    tasks = [{"task": "text-to-speech", "args": {"text": text}}]
    assert read_tasks(f"Here: {json.dumps(tasks)} done") == tasks


@pytest.mark.parametrize("reply", ["", "Hello!", "[]", "{}", "null", "See [1].", "42", '"task"', "[1, 2]", "\0"])
def test_a_reply_without_tasks_gives_none(reply: str) -> None:
    assert read_tasks(reply) == []


def test_objects_that_name_no_task_are_left_to_the_repair_to_refuse(table: TaskTable) -> None:
    with pytest.raises(PlanError, match="field task is missing"):
        make_plan(read_tasks('[{"id": 0, "args": {"text": "Hi."}}]'), table)


@pytest.mark.parametrize("depth", [200, 3000, 100_000])
def test_a_reply_nested_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(PlanError, match="too deep"):
        read_tasks('[{"task": "tts", "args": {"text": ' + "[" * depth)


def test_a_long_unclosed_reply_is_read_in_a_moment() -> None:
    begun = time.process_time()
    read_tasks('[{"task": "tts", "args": {"text": "' + '\\"' * 20_000)
    assert time.process_time() - begun < 5


def test_a_mangled_reply_gives_a_plan_or_a_refusal(table: TaskTable) -> None:
    rng = random.Random(2303)
    whole = f"Plan:\n```json\n[{ONE}, {TWO}]\n```"
    for _ in range(600):
        chars = list(whole)
        for _ in range(rng.randrange(1, 12)):
            place = rng.randrange(len(chars))
            chars[place] = rng.choice(
                ["", "[", "{", '"', "'", "}", "]", ",", ":", "\\", "\n", "\0", "9" * 5000, chars[place] * 3]
            )
        reply = "".join(chars)[rng.choice([0, 0, 10]) : rng.choice([None, None, rng.randrange(1, len(chars))])]
        with suppress(PlanError):
            assert isinstance(make_plan(read_tasks(reply), table), Plan)


PAPERS = '{"id": "quick/two", "reason": "It suits."}'
NUMBERED = '{"task": 1, "id": "quick/one", "reason": "x"}'


@pytest.mark.parametrize(
    "reply",
    [
        PAPERS,
        f"[{PAPERS}]",
        f'{{"selections": [{PAPERS}]}}',
        f'{{"result": {{"why": ["a", 1], "choice": {PAPERS}}}}}',
        f"I choose:\n```json\n{PAPERS}\n```\nDone.",
        PAPERS.replace('"', "'"),
        PAPERS.replace('"id"', '"ID"').replace('"reason"', '"Reason "'),
        PAPERS[:-2],
    ],
)
def test_a_selection_in_the_papers_form_is_read(reply: str) -> None:
    assert read_selections(reply) == [{"id": "quick/two", "reason": "It suits."}]


@pytest.mark.parametrize(
    "reply", [f"[{PAPERS}, {NUMBERED}]", f"{PAPERS}\n{NUMBERED}", f'{{"a": {PAPERS}, "b": [[{NUMBERED}]]}}']
)
def test_selections_with_and_without_a_task_are_read_side_by_side(reply: str) -> None:
    assert [(entry["id"], entry.get("task")) for entry in read_selections(reply)] == [("quick/two", None), ("quick/one", 1)]


@pytest.mark.parametrize("reply", ["", "Hello!", "[]", "{}", '{"selections": []}', '[{"task": 0}, 3, "x", null]', '"id"'])
def test_a_reply_without_selections_gives_none(reply: str) -> None:
    assert read_selections(reply) == []


@pytest.mark.parametrize("depth", [200, 100_000])
def test_a_selection_nested_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(PlanError, match="too deep"):
        read_selections('{"id": ' + "[" * depth)


@pytest.mark.parametrize(("head", "piece"), [("[{'a': '", '"]{'), ('{"a', '"#'), ('{"a', '"a"1')])
def test_what_a_library_takes_for_ever_to_put_right_is_refused_in_time(head: str, piece: str) -> None:
    begun = time.process_time()
    with suppress(PlanError):
        read_tasks((head + piece * 10_000)[:20_000])
    assert time.process_time() - begun < 4  # ten seconds to minutes, without a bound
