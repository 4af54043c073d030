"""Open event streams: so many of one visitor, and of all.

A stream stays open as long as its client likes: a tab's sign of life, the results of a tab's or a program's events, MCP's.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from hugginggpt.ui.session.visitor import read_visitor

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_STREAM_PATH: Final = re.compile(
    r"/gradio_api/(?:queue/data/?$|heartbeat/|upload_progress|(?:call|stream)/.+/|mcp(?:/|$))|/dev/reload"
)
"""Routes that answer with events; those of MCP are calls, too, whose answers are streams."""
_MAX_STREAMS: Final = 4_000
_MAX_STREAMS_OF_ONE: Final = 400
"""Most open streams of all visitors, and of one: a tab has one, and a second while something is worked on; a school's tabs
share an address."""
_TOO_MANY_OF_ONE: Final = (
    "You have {count:,} connections for results open, the most that one visitor may have: close some tabs."
)
_TOO_MANY: Final = "{count:,} connections for results are open here, the most that may be: try again in a few minutes."


class EventStreamMiddleware:
    """Middleware that counts the open streams of events, and refuses further ones in a sentence."""

    def __init__(self, app: ASGIApp, *, max_streams: int = _MAX_STREAMS, max_of_one: int = _MAX_STREAMS_OF_ONE) -> None:
        """Guard an app.

        Args:
            app: What serves the page.
            max_streams: Most streams of all visitors.
            max_of_one: Most streams of one visitor.
        """
        self._app = app
        self._max_streams, self._max_of_one = max_streams, max_of_one
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _STREAM_PATH.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        visitor = read_visitor(Request(scope))
        if reason := self._find_reason(visitor):
            await JSONResponse({"detail": reason}, 503)(scope, receive, send)
            return
        self._open[visitor] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[visitor] -= 1
            self._open += Counter()  # forgets those who have none

    def _find_reason(self, visitor: str) -> str:
        """Return the reason to refuse a stream; "": there is none."""
        if self._open[visitor] >= self._max_of_one:
            return _TOO_MANY_OF_ONE.format(count=self._max_of_one)
        return _TOO_MANY.format(count=self._max_streams) if self._open.total() >= self._max_streams else ""
