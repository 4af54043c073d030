"""How many threads a model computes with."""

import os

import pytest

from hugginggpt.core.threads import count_processors


@pytest.mark.parametrize(("told", "count"), [("1", 1), ("3", 3), ("64", 4), ("0", 1)])
def test_the_variable_that_torch_heeds_counts_for_all(monkeypatch: pytest.MonkeyPatch, told: str, count: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert count_processors(4) == count


@pytest.mark.parametrize("told", ["", "4,2"])
def test_without_it_the_machine_is_counted(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert count_processors(1) == 1
    assert count_processors(1_000) == os.cpu_count()
