"""The number of threads for a model, and the limit of time for a function."""

import gc
import os
import sys

import pytest

from hugginggpt.core.threads import count_processors, run_in_time


@pytest.mark.parametrize(("configured", "count"), [("1", 1), ("3", 3), ("64", 4), ("0", 1)])
def test_the_variable_that_torch_heeds_counts_for_all(monkeypatch: pytest.MonkeyPatch, configured: str, count: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", configured)
    assert count_processors(4) == count


@pytest.mark.parametrize("configured", ["", "4,2"])
def test_without_it_the_machine_is_counted(monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", configured)
    assert count_processors(1) == 1
    assert count_processors(1_000) == os.cpu_count()


def test_a_function_that_never_ends_is_broken_off() -> None:
    def run() -> None:
        while True:
            try:
                len("")
            except Exception:  # as a library may swallow it
                continue

    with pytest.raises(TimeoutError):
        run_in_time(run, 0.05)
    assert sys.getprofile() is None


def test_a_function_that_is_quick_enough_is_left_alone() -> None:
    assert run_in_time(lambda: sum(map(len, ["ab", "c"])), 10.0) == 3
    with pytest.raises(KeyError):
        run_in_time(lambda: {}["x"], 10.0)


def test_one_that_makes_generators_and_garbage_is_broken_off_too() -> None:
    def run() -> None:
        while True:
            loop: list[object] = []
            loop.append(loop)
            any(letter == "b" for letter in "abc")

    with pytest.raises(TimeoutError):
        run_in_time(run, 0.05)
    assert gc.isenabled()
