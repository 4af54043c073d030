"""The page owner's token, lent to visitors who have none: a number of hosted calls an hour for each."""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hugginggpt.core.errors import BackendError
from hugginggpt.hub.errors import TOKENS_PAGE

_HOUR: Final = 3_600.0
_MAX_VISITORS: Final = 10_000  # bounds the memory; whoever is dropped starts anew


@dataclass
class SharedToken:
    """The owner's token and each visitor's calls in the last hour; thread-safe."""

    token: str = field(repr=False)
    per_hour: int
    """Calls that each visitor may make in an hour."""
    bill_to: str = ""
    """Organization that pays for them; empty for the owner's own account."""
    clock: Callable[[], float] = time.monotonic  # the wall clock may be set back
    _calls: dict[str, deque[float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_call(self, visitor: str) -> None:
        """Count one call of a visitor against their limit.

        Args:
            visitor: Text that tells visitors apart: a name, an address; only its hash is kept.

        Raises:
            BackendError: The visitor has none left.
        """
        name, now = hashlib.sha256(visitor.encode()).hexdigest(), self.clock()
        with self._lock:
            calls = self._calls.pop(name, deque())
            while calls and now - calls[0] >= _HOUR:
                calls.popleft()
            self._calls[name] = calls  # moved to the end: the first are those who have been away longest
            while len(self._calls) > _MAX_VISITORS:
                self._calls.pop(next(iter(self._calls)))
            if len(calls) >= self.per_hour:
                minutes = max((_HOUR - (now - calls[0])) / 60, 1.0)  # until the oldest call is an hour old
                raise BackendError(
                    f"This page gives each visitor {self.per_hour} hosted calls an hour, and yours are used up: wait "
                    f"{minutes:.0f} minutes, or enter a token of your own ({TOKENS_PAGE})."
                )
            calls.append(now)  # only now: a refused call doesn't count
