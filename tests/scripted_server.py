"""An OpenAI-compatible server on loopback that answers as it was told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-visitor-4711-very-secret"
"""The key that sessions use in tests: it must turn up nowhere but in the Authorization header."""


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])

    @property
    def last(self) -> str:
        return str(self.body["messages"][-1]["content"])


Reply = Callable[[BaseHTTPRequestHandler, Asked], None]


class ScriptedServer(ThreadingHTTPServer):
    """Takes its replies from a queue; asked more often than it was told, it repeats the last one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        self.models: Any = None
        """What it answers to GET /models; None: 404."""
        self.listed = 0
        """How often it was asked that."""
        self.over = threading.Event()
        """Set at the end: lets go of replies that stay silent."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def will(self, *replies: Reply) -> None:
        self.replies += replies

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def handle_error(self, *_: object) -> None:
        """A client that gives up early is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.asked.append(asked)
        self.server.next_reply()(self, asked)

    def do_GET(self) -> None:
        models = self.server.models
        self.server.listed += 1
        if models is None:
            self.send_error(404)
        else:
            _send(self, json.dumps(models).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"Content_Type": "application/json", "Content_Length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def raw(body: str, content_type: str = "application/json", *, status: int = 200) -> Reply:
    return lambda handler, _: _send(handler, body.encode(), status, Content_Type=content_type)


def completion(content: Any, *, prompt: int = 100, made: int = 10, finish: str = "stop", cost: float | None = None) -> Reply:
    """A reply, whole or streamed as it is asked for: a text as it is, anything else as JSON."""
    text = content if isinstance(content, str | None) else json.dumps(content)
    usage = {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
    usage |= {} if cost is None else {"cost": cost}

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        if asked.body.get("stream"):
            half = len(text or "") // 2
            pieces((text or "")[:half], (text or "")[half:], finish=finish, usage=usage)(handler, asked)
        else:
            whole(text, usage, finish)(handler, asked)

    return reply


def whole(text: str | None, usage: Mapping[str, Any] | None = None, finish: str = "stop") -> Reply:
    """A reply in one piece, even where a stream was asked for."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return raw(
        json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage})
    )


def error(status: int, message: str = "no", *, code: str | None = None) -> Reply:
    """A refusal; {key} in the message stands for the Authorization header that came in."""

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        said = message.replace("{key}", asked.headers.get("authorization", ""))
        body = json.dumps({"error": {"message": said, "type": "error", "code": code}}).encode()
        _send(handler, body, status, Retry_After_Ms="1")

    return reply


def refusing(parameter: str, then: Reply) -> Reply:
    """400 as long as the request has that parameter."""

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        answer = error(400, f"unknown parameter: {parameter}") if parameter in asked.body else then
        answer(handler, asked)

    return reply


def pieces(
    *texts: str | float | threading.Event,
    prompt: int = 100,
    made: int = 10,
    breaks_off: bool = False,
    fault: str = "",
    finish: str = "stop",
    usage: Mapping[str, Any] | None = None,
) -> Reply:
    """A streamed reply, with its usage at the end; or one that ends in the middle, or in an error that it sends.

    A number among the texts is a pause, in seconds; an event is waited for.
    """
    used = usage or {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": 0}

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        if breaks_off:
            handler.send_header("Content-Length", "100000")  # the client learns of the break by it
        handler.end_headers()
        for text in texts:
            if isinstance(text, float):
                time.sleep(text)
            elif isinstance(text, threading.Event):
                text.wait(60)
            else:
                _event(handler, _chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}]))
        if fault:
            _event(handler, {"error": {"message": fault}})
        elif not breaks_off:
            _event(handler, _chunk([{"index": 0, "delta": {}, "finish_reason": finish}]))
            if "stream_options" in asked.body:
                _event(handler, _chunk([]) | {"usage": used})
            handler.wfile.write(b"data: [DONE]\n\n")

    return reply


def _chunk(choices: Sequence[Any]) -> dict[str, Any]:
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": list(choices)}


def _event(handler: BaseHTTPRequestHandler, value: Any) -> None:
    handler.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
    handler.wfile.flush()


def silence(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Say nothing until the test is over."""
    server = handler.server
    assert isinstance(server, ScriptedServer)
    server.over.wait(10)


def hang_up(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def redirect(url: str) -> Reply:
    return lambda handler, _: _send(handler, b"", 307, Location=url)
