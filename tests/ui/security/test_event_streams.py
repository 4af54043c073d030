"""Open streams of events: each visitor has so many, and all have; what ends makes room."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from hugginggpt.ui.security.event_streams import EventStreamMiddleware

RESULTS = "/gradio_api/queue/data"


class Streams:
    """An app whose answers go on until they are closed, behind the limits; its clients connect by ASGI."""

    def __init__(self, **limits: int) -> None:
        self.app = EventStreamMiddleware(self.serve, **limits)
        self.closing: list[asyncio.Event] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.closing[-1].wait()

    async def open(self, path: str = RESULTS, visitor: str = "192.0.2.1", method: str = "GET") -> tuple[int, str]:
        """The status of one more stream, and what is said."""
        scope = {"type": "http", "method": method, "path": path, "headers": [], "client": (visitor, 1), "query_string": b""}
        sent: asyncio.Queue[Message] = asyncio.Queue()
        self.closing.append(asyncio.Event())
        self._tasks.append(asyncio.create_task(self.app(scope, asyncio.Event().wait, sent.put)))
        status: int = (await sent.get())["status"]
        return status, "" if status == 200 else json.loads((await sent.get())["body"])["detail"]

    async def close(self, number: int) -> None:
        self.closing[number].set()
        await self._tasks[number]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (RESULTS, "GET"),
        ("/agent/gradio_api/queue/data", "GET"),  # below a proxy's path
        ("/gradio_api/heartbeat/abc", "GET"),
        ("/gradio_api/upload_progress", "GET"),
        ("/gradio_api/call/run/0123", "GET"),
        ("/gradio_api/call/v2/run/0123", "GET"),
        ("/gradio_api/mcp/", "GET"),
        ("/gradio_api/mcp", "POST"),
        ("/gradio_api/mcp/sse", "GET"),
    ],
)
async def test_one_visitor_has_so_many_and_another_goes_on(path: str, method: str) -> None:
    streams = Streams(max_of_one=2)
    assert [(await streams.open(path, method=method))[0] for _ in range(2)] == [200, 200]
    status, told = await streams.open(path, method=method)
    assert (status, "close some tabs" in told) == (503, True)
    assert (await streams.open(path, "192.0.2.2", method))[0] == 200
    assert (await streams.open("/config"))[0] == 200  # what isn't a stream is served all the same
    await streams.close(0)
    assert (await streams.open(path, method=method))[0] == 200
    assert (await streams.open(path, method=method))[0] == 503


async def test_all_visitors_together_have_so_many() -> None:
    streams = Streams(max_streams=3)
    assert [(await streams.open(visitor=str(n)))[0] for n in range(3)] == [200] * 3
    assert await streams.open(visitor="new") == (
        503,
        "3 connections for results are open here, the most that may be: try again in a few minutes.",
    )
