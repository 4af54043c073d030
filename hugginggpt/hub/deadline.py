"""Deadline for blocking connections: httpx's time-out is one of each read, so that a slow stream would never end.

What is left is asked for at every read and write, so that a connection which several calls share keeps each one's deadline.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import httpcore2

CheckTime = Callable[[], float | None]
"""Function that returns the seconds left, None for no deadline; it raises once the call is cancelled."""

# by context, not by client: all calls share the library's one client
_LIMIT: Final[ContextVar[CheckTime | None]] = ContextVar("time_limit", default=None)


@contextmanager
def limit_time(check_time: CheckTime) -> Iterator[None]:
    """Limit the library's calls in this thread that no visitor's token is needed for, such as downloads."""
    previous = _LIMIT.set(check_time)
    try:
        yield
    finally:
        _LIMIT.reset(previous)


def check_limit() -> float | None:
    """Return the seconds that this thread's limit leaves; None for no limit."""
    check_time = _LIMIT.get()
    return check_time() if check_time else None


class DeadlineBackend(httpcore2.NetworkBackend):
    """Backend that connects through another one, and reads and writes until a deadline."""

    def __init__(self, inner: httpcore2.NetworkBackend, check_time: CheckTime) -> None:
        """Wrap a backend.

        Args:
            inner: Connects.
            check_time: Asked at each step.
        """
        self._inner = inner
        self._check_time = check_time

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect."""
        seconds = _shorten(timeout, self._check_time(), httpcore2.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
        return _DeadlineStream(stream, self._check_time)

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        """Connect."""
        return _DeadlineStream(self._inner.connect_unix_socket(*args, **kwargs), self._check_time)

    def sleep(self, seconds: float) -> None:
        """Pause."""
        self._inner.sleep(seconds)


class _DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, check_time: CheckTime) -> None:
        self._inner = inner
        self._check_time = check_time

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        # asked anew at each read: bytes that drip in would renew httpx's own time-out without end
        return self._inner.read(max_bytes, _shorten(timeout, self._check_time(), httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _shorten(timeout, self._check_time(), httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _shorten(timeout, self._check_time(), httpcore2.ConnectTimeout)
        # wrapped again: TLS reads and writes through a stream of its own
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._check_time)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _shorten(timeout: float | None, seconds_left: float | None, failure: type[httpcore2.TimeoutException]) -> float | None:
    if seconds_left is None:
        return timeout
    if seconds_left <= 0:  # a socket's time-out of 0 means not to block, and a negative one is an error of its own
        raise failure("the call's deadline has passed")
    return seconds_left if timeout is None else min(timeout, seconds_left)
