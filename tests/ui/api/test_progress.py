"""Which MCP clients are gone is noted at each path that they may call, so that nobody works for them any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from hugginggpt.ui.api.progress import DisconnectMiddleware

SESSION = "0123456789abcdef"


def ask(method: str, path: str, query: str = "") -> Scope:
    return {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": [(b"a", b"b")]}


async def take(message: Message) -> None:
    """Send to nobody."""


async def hang_up() -> Message:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "path", ["/gradio_api/mcp", "/gradio_api/mcp/", "/gradio_api/mcp//", "/gradio_api/mcp/http", "/tools/ada/gradio_api/mcp/"]
)
async def test_a_client_that_is_gone_is_noted(path: str) -> None:
    found: list[Any] = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(DisconnectMiddleware.find_disconnect(Request(scope)))
        assert not found[0].is_set()
        await receive()

    await DisconnectMiddleware(work)(ask("POST", path), hang_up, take)
    assert found[0].is_set()


async def test_of_the_older_transport_a_client_is_gone_when_its_stream_is() -> None:
    found: dict[str, asyncio.Event | None] = {}
    told, gone = asyncio.Event(), asyncio.Event()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":  # is answered at once, while the call goes on
            found[scope["query_string"].decode()] = DisconnectMiddleware.find_disconnect(Request(scope))
            return
        await send({"type": "http.response.start", "status": 200})
        address = f"event: endpoint\r\ndata: /gradio_api/mcp/messages/?session_id={SESSION}\r\n\r\n"
        await send({"type": "http.response.body", "body": address.encode(), "more_body": True})
        told.set()
        await receive()

    async def stay() -> Message:
        await gone.wait()
        return await hang_up()

    middleware = DisconnectMiddleware(serve)
    stream = asyncio.create_task(middleware(ask("GET", "/gradio_api/mcp/sse"), stay, take))
    await told.wait()
    for query in (f"session_id={SESSION}", "session_id=of_nobody", ""):
        await middleware(ask("POST", "/gradio_api/mcp/messages/", query), stay, take)
    event = found.pop(f"session_id={SESSION}")
    assert set(found.values()) == {None}
    assert event is not None
    assert not event.is_set()
    gone.set()
    await stream
    assert event.is_set()
    await middleware(ask("POST", "/gradio_api/mcp/messages/", f"session_id={SESSION}"), stay, take)
    assert found[f"session_id={SESSION}"] is None  # nothing is kept
