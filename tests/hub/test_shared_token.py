"""What a page's owner gives away."""

import pytest

from hugginggpt.core.errors import ExpertError
from hugginggpt.hub.shared_token import SharedToken


def test_each_visitor_has_so_many_calls_an_hour() -> None:
    now = [0.0]
    shared = SharedToken("hf_owner", 2, clock=lambda: now[0])
    for visitor in ("1.2.3.4", "5.6.7.8"):
        shared.count_call(visitor)
        shared.count_call(visitor)
    with pytest.raises(ExpertError, match=r"gives each visitor 2 hosted calls an hour.*wait 60 minutes, or enter a token of"):
        shared.count_call("1.2.3.4")
    now[0] = 3_000.0
    with pytest.raises(ExpertError, match="wait 10 minutes"):
        shared.count_call("1.2.3.4")
    now[0] = 3_601.0
    shared.count_call("1.2.3.4")


def test_neither_token_nor_visitors_are_printed() -> None:
    shared = SharedToken("hf_owner4711", 2)
    shared.count_call("1.2.3.4")
    assert "4711" not in repr(shared)
    assert "1.2.3.4" not in str(vars(shared))


def test_it_does_not_grow_for_ever() -> None:
    shared = SharedToken("hf_owner", 1)
    for number in range(10_100):
        shared.count_call(str(number))
    assert len(shared._calls) == 10_000
    with pytest.raises(ExpertError):
        shared.count_call("10099")
