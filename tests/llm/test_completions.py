"""What is read of a server's completions, however odd their form."""

from __future__ import annotations

from typing import Any

import pytest

from hugginggpt.llm.completions import read_chunk, read_cost, read_token_count


@pytest.mark.parametrize(
    ("reported", "cost"),
    [(0.0021, 0.0021), (0, 0.0), *[(odd, None) for odd in (None, True, "0.1", -1, float("nan"), float("inf"), 10**400, [0.1])]],
)
def test_a_cost_is_a_sum_that_a_call_may_cost(reported: Any, cost: float | None) -> None:
    assert read_cost({"cost": reported}) == cost
    assert read_cost(None) is None


@pytest.mark.parametrize(("reported", "count"), [(7, 7), *[(odd, 0) for odd in (None, True, "7", -7, 7.5, [7])]])
def test_tokens_are_counted_where_they_can_be(reported: Any, count: int) -> None:
    assert read_token_count({"prompt_tokens": reported}, "prompt_tokens") == count
    assert read_token_count(None, "prompt_tokens") == 0


@pytest.mark.parametrize("odd", [None, [], [None], "text", [{"delta": None, "finish_reason": None}]])
def test_a_piece_of_another_form_says_nothing(odd: Any) -> None:
    assert read_chunk({"choices": odd})[0] == ""
