"""The long run of the attacks, made short."""

from __future__ import annotations

import pytest

from benchmarks.attacks import campaign
from benchmarks.attacks.__main__ import main
from benchmarks.attacks.attack import Attack
from hugginggpt.core.errors import RequestError


def test_a_run_tells_what_was_tried_and_that_nothing_got_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-app", "--tries", "350", "--seed", "7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "tried", "failed", "slowest", "most", "memory"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [kind, "50", "0"] for kind in ("texts", "plans", "traces", "markup", "addresses", "files", "documents")
    ]


def test_what_gets_through_is_told_with_its_case() -> None:
    def check(case: int) -> None:
        if case == 3:
            raise KeyError("key")
        if case == 4:
            raise RequestError("no sentence")
        raise RequestError("This is refused.")

    attack = Attack("numbers", (1, 2, 3, 4), lambda chance: chance.randrange(5, 9), check)
    (tally,) = campaign.run_campaign([attack], seed=1, tries=10)
    assert (tally.tried, tally.failed) == (10, 2)
    assert tally.failures == ["KeyError: 'key'\n    3", "AssertionError: no sentence: 'no sentence'\n    4"]
    assert "numbers: KeyError: 'key'" in campaign.format_tallies([tally])
