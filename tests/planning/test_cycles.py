"""Circles in a plan."""

import time

import pytest

from hugginggpt.core.errors import PlanError
from tests.conftest import made, say


def test_a_circle_of_deps_that_no_argument_needs_is_broken_at_the_forward_one() -> None:
    plan = made(say(0, "one", 2), say(1, "two", 0), say(2, "three", 1))
    assert [task.dep for task in plan.tasks] == [(), (0,), (1,)]
    assert plan.notes == ("Task 0 (text-generation): dep ran in a circle with 2; that was dropped.",)


def test_a_circle_keeps_the_dep_that_an_argument_needs() -> None:
    plan = made(say(0, "<resource>-1", 1), say(1, "two", 0))
    assert [task.dep for task in plan.tasks] == [(1,), ()]


def test_tasks_that_wait_for_a_circle_keep_waiting_for_it() -> None:
    plan = made(say(9, "last", 0), say(0, "one", 1), say(1, "two", 0))
    assert [task.dep for task in plan.tasks] == [(0,), (), (0,)]


def test_a_thousand_circles_are_broken_in_no_time() -> None:
    begun = time.process_time()
    plan = made(*(say(n, "x", *(m for m in (n - 1, n + 1) if 0 <= m < 2000)) for n in range(2000)))
    assert [task.dep for task in plan.tasks] == [(), *((n,) for n in range(1999))]
    assert time.process_time() - begun < 5


def test_a_circle_of_references_is_refused() -> None:
    with pytest.raises(PlanError) as refusal:
        made(say(0, "<resource>-2"), say(1, "<resource>-0"), say(2, "<resource>-1"))
    assert str(refusal.value) == (
        "Task 0 (text-generation): the argument text needs the result of task 2, "
        "which runs in a circle back to task 0, so neither can start."
    )
