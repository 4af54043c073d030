"""Circuit breakers: a provider that keeps failing is left alone for a while, then tried with one call.

Source: the pattern as https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker tells it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_FAILURES: Final = 4
"""So many in a row open the circuit."""
_SECONDS: Final = 60.0
"""Time that it stays open before one call is let through, in seconds."""


@dataclass
class _Circuit:
    failures: int = 0
    opened: float | None = None
    trying: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """Answer to a request to call."""

    wait: float = 0.0
    """For how many seconds the provider is still left alone; 0: call."""
    tries: bool = False
    """True if it is the one call that finds out whether the provider works again."""


class CircuitBreaker:
    """One for each provider; shared by all sessions of a process, and safe to use from any thread."""

    def __init__(self, *, failures: int = _FAILURES, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic):
        """Make them.

        Args:
            failures: How many failures in a row open a circuit.
            seconds: How long it is open.
            clock: Tells the time, in seconds.
        """
        self._most, self._seconds, self._clock = failures, seconds, clock
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def left(self, provider: str) -> float:
        """For how many seconds more a provider is left alone; 0 where it may be called."""
        with self._lock:
            circuit = self._circuits.get(provider)
            if circuit is None or circuit.opened is None:
                return 0.0
            return max(circuit.opened + self._seconds - self._clock(), 0.0)

    def enter(self, provider: str) -> Permit:
        """Ask to call. After a pause only one may."""
        left = self.left(provider)
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if left or circuit.opened is None:
                return Permit(left)
            if circuit.trying:
                return Permit(1.0)
            circuit.trying = True
            return Permit(0.0, tries=True)

    def leave(self, provider: str, entry: Permit, *, well: bool | None) -> None:
        """Tell how a call went: True worked, False is the provider's failure, None says nothing about it."""
        with self._lock:
            circuit = self._circuits.setdefault(provider, _Circuit())
            if entry.tries:
                circuit.trying = False
            if well is None:
                return
            if well:
                circuit.failures, circuit.opened = 0, None
                return
            circuit.failures += 1
            if circuit.failures >= self._most or circuit.opened is not None:
                circuit.opened = self._clock()
