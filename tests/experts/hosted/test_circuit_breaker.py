"""A provider that keeps failing is left alone for a while."""

from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker, Permit


def test_failures_in_a_row_open_it_and_one_call_tries_again() -> None:
    now = [0.0]
    circuits = CircuitBreaker(failures=2, seconds=60, clock=lambda: now[0])
    for _ in range(2):
        assert circuits.request_permit("p").wait == 0
        circuits.record_outcome("p", Permit(), succeeded=False)
    assert circuits.request_permit("p").wait == 60
    assert circuits.seconds_left("other") == 0
    now[0] = 60.0
    trying = circuits.request_permit("p")
    assert (trying.wait, trying.is_trial) == (0, True)
    circuits.record_outcome("p", Permit(), succeeded=None)  # one that was called before all that
    assert circuits.request_permit("p").wait > 0
    circuits.record_outcome("p", trying, succeeded=False)
    assert circuits.request_permit("p").wait == 60
    now[0] = 120.0
    circuits.record_outcome("p", circuits.request_permit("p"), succeeded=True)
    assert [circuits.request_permit("p"), circuits.request_permit("p")] == [Permit(), Permit()]


def test_a_success_in_between_keeps_it_closed() -> None:
    circuits = CircuitBreaker(failures=2, seconds=60)
    for succeeded in (False, True, False):
        circuits.record_outcome("p", circuits.request_permit("p"), succeeded=succeeded)
    assert circuits.request_permit("p").wait == 0


def test_what_says_nothing_about_the_provider_changes_nothing() -> None:
    now = [0.0]
    circuits = CircuitBreaker(failures=1, seconds=60, clock=lambda: now[0])
    circuits.record_outcome("p", circuits.request_permit("p"), succeeded=False)
    now[0] = 61.0
    circuits.record_outcome("p", circuits.request_permit("p"), succeeded=None)  # the visitor's own token was refused
    assert circuits.request_permit("p").wait == 0
