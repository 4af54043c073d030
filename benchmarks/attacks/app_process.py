"""app.py in a process of its own, and calls to it that no client would make."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
_STARTS: Final = 3
_START_SECONDS: Final = 120.0
_CALL_SECONDS: Final = 30.0
_TROUBLES: Final = ("Exception in ASGI", "/hugginggpt/", "was never awaited", "Task was destroyed", "Exception ignored")
"""Signs of a fault in a log; Gradio itself prints tracebacks of calls that lack an argument."""


@dataclass(frozen=True)
class HttpCall:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AppProcess:
    """The page, its API and MCP, as they are started at home."""

    port: int
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    @property
    def troubles(self) -> list[str]:
        """Lines of the log that tell of a fault in the program."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if any(word in line for word in _TROUBLES)]

    def ask(self, call: HttpCall) -> tuple[int, bytes]:
        """Send a request; return the answer's status and the beginning of its body, or 0 where the server hung up on it.

        Raises:
            TimeoutError: There is no answer.
        """
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=_CALL_SECONDS)) as connection:
            try:
                connection.putrequest(call.method, call.path, skip_host="Host" in call.headers)
                for name, value in call.headers.items():
                    connection.putheader(name, value.encode("latin-1", "replace"))
                if "Content-Length" not in call.headers:
                    connection.putheader("Content-Length", str(len(call.body)))
                connection.endheaders(call.body)
                response = connection.getresponse()
                return response.status, response.read(65_536)
            except TimeoutError:
                raise
            except (HTTPException, ConnectionError, ValueError):  # ValueError: http.client sends no such header or path
                return 0, b""


@contextmanager
def started_app() -> Iterator[AppProcess]:
    """Start app.py in an empty home, with no key and no setting of whoever measures.

    Raises:
        RuntimeError: It doesn't answer, tried three times: Gradio gives up on a machine that is busy.
    """
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        for attempt in range(_STARTS):
            home = Path(folder) / str(attempt)
            (home / "tmp").mkdir(parents=True)
            app = _start(home)
            try:
                if _answers(app):
                    yield app
                    return
            finally:
                _end(app.process)
        raise RuntimeError(f"app.py doesn't answer: {app.log_path.read_text(errors='replace')[-2_000:]}")


def _start(home: Path) -> AppProcess:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    environment = kept | {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    log_path = home / "log.txt"
    with log_path.open("wb") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    return AppProcess(port, process, log_path)


def _answers(app: AppProcess) -> bool:
    """Wait until the page answers; return whether it does."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and app.process.poll() is None:
        with suppress(OSError):
            if app.ask(HttpCall("GET", "/"))[0] == 200:
                return True
        time.sleep(1.0)  # while it starts, Gradio asks itself, and is in haste
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
