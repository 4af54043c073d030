"""The comparison with the libraries' own pipelines: what agrees, what is counted, what is covered."""

import numpy as np
import pytest

from benchmarks.parity.__main__ import CASES, format_verdict, summarize
from benchmarks.parity.cases import Verdict, agree
from hugginggpt.core.tasks import load_task_table

ELSEWHERE = {"inpainting", "image-to-video", "depth-control", "normal-control", "seg-control", "mask-generation"}
"""Tasks of models that other cases compare: the same weights, drawn in another way or with a picture beside the words; and one
whose pipeline needs torchvision, so that there is nothing to compare with."""


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("a cat", "a cat", True),
        ("a cat", "a cat.", False),
        ({"cat": 0.1234}, {"cat": 0.12341}, True),
        ({"cat": 1.0}, {"cat": 0.5}, False),
        ({"cat": 0.5}, {"dog": 0.5}, False),
        ([("cat", 0.5, [1, 2])], [("cat", 0.5, [1.0, 2.0])], True),
        ([1, 2], [1, 2, 3], False),
        (np.zeros(4), np.full(4, 0.001), True),
        (np.zeros(4), np.zeros(5), False),
        ("", None, False),
    ],
)
def test_results_agree_where_only_rounding_tells_them_apart(ours: object, theirs: object, same: bool) -> None:
    assert agree(ours, theirs) is same


def test_every_local_task_is_compared() -> None:
    steered = {name for name in load_task_table() if name.endswith("-text-to-image") and name != "canny-text-to-image"}
    drawn = {"canny-control", "hed-control", "mlsd-control", "table-to-chart"}  # by code that no model library has
    assert set(load_task_table()) - {case.task for case in CASES} == ELSEWHERE | steered | drawn


def test_the_last_line_counts_and_each_difference_has_its_reason() -> None:
    meant = Verdict(CASES[0], "on purpose", "long texts are read whole")
    assert summarize([Verdict(CASES[0], "agrees"), meant]) == "1 of 2 agree; 1 differ on purpose, 0 do not."
    assert format_verdict(meant) == f"{CASES[0].task}, {CASES[0].model}: on purpose: long texts are read whole"
