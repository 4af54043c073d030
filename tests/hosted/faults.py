"""All that goes wrong between a client and a hosted model, each as it looks on the wire."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.hosted.wire import Answer, answer, refusal

Play = Callable[[BaseHTTPRequestHandler, threading.Event], None]
"""Answers a request badly; the event is set when the server closes."""


@dataclass(frozen=True)
class Fault:
    """One way to answer badly; `play` is None where the request is answered well after all."""

    name: str
    play: Play | None
    lasts: bool = False

    def forever(self) -> Fault:
        """The same at every request, for as long as it stands in front."""
        return replace(self, lasts=True)


def sends(name: str, what: Answer) -> Fault:
    return Fault(name, lambda handler, _: what.send(handler))


def status(code: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Fault:
    """That status with a body of JSON; by default an error as the Hub words it."""
    return sends(f"status {code}", answer({"error": f"Error {code}"} if body is None else body, code, headers))


def gated() -> Fault:
    """403: the account was not admitted to the model."""
    return sends(
        "gated", refusal(403, "Access to this model is restricted and you are not in the authorized list.", "GatedRepo")
    )


def no_credit() -> Fault:
    """402: the account's allowance is spent."""
    return status(402, {"error": "You have exceeded your monthly included credits for Inference Providers."})


def busy(retry_after: str = "") -> Fault:
    """429, with or without a Retry-After header."""
    return status(429, {"error": "Too Many Requests"}, {"Retry-After": retry_after} if retry_after else None)


def loading(seconds: float = 0.3, model: str = "X") -> Fault:
    """503: the model is being loaded, and how long that may take."""
    return status(503, {"error": f"Model {model} is currently loading", "estimated_time": seconds})


def passes() -> Fault:
    """No fault: takes a place in the row, so that what follows hits a later request."""
    return Fault("passes", None)


def cut_body() -> Fault:
    """A body that ends before its announced length."""

    def play(handler: BaseHTTPRequestHandler, _: threading.Event) -> None:
        Answer(b'[{"label": "pos', headers={"Content-Length": "100000"}).send(handler)
        handler.close_connection = True

    return Fault("cut body", play)


def wrong_type() -> Fault:
    """A page with 200, as a captive portal or a proxy answers."""
    return sends("wrong type", Answer(b"<!doctype html><html><body>Sign in to the network</body></html>", type="text/html"))


def wrong_json(value: Any = None) -> Fault:
    """JSON that is valid and nothing that was asked for."""
    return sends("wrong JSON", answer({"unexpected": [1, None, {"deep": True}]} if value is None else value))


def no_json() -> Fault:
    """What calls itself JSON and isn't."""
    return sends("no JSON", Answer(b"{'label': positive,,"))


def hang(seconds: float = 60.0) -> Fault:
    """No answer for so long, then the connection's end; the server's close ends it sooner."""

    def play(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        over.wait(seconds)
        handler.close_connection = True

    return Fault("hang", play)


def drip(every: float = 0.02, content_type: str = "application/json") -> Fault:
    """A body that never ends, one byte at a time: each read succeeds, so only a deadline for the whole helps."""

    def play(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not over.wait(every):
            handler.wfile.write(b" ")

    return Fault("drip", play)


def drip_head(every: float = 0.02) -> Fault:
    """Headers that never end: no client counts these."""

    def play(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
        while not over.wait(every):
            handler.wfile.write(b"x")

    return Fault("drip_head", play)


def reset() -> Fault:
    """The connection is reset (RST) without an answer."""

    def play(handler: BaseHTTPRequestHandler, _: threading.Event) -> None:
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.rfile.close()  # it holds the socket open
        handler.connection.close()

    return Fault("reset", play)


def refused_url() -> str:
    """An address on loopback at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


class BlockingProxy(ThreadingHTTPServer):
    """A proxy that lets nothing through."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Blocking)
        self.asked: list[str] = []
        """Method and target of each request: "CONNECT router.huggingface.co:443"."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is nothing to tell of."""


class _Blocking(BaseHTTPRequestHandler):
    server: BlockingProxy

    def _refuse(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        Answer(json.dumps({"error": "blocked by policy"}).encode(), 403, headers={"Connection": "close"}).send(self)
        self.close_connection = True

    do_CONNECT = do_GET = do_POST = do_HEAD = do_PUT = _refuse  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def blocking_proxy() -> Iterator[BlockingProxy]:
    """One for as long as it is needed; its `url` is what ``HTTPS_PROXY`` would name."""
    proxy = BlockingProxy()
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
