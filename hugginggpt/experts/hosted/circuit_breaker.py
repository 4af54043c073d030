"""Circuit breakers: a provider that keeps failing is left alone for a while, then tried with one call.

Source: the pattern as https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker tells it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MAX_FAILURES: Final = 4  # failures in a row that open the circuit
_OPEN_SECONDS: Final = 60.0  # time that it stays open before a trial call is let through, in seconds


@dataclass
class _Circuit:
    failures: int = 0
    opened_at: float | None = None  # by the breaker's clock; None: closed
    trial_running: bool = False  # a trial call is out; all others wait for its end


@dataclass(frozen=True, slots=True)
class Permit:
    """Permit to call a provider, or the time to wait for one."""

    wait: float = 0.0
    """Seconds until the provider may be called; 0: now."""
    is_trial: bool = False
    """True for the one call that tests whether the provider works again (the half-open state)."""


class CircuitBreaker:
    """Circuits of all providers; shared by all sessions of a process. Thread-safe."""

    def __init__(
        self, *, failures: int = _MAX_FAILURES, seconds: float = _OPEN_SECONDS, clock: Callable[[], float] = time.monotonic
    ):
        """Start with all circuits closed.

        Args:
            failures: How many failures in a row open a circuit.
            seconds: How long it is open.
            clock: Tells the time, in seconds.
        """
        self._max_failures, self._seconds, self._clock = failures, seconds, clock
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def seconds_left(self, provider: str) -> float:
        """Return the seconds until a provider may be called again; 0 where it may be called now."""
        with self._lock:
            circuit = self._circuits.get(provider)
            if circuit is None or circuit.opened_at is None:
                return 0.0
            return max(circuit.opened_at + self._seconds - self._clock(), 0.0)

    def request_permit(self, provider: str) -> Permit:
        """Ask to call a provider; once the open time is over, a single caller may, as a trial."""
        remaining = self.seconds_left(provider)  # before the lock, which isn't reentrant
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if remaining or circuit.opened_at is None:
                return Permit(remaining)
            if circuit.trial_running:
                return Permit(1.0)  # a guess, in seconds: nobody knows how long the trial call takes
            circuit.trial_running = True
            return Permit(0.0, is_trial=True)

    def record_outcome(self, provider: str, permit: Permit, *, succeeded: bool | None) -> None:
        """Record how a call went: True for success, False for the provider's failure, None for neither."""
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if permit.is_trial:
                circuit.trial_running = False  # whatever came of it: otherwise nobody could ever try again
            if succeeded is None:  # such as a visitor's refused token
                return
            if succeeded:
                circuit.failures, circuit.opened_at = 0, None
                return
            circuit.failures += 1
            if circuit.failures >= self._max_failures or circuit.opened_at is not None:  # a failed trial opens it again
                circuit.opened_at = self._clock()
