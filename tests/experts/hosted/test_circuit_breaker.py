"""A provider that keeps failing is left alone for a while."""

from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker, Permit


def test_failures_in_a_row_open_it_and_one_call_tries_again() -> None:
    now = [0.0]
    circuits = CircuitBreaker(failures=2, seconds=60, clock=lambda: now[0])
    for _ in range(2):
        assert circuits.enter("p").wait == 0
        circuits.leave("p", Permit(), well=False)
    assert circuits.enter("p").wait == 60
    assert circuits.left("other") == 0
    now[0] = 60.0
    trying = circuits.enter("p")
    assert (trying.wait, trying.tries) == (0, True)
    circuits.leave("p", Permit(), well=None)  # one that was called before all that
    assert circuits.enter("p").wait > 0
    circuits.leave("p", trying, well=False)
    assert circuits.enter("p").wait == 60
    now[0] = 120.0
    circuits.leave("p", circuits.enter("p"), well=True)
    assert [circuits.enter("p"), circuits.enter("p")] == [Permit(), Permit()]


def test_a_success_in_between_keeps_it_closed() -> None:
    circuits = CircuitBreaker(failures=2, seconds=60)
    for well in (False, True, False):
        circuits.leave("p", circuits.enter("p"), well=well)
    assert circuits.enter("p").wait == 0


def test_what_says_nothing_about_the_provider_changes_nothing() -> None:
    now = [0.0]
    circuits = CircuitBreaker(failures=1, seconds=60, clock=lambda: now[0])
    circuits.leave("p", circuits.enter("p"), well=False)
    now[0] = 61.0
    circuits.leave("p", circuits.enter("p"), well=None)  # the visitor's own token was refused
    assert circuits.enter("p").wait == 0
