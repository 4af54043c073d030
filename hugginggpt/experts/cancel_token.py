"""Signal to worker threads that their result is no longer wanted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hugginggpt.core.errors import StoppedError


class CancelToken:
    """Signal to a worker thread that its result is no longer wanted."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the worker to stop at its next check."""
        with self._lock:
            self._event.set()  # in one step with taking the callbacks, so that none is added in between and lost
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:  # outside the lock: a callback may use this token
            callback()

    @contextmanager
    def call_on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` called by the thread that cancels, within this block; for work that can't poll `check`."""
        with self._lock:
            self._callbacks.append(callback)
            cancelled_before = self._event.is_set()
        if cancelled_before:  # `cancel` has run already and won't call it
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks = [other for other in self._callbacks if other is not callback]

    def sleep(self, seconds: float) -> None:
        """Block a worker thread for some seconds, or until the token is cancelled.

        Raises:
            StoppedError: The token was cancelled.
        """
        self._event.wait(seconds)  # unlike time.sleep, ends at once on a cancel
        self.check()

    @property
    def cancelled(self) -> bool:
        """True if `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise if the token was cancelled; call it between steps of long work.

        Raises:
            StoppedError: The token was cancelled.
        """
        if self.cancelled:
            raise StoppedError("The request was stopped.")
