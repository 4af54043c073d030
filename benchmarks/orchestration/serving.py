"""Servers on loopback, each in a process of its own, so that their work takes nothing from the agent's interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from benchmarks.orchestration.shapes import Shape, shapes

_ROOT: Final = Path(__file__).resolve().parents[2]
_HOST: Final = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that gives up early is no news."""


class Handler(BaseHTTPRequestHandler):
    """What both servers need; the path of every call says the delay and the shape: ``/0.5/fan8/...``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a small second write waits for the client's acknowledgement of the first

    def body(self) -> dict[str, Any]:
        """The JSON that came in."""
        read: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return read

    def place(self) -> tuple[float, Shape, str]:
        """The delay in seconds, the shape, and the rest of the path."""
        delay, shape, rest = self.path.lstrip("/").split("/", 2)
        return float(delay), shapes()[shape], rest

    def send_json(self, value: Any, status: int = 200) -> None:
        """A whole reply."""
        content = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_events(self) -> None:
        """The head of a streamed reply."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_events(self, *values: Any, last: bool = False) -> None:
        """The next events of a streamed reply."""
        content = "".join(f"data: {json.dumps(value, ensure_ascii=False)}\n\n" for value in values)
        data = (content + ("data: [DONE]\n\n" if last else "")).encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) + (b"0\r\n\r\n" if last else b""))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def sleep_until(moment: float) -> None:
    """Wait until `time.monotonic()` says so."""
    if (left := moment - time.monotonic()) > 0:
        time.sleep(left)


def serve(server: Server) -> None:
    """Be the process of a server: say the port, then serve until the parent is gone or closes the pipe."""
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(server.server_address[1], flush=True)
    with suppress(KeyboardInterrupt):  # the parent's business
        sys.stdin.read()


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers are."""

    llm: str
    models: str

    def llm_url(self, delay: float, shape: str) -> str:
        """The base URL of the language model for one shape."""
        return f"{self.llm}/{delay}/{shape}/v1"

    def models_url(self, delay: float, shape: str) -> str:
        """Where the models of one shape are; the kind of task follows."""
        return f"{self.models}/{delay}/{shape}"


@contextmanager
def servers() -> Iterator[Servers]:
    """Both servers, each in its process, as long as they are needed."""
    with process(f"{__package__}.llm_server") as llm, process(f"{__package__}.model_server") as models:
        yield Servers(llm, models)


@contextmanager
def process(module: str) -> Iterator[str]:
    """A server in a process of its own, as long as its address is needed."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin
        assert running.stdout
        try:
            yield f"http://{_HOST}:{int(running.stdout.readline())}"
        finally:
            running.stdin.close()


def address() -> tuple[str, int]:
    """Any free port on loopback."""
    return _HOST, 0


def usage(prompt: int, completion: int) -> Mapping[str, int]:
    """Token counts in the form of a chat completion."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
