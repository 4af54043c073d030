"""Connections whose requests do not come, over real sockets: each has a time, and so many wait at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hugginggpt.ui.security.connections import HeaderWatch, watch_headers
from tests.ui.app_server import free_port, until

WHOLE = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
LONG = 60.0
"""Seconds that no test waits for."""


async def greet(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello.")


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return what comes up to the end of its answer."""
        self.writer.write(request)
        async with asyncio.timeout(LONG):
            return await self._reader.readuntil(b"Hello.")

    async def read_to_end(self) -> bytes:
        """Whatever comes until the server closes the connection."""
        async with asyncio.timeout(LONG):
            return await self._reader.read()


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """A web server with these limits, to which one can connect."""
    app, port = Starlette(routes=[Route("/", greet, methods=["GET", "POST"])]), free_port()
    config = uvicorn.Config(app, port=port, log_level="critical", lifespan="off", timeout_keep_alive=60)
    server, clients = uvicorn.Server(config), list[Client]()
    running = asyncio.create_task(server._serve())
    await asyncio.to_thread(until, lambda: server.started)
    watch_headers(config, HeaderWatch(**limits))

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
            with suppress(OSError):
                await client.writer.wait_closed()
        server.should_exit = server.force_exit = True
        await running


@pytest.mark.parametrize(
    ("answered", "rest", "told"),
    [
        (b"", b"", b""),
        (b"", b"GET / HTT", b"408"),
        (b"", WHOLE[:-4], b"408"),
        (WHOLE, WHOLE[:-4], b"408"),  # the next request of the same connection
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n", b"1", b""),  # it has its answer, and its body drips on
    ],
)
async def test_a_request_whose_headers_stall_is_given_up(answered: bytes, rest: bytes, told: bytes) -> None:
    async with serving(max_seconds=0.2) as connect:
        client = await connect()
        if answered:
            await client.ask(answered)
        client.writer.write(rest)
        assert (await client.read_to_end())[9:12] == told


async def test_what_comes_in_time_is_answered_again_and_again_over_one_connection() -> None:
    async with serving(max_seconds=LONG, max_of_one=1, max_waiting=1) as connect:
        client = await connect()
        for _ in range(3):
            client.writer.write(WHOLE[:20])
            await asyncio.sleep(0)
            assert b"200 OK" in await client.ask(WHOLE[20:])


async def test_a_crowd_behind_one_address_that_comes_at_once_is_answered() -> None:
    async with serving(max_seconds=LONG, max_of_one=2, stall_seconds=LONG) as connect:
        clients = [await connect() for _ in range(20)]
        for client in clients:
            assert b"200 OK" in await client.ask(WHOLE)


@pytest.mark.parametrize("limits", [{"max_of_one": 2, "stall_seconds": 0.0}, {"max_waiting": 2}])
async def test_of_too_many_the_one_that_has_waited_longest_goes(limits: dict[str, Any]) -> None:
    async with serving(max_seconds=LONG, **limits) as connect:
        clients = []
        for _ in range(3):
            clients.append(await connect())
            clients[-1].writer.write(WHOLE[:20])
        await clients[0].read_to_end()
        for client in clients[1:]:
            assert b"200 OK" in await client.ask(WHOLE[20:])
