"""Circuit breakers: a provider that keeps failing is left alone for a while, then tried with one call.

Source: the pattern as https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker tells it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_FAILURES: Final = 4  # failures in a row that open the circuit
_OPEN_TIME: Final = 60.0  # time that it stays open before a trial call is let through, in seconds


@dataclass
class _Circuit:
    failures: int = 0
    opened: float | None = None  # by the breaker's clock; None: closed
    trying: bool = False  # a trial call is out; all others wait for its end


@dataclass(frozen=True, slots=True)
class Permit:
    """Answer to a request to call."""

    wait: float = 0.0
    """Seconds for which the provider is still left alone; 0: call."""
    tries: bool = False
    """True if it is the trial call that finds out whether the provider works again."""


class CircuitBreaker:
    """One for each provider; shared by all sessions of a process, and safe to use from any thread."""

    def __init__(self, *, failures: int = _FAILURES, seconds: float = _OPEN_TIME, clock: Callable[[], float] = time.monotonic):
        """Start with all circuits closed.

        Args:
            failures: How many failures in a row open a circuit.
            seconds: How long it is open.
            clock: Tells the time, in seconds.
        """
        self._max_failures, self._seconds, self._clock = failures, seconds, clock
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def left(self, provider: str) -> float:
        """Return the seconds for which a provider is still left alone; 0 where it may be called."""
        with self._lock:
            circuit = self._circuits.get(provider)
            if circuit is None or circuit.opened is None:
                return 0.0
            return max(circuit.opened + self._seconds - self._clock(), 0.0)

    def enter(self, provider: str) -> Permit:
        """Ask to call a provider; after a pause only one caller may, as a trial."""
        remaining = self.left(provider)  # before the lock, which isn't reentrant
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if remaining or circuit.opened is None:
                return Permit(remaining)
            if circuit.trying:
                return Permit(1.0)  # a guess, in seconds: nobody knows how long the trial call takes
            circuit.trying = True
            return Permit(0.0, tries=True)

    def leave(self, provider: str, entry: Permit, *, well: bool | None) -> None:
        """Report how a call went: True worked, False is the provider's failure, None says nothing about it."""
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if entry.tries:
                circuit.trying = False  # whatever came of it: otherwise nobody could ever try again
            if well is None:  # such as a visitor's refused token
                return
            if well:
                circuit.failures, circuit.opened = 0, None
                return
            circuit.failures += 1
            if circuit.failures >= self._max_failures or circuit.opened is not None:  # a failed trial opens it again
                circuit.opened = self._clock()
