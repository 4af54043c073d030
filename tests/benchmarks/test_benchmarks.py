"""What the README claims of the built-in planner holds, and the benchmarks run."""

from pathlib import Path

import pytest

from benchmarks import local_models, planning, scheduling
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


async def test_the_benchmark_of_local_models_runs_both_ways(tmp_path: Path) -> None:
    cache = local_models.make_cache(tmp_path, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    figures = await local_models.measure(cache, rounds=1)
    assert min(figures.bare, figures.warm, figures.one_by_one, figures.batch) > 0
