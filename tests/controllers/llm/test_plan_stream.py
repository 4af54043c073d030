"""A reply read while it is being written says in the end what it says as a whole."""

from __future__ import annotations

import json
import random
import time
from itertools import pairwise
from typing import Any

import pytest

from hugginggpt.controllers.llm.json_reply import read_tasks
from hugginggpt.controllers.llm.plan_stream import PlanStreamReader
from hugginggpt.core.errors import PlanError

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
SAY = {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}
TRICKY = {"task": "summarization", "id": 2, "dep": [-1], "args": {"text": 'a "}]" \\ {"task": "x"} [ü\n'}}
PLAN = json.dumps({"tasks": [READ, SAY, TRICKY], "answer": None})


def read(text: str, *cuts: int) -> tuple[list[Any], list[Any], str]:
    """What comes while it is written, what comes at its end, what is left of an answer."""
    reader = PlanStreamReader()
    places = [0, *cuts, len(text)]
    early = [found for a, b in pairwise(places) for found in reader.feed(text[a:b])]
    return early, list(reader.finish()), reader.answer


def test_a_task_is_told_as_soon_as_its_object_is_closed() -> None:
    reader = PlanStreamReader()
    end = PLAN.index("}}") + 2
    assert list(reader.feed(PLAN[: end - 1])) == []
    assert list(reader.feed(PLAN[end - 1 : end])) == [READ]
    assert list(reader.feed(PLAN[end:])) == [SAY, TRICKY]
    assert list(reader.finish()) == []


@pytest.mark.parametrize(
    "written",
    [
        PLAN,
        json.dumps([READ, SAY]),
        json.dumps(READ),
        f'Sure, 5" of plan [1]:\n```json\n{json.dumps([READ, SAY], indent=2)}\n```\nAll {{done}}.',
        PLAN.replace("}]", "},]"),
    ],
)
def test_wherever_the_stream_is_cut_in_pieces_the_same_is_told_early(written: str) -> None:
    whole = read(written)[0]
    assert [task["id"] for task in whole] == [task["id"] for task in read_tasks(written)]
    assert read(written)[1] == []
    for place in range(len(written)):
        assert read(written, place)[0] == whole
    assert read(written, *range(1, len(written)))[0] == whole


@pytest.mark.parametrize(
    "written", [json.dumps([READ, SAY]).replace('"', "'"), PLAN[:-40], f"[{PLAN}", '{"plan": {"list": ' + PLAN + "}}"]
)
def test_what_is_written_in_an_unusual_way_is_told_at_the_end(written: str) -> None:
    early, late, _ = read(written)
    assert early + late == read_tasks(written)


def test_an_object_inside_of_a_task_is_no_task() -> None:
    nested = {"args": {"list": [{"task": "inner"}], "one": {"task": "inner"}}, "task": "outer", "id": 0}
    assert read(json.dumps({"tasks": [nested]}))[0] == [nested]


ANSWER = 'Hi 👋 "you" \\ ü\n2'


@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_words_of_an_answer_come_as_they_are_written(ascii_only: bool) -> None:
    written = json.dumps({"tasks": [], "answer": ANSWER}, ensure_ascii=ascii_only)
    for place in range(len(written)):
        early, late, rest = read(written, place)
        assert "".join(early) + rest == ANSWER
        assert late == []
    assert len(read(written, *range(1, len(written)))[0]) > 5


def test_an_answer_beside_tasks_or_before_them_is_not_told_early() -> None:
    assert read(json.dumps({"tasks": [READ], "answer": "Done!"})) == ([READ], [], "")
    assert read(json.dumps({"answer": "Done!", "tasks": [READ]})) == ([READ], [], "")
    assert read(json.dumps({"answer": "Hi.", "tasks": []})) == ([], [], "Hi.")


@pytest.mark.parametrize(
    ("inside", "said"),
    [(r"half \ud83d and more", "half ? and more"), (r"C:\users now", r"C:\users now"), (r"a\nb \q c", r"a\nb \q c")],
)
def test_an_escape_that_json_does_not_know_costs_none_of_the_answer(inside: str, said: str) -> None:
    early, _, rest = read('{"tasks": [], "answer": "' + inside + '"}')
    assert "".join(early) + rest in {said, said.replace("\\n", "\n")}


def test_an_answer_beside_tasks_in_an_unknown_form_is_not_told_early() -> None:
    early, _, _ = read('{"tasks": [{"name": "image-to-text"}], "answer": "Here you are."}')
    assert early == []


@pytest.mark.parametrize(
    ("written", "says"),
    [("I like it.", False), ('{"tasks": []}', True), ("[]", True), ("```\n[ ]\n```", True), (PLAN, True), ("", False)],
)
def test_prose_is_no_plan(written: str, says: bool) -> None:
    reader = PlanStreamReader()
    list(reader.feed(written))
    list(reader.finish())
    assert reader.is_plan_or_answer is says


def test_garbage_never_raises_anything_but_a_plan_error() -> None:
    rng = random.Random(9)
    signs = ['{"task": "x"}', '"answer": "', '"tasks": [', *'{}[]":\\,aü\n', "\\u", "\\ud83d", "<think>"]
    for _ in range(1_500):
        written = "".join(rng.choice(signs) for _ in range(rng.randrange(40)))
        reader = PlanStreamReader()
        try:
            early = [found for letter in written for found in reader.feed(letter)]
            list(reader.finish())
        except PlanError:
            continue
        "".join(found for found in early if isinstance(found, str)).encode()


def test_a_reply_nested_without_end_is_refused_at_its_end() -> None:
    reader = PlanStreamReader()
    assert list(reader.feed("[" * 100_000)) == []
    with pytest.raises(PlanError, match="nested too deep"):
        list(reader.finish())


ENDLESS = {
    "letters": ("", "ab"),
    "objects": ("", "{}"),
    "lists": ("", "[]"),
    "strings": ("{", '""'),
    "answers": ("{", '"answer":"a",'),
    "an answer": ('{"answer":"', "ab"),
    "an answer behind prose": ("x" * 100_000 + '{"answer":"', "ab"),
    "half a surrogate pair": ('{"answer":"\\ud83d', "ab"),
    "backslashes": ('{"answer":"', "\\\\"),
    "an answer to an empty plan": ('{"tasks":[],"answer":"', "ab"),
    "a broken object": ("{", "a:b,"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_reply_without_end_is_read_in_time_that_grows_with_its_length(kind: str) -> None:
    """200 kB in small pieces, the most that is taken: no piece keeps others waiting, whatever came before."""
    first, piece = ENDLESS[kind]
    reader = PlanStreamReader()
    list(reader.feed(first))
    slowest, begun = 0.0, time.process_time()
    while len(reader.text) < 200_000:
        before = time.process_time()
        list(reader.feed(piece))
        slowest = max(slowest, time.process_time() - before)
    assert slowest < 0.5  # a pause for garbage may fall into it
    assert time.process_time() - begun < 10


def test_an_object_too_long_to_be_repaired_at_once_is_left_to_the_end_and_refused_there() -> None:
    reader, begun = PlanStreamReader(), time.process_time()
    written = '{"task": x' + "a:b," * 45_000 + "}"
    assert [found for at in range(0, len(written), 4_096) for found in reader.feed(written[at : at + 4_096])] == []
    with pytest.raises(PlanError, match="too long to be put right"):
        list(reader.finish())
    assert time.process_time() - begun < 5
