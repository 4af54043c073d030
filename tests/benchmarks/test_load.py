"""The benchmark of many callers at once: what it prints of a small crowd, and when a limit holds."""

from __future__ import annotations

import json

import pytest

from benchmarks.load.__main__ import Figures, check, main, table
from benchmarks.load.measure import Arrivals, End, Memory

ALONE = Arrivals(count=3, p50_s=1.0, p95_s=1.0, first_p95_s=0.1, processor_ms=50)
CROWD = Arrivals(count=100, p50_s=2.0, p95_s=4.5, first_p95_s=1.0, processor_ms=90)


@pytest.mark.slow
def test_it_has_a_crowd_call_the_real_app_and_tells_each_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json", "--callers", "2", "--spread", "0", "--requests", "0", "--delay", "0.01"])
    printed = json.loads(capsys.readouterr().out)
    for kind in ("api", "page"):
        assert printed[kind]["at_once"]["count"] == 2
        assert printed[kind]["at_once"]["p95_s"] >= printed[kind]["at_once"]["first_p95_s"] > 0
        assert printed[kind]["at_once"]["processor_ms"] > 0
    assert len(printed["limits"]) == 6
    assert printed["end"]["files_left"] == 0


def test_a_limit_holds_or_not_for_each_kind_of_caller() -> None:
    figures = {"api": Figures(ALONE, ALONE, CROWD), "page": Figures(ALONE, CROWD, CROWD)}
    found = {limit.name: limit.holds for limit in check(figures, Memory(2_000, 250.0, 300.0, 20.0), End(20, 0.5, 1))}
    assert found == {
        "api: p95 of callers spread over a while / one alone": True,
        "api: p95 of callers at once / one alone": False,
        "page: p95 of callers spread over a while / one alone": False,
        "page: p95 of callers at once / one alone": True,
        "page: processor of a request, ms": False,
        "page: p95 of the first sign of life at once, s": True,
        "memory over 2000 mixed requests, MB more": False,
        "end after SIGTERM with 20 pages at work, s": True,
        "files of visitors that it leaves": False,
    }
    assert len(table(figures).splitlines()) == 1 + 6
