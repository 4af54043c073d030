"""Connections whose request has not come yet: its headers have a time, and so many may be on their way at once.

uvicorn limits neither: it waits for the rest of a header for ever, and ends idle connections only after their first request.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    import uvicorn

_HEADER_SECONDS: Final = 30.0
"""Time for the headers of a request: some kilobytes over the slowest line. Browsers open spare connections, and again."""
_MAX_WAITING: Final = 512
_MAX_WAITING_OF_ONE: Final = 64
"""Most connections of all addresses, and of one, that wait for headers: a browser opens six to one server."""
_STALL_SECONDS: Final = 2.0
"""Time after which a connection of an address with too many may be closed: behind a proxy a whole crowd has one address, and
comes at once; its headers are on their way."""
_TIMEOUT_DETAIL: Final = "The request took too long to arrive: try again, or over a faster connection."


class HeaderWatch:
    """Registry of the connections that wait for headers; beyond its limits the one that has waited longest is closed."""

    def __init__(
        self,
        *,
        max_seconds: float = _HEADER_SECONDS,
        max_waiting: int = _MAX_WAITING,
        max_of_one: int = _MAX_WAITING_OF_ONE,
        stall_seconds: float = _STALL_SECONDS,
    ) -> None:
        """Set up the registry.

        Args:
            max_seconds: Time for the headers of one request.
            max_waiting: Most connections of all addresses.
            max_of_one: Most connections of one address: a visitor's, or that of a proxy, which holds back stalled requests.
            stall_seconds: Time that each of one address has, however many there are.
        """
        self.max_seconds = max_seconds
        self._max_waiting, self._max_of_one = max_waiting, max_of_one
        self._stall_seconds = stall_seconds
        self._waiting: dict[WatchedProtocol, tuple[str, float]] = {}  # by age
        """The address of each connection, and since when it waits."""

    def add(self, connection: WatchedProtocol, address: str) -> None:
        """Note that a connection waits, and close the oldest where there are too many."""
        now = time.monotonic()
        self._waiting[connection] = address, now
        of_one = [(each, since) for each, (other, since) in self._waiting.items() if other == address]
        if len(of_one) > self._max_of_one and now - of_one[0][1] >= self._stall_seconds:
            of_one[0][0].give_up()
        elif len(self._waiting) > self._max_waiting:
            next(iter(self._waiting)).give_up()  # whose headers are on their way has waited for less

    def remove(self, connection: WatchedProtocol) -> None:
        """Note that a connection waits no more."""
        self._waiting.pop(connection, None)


class WatchedProtocol(H11Protocol):
    """HTTP connection that is closed where the headers of its request do not come."""

    def __init__(self, *args: Any, watch: HeaderWatch, **options: Any) -> None:
        """Create the protocol of one connection; the arguments are uvicorn's."""
        super().__init__(*args, **options)
        self._watch = watch
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._update()

    def data_received(self, data: bytes) -> None:
        """Read on; between two requests, the time for the headers of the next begins with its first byte."""
        super().data_received(data)
        self._update()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """Close the connection, with a sentence if anything of a request has come."""
        self._stop_waiting()
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            body = json.dumps({"detail": _TIMEOUT_DETAIL}).encode()
            head = f"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _update(self) -> None:
        is_open = not self.transport.is_closing() and self.transport.get_protocol() is self  # else a WebSocket
        if not is_open or (self.cycle is not None and not self.cycle.response_complete):
            self._stop_waiting()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self._watch.max_seconds, self.give_up)
            self._watch.add(self, self.client[0] if self.client else "")

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
            self._watch.remove(self)


def watch_headers(config: uvicorn.Config, watch: HeaderWatch) -> None:
    """Have a server watch its connections from now on, a running one, too: it asks its configuration for each."""

    def make(*args: Any, **options: Any) -> WatchedProtocol:
        return WatchedProtocol(*args, watch=watch, **options)

    make_protocol: Callable[..., asyncio.Protocol] = make
    config.http_protocol_class = make_protocol  # type: ignore[assignment] # Gradio hands no class on
