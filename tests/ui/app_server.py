"""app.py in a process of its own, as its users start it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = "abc123.share.test"
"""A public name, which the browser of these tests finds on this machine."""
SECONDS = 40.0
"""How long a request may take before a test gives up: the first one loads its models."""
TROUBLES = (
    "Traceback",
    "was never awaited",
    "Task was destroyed",
    "asynchronous generator",
    "Exception ignored",
    "exception was never",
)


@dataclass
class Server:
    """app.py as it is started by its users, in folders of its own."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def sessions(self) -> Path:
        return self.home / "sessions"

    @property
    def log(self) -> str:
        return (self.home / "log.txt").read_text(encoding="utf-8")

    @property
    def troubles(self) -> list[str]:
        return [line for line in self.log.splitlines() if any(trouble in line for trouble in TROUBLES)]

    def folders(self) -> set[Path]:
        """Those of the sessions that are alive."""
        return set(self.sessions.iterdir()) if self.sessions.is_dir() else set()

    def files_with(self, secret: str) -> list[Path]:
        """Files below the server's folders that hold these words; the log is one of them."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return [path for path in files if secret.encode() in path.read_bytes()]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for something outside the browser to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)


@contextmanager
def started(home: Path, hub: str, hosting: str, **more: str) -> Iterator[Server]:
    """The app in a folder of its own, with these variables too."""
    port = int(more.get("GRADIO_SERVER_PORT") or free_port())
    (home / "tmp").mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "GRADIO_SERVER_PORT": str(port),
        "HUGGINGGPT_SESSIONS": str(home / "sessions"),  # outside the temporary folder, as a deployment may have it
        "PYTHONUNBUFFERED": "1",
        "SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE", ""),
        "OMP_NUM_THREADS": "1",  # the browser works beside it; more threads wait for each other, and not idly
        "HF_ENDPOINT": hub,
        "HUGGINGGPT_HUB": hosting,
        "HUGGINGGPT_ROUTER": hosting,
        "HUGGINGGPT_ENDPOINTS": hosting,
        "HUGGINGGPT_CATALOGUE_HOURS": "0",  # each test serves models of its own
        "HUGGINGGPT_ALLOWED_HOSTS": PUBLIC,
        **more,
    }
    with (home / "log.txt").open("ab") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    running = Server(f"http://127.0.0.1:{port}", home, process)
    try:
        until(lambda: _answers(running), 3 * SECONDS)
        yield running
    finally:
        process.terminate()
        process.wait(10)


def _answers(server: Server) -> bool:
    assert server.process.poll() is None, server.log
    try:
        with urllib.request.urlopen(server.url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
