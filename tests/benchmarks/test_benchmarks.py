"""What the README claims of the built-in planner holds, and the benchmarks run."""

import pytest

from benchmarks import planning, scheduling
from hugginggpt.tasks import task_table

SETS = sorted(path.stem for path in planning.SETS.glob("*.yaml"))


@pytest.mark.parametrize("name", SETS)
def test_sets_name_only_tasks_of_the_table(name: str) -> None:
    items = planning.load(name)
    assert {task for item in items for plan in item.accept for task in plan} <= set(task_table())
    assert len({item.request for item in items}) == len(items)


def test_four_of_five_requests_that_its_authors_had_not_read_are_planned_right() -> None:
    score = planning.score(planning.load("unseen"))
    assert score.share(1) >= 0.8
    assert score.share(2) >= 0.8


@pytest.mark.parametrize("name", ["seen-1", "seen-2", "seen-3"])
def test_requests_it_was_improved_on_stay_planned(name: str) -> None:
    score = planning.score(planning.load(name))
    assert score.share(1) >= 0.94
    assert score.share(2) >= 0.85


def test_a_request_is_planned_in_milliseconds() -> None:
    items = planning.load("unseen")
    assert planning.score(items).seconds / len(items) < 0.05


async def test_the_scheduler_adds_little_to_what_the_tasks_take() -> None:
    count, wait = 200, 0.05
    taken = await scheduling.scheduled(scheduling.plan(count, lambda n: None), wait)
    assert taken < 2.0  # one after the other they take ten seconds
