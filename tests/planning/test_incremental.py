"""Tasks of a plan that is still being written: what is let go early is never taken back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Task
from hugginggpt.core.tasks import TaskTable
from hugginggpt.planning.incremental import IncrementalPlan
from hugginggpt.planning.repair import make_plan
from tests.conftest import attached, say
from tests.planning.test_repair_anything import mangled

IMAGE = attached("image-1")


def grow(table: TaskTable, *raw: Any, kept: tuple[Task, ...] = ()) -> tuple[list[int], IncrementalPlan]:
    """The ids of the tasks in the order in which they are let go."""
    plan = IncrementalPlan(table, [IMAGE], kept=kept)
    return [task.id for item in raw if (task := plan.add(item))], plan


def test_a_chain_starts_link_by_link(table: TaskTable) -> None:
    chain = [say(0, "a"), say(1, "<resource>-0", 0), say(2, "<resource>-1")]
    free, plan = grow(table, *chain)
    assert free == [0, 1, 2]
    assert plan.finish() == make_plan(chain, table)


def test_an_argument_that_can_mean_only_one_thing_is_filled_in_at_once(table: TaskTable) -> None:
    free, plan = grow(table, {"task": "image-to-text", "id": 0})
    assert free == [0]
    assert plan.released[0].args == {"image": "image-1"}


@pytest.mark.parametrize(
    "raw",
    [
        say(0, "<resource>-1", 1),  # what it waits for is still to come
        {"task": "summarization", "args": {"text": "x"}},  # which id it gets depends on the others
        {"task": "make-coffee", "id": 0},
        {"task": "image-to-text", "id": 0, "args": {"image": 1}},  # a number stands for a task
        say(0, "x", 0),
        "text-to-speech",
    ],
)
def test_what_the_rest_may_still_change_waits_for_the_end(table: TaskTable, raw: Any) -> None:
    assert grow(table, raw)[0] == []


def test_tasks_out_of_order_are_in_the_plan_all_the_same(table: TaskTable) -> None:
    free, plan = grow(table, say(1, "<resource>-0", 0), say(0, "a"), say(2, "<resource>-1", 1))
    assert free == [0]
    assert [(task.id, task.dep) for task in plan.finish().tasks] == [(1, (0,)), (0, ()), (2, (1,))]


def test_a_task_that_comes_twice_runs_once(table: TaskTable) -> None:
    free, plan = grow(table, say(0, "a"), say(0, "a"), say(1, "<resource>-0", 0))
    assert free == [0, 1]
    assert len(plan.finish().tasks) == 2


def test_a_plan_adds_to_tasks_that_were_kept(table: TaskTable) -> None:
    kept = make_plan([say(0, "a"), say(1, "b")], table).tasks
    free, plan = grow(table, say(0, "a"), say(2, "<resource>-1", 1), kept=kept)
    assert free == [2]
    assert [task.id for task in plan.finish().tasks] == [0, 1, 2]
    assert plan.finish().tasks[:2] == kept


def test_an_id_that_is_taken_waits_and_gets_another_one(table: TaskTable) -> None:
    kept = make_plan([say(0, "a")], table).tasks
    free, plan = grow(table, say(0, "b"), kept=kept)
    assert free == []
    assert [task.args["text"] for task in plan.finish().tasks] == ["a", "b"]


def test_a_task_that_names_an_id_which_stands_there_twice_waits(table: TaskTable) -> None:
    kept = make_plan([say(0, "a")], table).tasks
    free, plan = grow(table, say(0, "b"), say(1, "<resource>-0", 0), kept=kept)
    assert free == []
    assert [(task.id, task.dep) for task in plan.finish().tasks] == [(0, ()), (2, ()), (1, (2,))]


@pytest.mark.parametrize("repeated", [say(0, "a") | {"dep": []}, {"task": "text-generation", "id": "0", "args": {"text": "a"}}])
def test_a_kept_task_that_is_written_out_again_is_no_new_one(table: TaskTable, repeated: Any) -> None:
    kept = make_plan([say(0, "a")], table).tasks
    free, plan = grow(table, repeated, say(1, "<resource>-0", 0), kept=kept)
    assert free == [1]
    assert len(plan.finish().tasks) == 2


def test_a_plan_without_end_is_refused_while_it_grows(table: TaskTable) -> None:
    plan = IncrementalPlan(table, max_tasks=3)
    assert all(plan.add(say(number, "x")) for number in range(3))
    with pytest.raises(PlanError, match="more than 3 tasks"):
        plan.add(say(3, "x"))


def test_whatever_is_let_go_stands_in_the_whole_plan_as_it_was(table: TaskTable) -> None:
    rng = random.Random(7)
    let_go = 0
    for _ in range(3_000):
        raw = mangled(rng) if rng.random() < 0.5 else shuffled(rng)
        free, plan = grow(table, *raw)
        try:
            whole = {task.id: task for task in plan.finish().tasks}
        except PlanError:
            continue
        let_go += len(free)
        assert {task.id: task for task in plan.released}.items() <= whole.items()
    assert let_go > 500


def shuffled(rng: random.Random) -> list[dict[str, Any]]:
    """A plan that is nearly right: tasks in another order, with doubtful ids and references."""
    names = ["text-generation", "image-to-text", "object-detection", "text-to-speech", "text-to-image"]
    tasks = []
    for number in range(rng.randrange(1, 6)):
        name = rng.choice(names)
        before = rng.choice([f"<resource>-{rng.randrange(6)}", f"<GENERATED>-{max(number - 1, 0)}", "image-1", "3", "x"])
        args = {"image" if name in {"image-to-text", "object-detection"} else "text": before}
        task = {"task": name, "id": number, "dep": [rng.choice([-1, number - 1, rng.randrange(6)])], "args": args}
        if rng.random() < 0.1:
            task.pop(rng.choice(["id", "dep", "args"]))
        if rng.random() < 0.1:
            task["id"] = rng.randrange(6)
        tasks.append(task)
    if rng.random() < 0.3:
        rng.shuffle(tasks)
    return tasks
