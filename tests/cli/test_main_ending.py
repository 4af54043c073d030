"""How the terminal's process ends when it is told to, or when nobody reads on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.cli.main import EXIT_ANSWERED, EXIT_FAILED, main
from tests.conftest import MEDIA
from tests.scripted_server import KEY, ScriptedServer, scripted_server, silence

pytestmark = pytest.mark.slow

INVOICE = str(MEDIA / "invoice.png")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key of whoever runs the tests; sessions lie in the test's own folder."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "sessions"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        yield running


@contextmanager
def started(*arguments: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, while it works."""
    command = [sys.executable, "-m", "hugginggpt", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | {"COLUMNS": "80"}, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_process_that_is_told_to_end_leaves_nothing_behind(
    server: ScriptedServer, tmp_path: Path, number: signal.Signals
) -> None:
    server.will(silence)

    def at_a_terminal() -> None:
        for end in (signal.SIGHUP, signal.SIGINT):  # even if the tests themselves run under nohup, or in the background
            signal.signal(end, signal.SIG_DFL)

    with started("Read this.", INVOICE, preexec_fn=at_a_terminal) as process:
        wait_until(lambda: bool(server.asked))
        assert list((tmp_path / "sessions").iterdir())
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (EXIT_FAILED, "", "Stopped.\n")
    assert not list((tmp_path / "sessions").iterdir())


def test_a_process_that_is_to_outlive_its_terminal_does(server: ScriptedServer, tmp_path: Path) -> None:
    server.will(silence)

    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with started("Read this.", INVOICE, preexec_fn=nohup) as process:
        wait_until(lambda: bool(server.asked))
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        process.communicate(timeout=30)
    assert not list((tmp_path / "sessions").iterdir())


def test_the_signals_of_a_program_that_calls_main_are_its_own_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Read this.", INVOICE, "--plan"]) == EXIT_ANSWERED
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("arguments", [["--plan"], ["--json"], []])
@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_wants_no_more_is_no_trouble(tmp_path: Path, arguments: list[str], both: bool) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "hugginggpt", "Draw the edges of this photo.", str(MEDIA / "cat.jpg"), *arguments]
    stderr = writing if both else subprocess.PIPE
    ended = subprocess.run(command, stdout=writing, stderr=stderr, text=True, timeout=60, check=False)
    os.close(writing)
    assert ended.returncode == EXIT_FAILED
    assert both or not {"Traceback", "BrokenPipeError"} & set(ended.stderr.replace(":", " ").split())
    assert not list((tmp_path / "sessions").iterdir())
