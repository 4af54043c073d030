"""The app as a Space starts it, in a process of its own, and what that process has used."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import startup
from benchmarks.orchestration.serving import process


@dataclass(frozen=True)
class App:
    """The page's process."""

    url: str
    log: Path
    process: psutil.Process

    @property
    def processor_s(self) -> float:
        """Seconds of processor that it has used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    @property
    def memory_mb(self) -> float:
        """Memory that it holds now, in MiB."""
        return float(self.process.memory_info().rss / 2**20)


@contextmanager
def app(delay: float) -> Iterator[App]:
    """The app, with a stand-in for the Hub and all models, each of whose calls takes `delay` seconds.

    Raises:
        StartupError: It doesn't come up.
    """
    with process(f"{__package__}.stand_in") as stand_in, tempfile.TemporaryDirectory(prefix="load-") as home:
        port, log = startup.free_port(), Path(home) / "log.txt"
        environment = {
            **startup.environment(Path(home), port),
            "SPACE_ID": "somebody/hugginggpt",  # as open to strangers as a Space
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "HUGGINGGPT_LOCAL": "off",
            "HF_ENDPOINT": stand_in,
            "HUGGINGGPT_HUB": stand_in,
            "HUGGINGGPT_ROUTER": f"{stand_in}/{delay}",
        }
        with log.open("wb") as written:
            running = subprocess.Popen(startup.APP, cwd=startup.ROOT, env=environment, stdout=written, stderr=written)
        try:
            startup.wait_for(running, port, log)
            yield App(f"http://127.0.0.1:{port}", log, psutil.Process(running.pid))
        finally:
            startup.end(running)
