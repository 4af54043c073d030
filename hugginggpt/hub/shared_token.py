"""What a page's owner gives away: so many hosted calls an hour to each visitor who has no token."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hugginggpt.core.errors import BackendError
from hugginggpt.hub.errors import TOKENS

_HOUR: Final = 3_600.0
_MOST_VISITORS: Final = 10_000


@dataclass
class SharedToken:
    """The owner's token, and who has used it how often in the last hour; safe to use from any thread."""

    token: str = field(repr=False)
    per_hour: int
    """Calls of each visitor."""
    clock: Callable[[], float] = time.monotonic
    _calls: dict[str, deque[float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, visitor: str) -> None:
        """Count one call of a visitor.

        Args:
            visitor: What tells visitors apart: a name, an address; kept as a hash alone.

        Raises:
            BackendError: There are none left.
        """
        name, now = hashlib.sha256(visitor.encode()).hexdigest(), self.clock()
        with self._lock:
            calls = self._calls.pop(name, deque())
            while calls and now - calls[0] >= _HOUR:
                calls.popleft()
            self._calls[name] = calls  # at the end: the first are those who have been away longest
            while len(self._calls) > _MOST_VISITORS:
                self._calls.pop(next(iter(self._calls)))
            if len(calls) >= self.per_hour:
                minutes = max((_HOUR - (now - calls[0])) / 60, 1.0)
                raise BackendError(
                    f"This page gives each visitor {self.per_hour} hosted calls an hour, and yours are used up: wait "
                    f"{minutes:.0f} minutes, or enter a token of your own ({TOKENS})."
                )
            calls.append(now)
