"""How soon the page answers after its process was started: ``python -m benchmarks.startup``.

Beside `app.py`, as ``make run`` and a Space start it, stands an empty ``gr.Blocks``: the least that any page of Gradio
takes. Both run in fresh processes of this Python, in turns, on free ports and in an empty home, and count until the first
byte of ``GET /`` has come. Gradio's own news and metrics are switched off for both: they'd measure the network.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ROUNDS: Final = 5
_EMPTY: Final = "import gradio as gr\nwith gr.Blocks() as page: pass\npage.launch(ssr_mode=False)"
_PATIENCE: Final = 120.0
_BETWEEN_KNOCKS: Final = 0.005

APP: Final = (sys.executable, "app.py")
EMPTY: Final = (sys.executable, "-c", _EMPTY)


class StartupError(RuntimeError):
    """A page has not answered; the message is what its process said."""


@dataclass(frozen=True)
class Figures:
    """Medians, in seconds, and how many times the empty page's the page's is."""

    app_s: float
    empty_blocks_s: float
    ratio: float


def measure(rounds: int = ROUNDS) -> Figures:
    """Start both in turns.

    Args:
        rounds: How often each is counted; one start of each, which reads their files from the disk, goes before.

    Raises:
        StartupError: One of them doesn't answer.
    """
    taken: Mapping[tuple[str, ...], list[float]] = {APP: [], EMPTY: []}
    for _ in range(rounds + 1):
        for command, seconds in taken.items():
            seconds.append(first_byte(command))
    app, empty = (statistics.median(seconds[1:]) for seconds in (taken[APP], taken[EMPTY]))
    return Figures(round(app, 3), round(empty, 3), round(app / empty, 3))


def first_byte(command: Sequence[str]) -> float:
    """Seconds from the start of a process to the first byte of the page that it serves; the process is ended then.

    Raises:
        StartupError: It ends by itself, or doesn't answer.
    """
    with tempfile.TemporaryDirectory(prefix="startup-") as home:
        port, log = free_port(), Path(home) / "log.txt"
        variables = environment(Path(home), port)
        begun = time.perf_counter()
        with log.open("wb") as written:
            process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=written, stderr=written)
        try:
            wait_for(process, port, log)
            return time.perf_counter() - begun
        finally:
            end(process)


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for the first byte of a page that a process serves.

    Raises:
        StartupError: It ends by itself, or doesn't answer.
    """
    begun = time.perf_counter()
    while not _answers(port):
        if process.poll() is not None or time.perf_counter() - begun > _PATIENCE:
            said = log.read_bytes().decode(errors="replace")[-2000:]
            raise StartupError(f"The process {process.args!r} has not answered: {said}")
        time.sleep(_BETWEEN_KNOCKS)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, gently if it lets itself."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment(home: Path, port: int) -> Mapping[str, str]:
    """What a process is given: no setting of whoever measures, and no model of theirs."""
    (home / "tmp").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(home / "tmp"),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    """Whether the first byte of the page has come, and the page is one."""
    with (
        closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)) as connection,
        suppress(OSError, HTTPException),  # nobody listens yet
    ):
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status == 200 and len(answer.read(1)) == 1
    return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, choices=range(1, 101), metavar="N", default=ROUNDS, help=f"how often ({ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print JSON, times in seconds")
    chosen = parser.parse_args(arguments)
    figures = measure(chosen.rounds)
    if chosen.json:
        print(json.dumps(asdict(figures)))
    else:
        print(f"app.py              {figures.app_s:6.2f} s")
        print(f"an empty gr.Blocks  {figures.empty_blocks_s:6.2f} s")
        print(f"ratio               {figures.ratio:6.2f}")


if __name__ == "__main__":
    main()
