"""A start that can't succeed says why, in one sentence."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from hugginggpt.ui.launch_checks import explain_start_error, find_matplotlib_folder
from tests.ui.app_server import ROOT, free_port, until

pytestmark = pytest.mark.slow


def environment(folder: Path, **variables: str) -> dict[str, str]:
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "GRADIO_SERVER_PORT": str(free_port())}
    return {**own, "HUGGINGGPT_SESSIONS": str(folder / "sessions"), **variables}


def start(folder: Path, limit: Callable[[], object] | None = None, **variables: str) -> tuple[int, str]:
    """Start the page, which must fail; return its status and what it says."""
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment(folder, **variables),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def limit(kind: int, most: int) -> Callable[[], object]:
    return lambda: resource.setrlimit(kind, (most, most))


@pytest.mark.parametrize(
    ("kind", "most", "sentence"),
    [
        (resource.RLIMIT_NOFILE, 40, "Only 40 files may be open at once: raise the limit (ulimit -n) to 256 or more."),
        (resource.RLIMIT_AS, 300 * 2**20, "There is too little memory to start the page"),
        (resource.RLIMIT_FSIZE, 0, "There is no folder for temporary files that can be written: set TMPDIR to one."),
        (resource.RLIMIT_FSIZE, 16 * 1024, "(File too large): free some space there, or set GRADIO_TEMP_DIR"),
    ],
)
def test_a_limit_that_is_too_small(tmp_path: Path, kind: int, most: int, sentence: str) -> None:
    status, said = start(tmp_path, limit(kind, most))
    assert status == 1
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("GRADIO_SERVER_PORT", "many", "GRADIO_SERVER_PORT can't be “many”: it is a number from 1 to 65,535."),
        ("GRADIO_SERVER_PORT", "70000", "GRADIO_SERVER_PORT can't be “70000”"),
        ("GRADIO_SERVER_NAME", "10.255.255.1", "GRADIO_SERVER_NAME can't be “10.255.255.1”"),
        ("GRADIO_TEMP_DIR", "{file}", "set GRADIO_TEMP_DIR to a folder of your own."),
        ("GRADIO_TEMP_DIR", "/proc/none", "set GRADIO_TEMP_DIR to a folder of your own."),
        ("HUGGINGGPT_SESSIONS", "{file}", "set HUGGINGGPT_SESSIONS to a folder of your own."),
        ("HUGGINGGPT_SESSIONS", "/proc/none", "set HUGGINGGPT_SESSIONS to a folder of your own."),
    ],
)
def test_a_variable_that_can_not_be_used(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    (tmp_path / "file").touch()
    status, said = start(tmp_path, **{name: value.format(file=tmp_path / "file")})
    assert status == 1
    assert sentence in said
    assert said.count("\n") == 1


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = f"Port {port} is taken by another program: end it, or set GRADIO_SERVER_PORT to another port.\n"
        assert start(tmp_path, GRADIO_SERVER_PORT=str(port)) == (1, said)


def uploads_of(folder: Path) -> list[Path]:
    """Folders for uploads, one a process."""
    return [path for path in folder.glob("hugginggpt*-uploads/*") if path.is_dir()]


SLOW_SOCKETS = """
import os, socket, threading, time

class SlowSocket(socket.socket):
    def listen(self, *backlog):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(7)
        super().listen(*backlog)

if "_HUGGINGGPT_STARTS" not in os.environ:
    socket.socket = SlowSocket
"""
"""A machine that is so busy at the first start that Gradio, which gives its server five seconds, gives up."""


def test_a_server_that_is_not_up_in_time_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_SOCKETS)
    port, log = free_port(), tmp_path / "log.txt"
    variables = environment(tmp_path, GRADIO_SERVER_PORT=str(port), PYTHONUNBUFFERED="1", PYTHONPATH=str(tmp_path))
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=variables, stdout=output, stderr=output)
    try:
        until(lambda: "Running on local URL" in log.read_text(), 120)
        assert f"not up in time on port {port}: starting anew (2 of 4)." in log.read_text()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as response:
            assert response.status == 200
        assert len(uploads_of(tmp_path)) == 1, "of the first start nothing is left"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert uploads_of(tmp_path) == []
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "too little memory"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "too little memory"),
        (RuntimeError("can't start new thread"), "too little memory"),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (OSError(28, "No space left on device", "/var"), "The disk is full"),
        (PermissionError(13, "Permission denied", "/var/x"), "“/var/x” can't be used (Permission denied)"),
    ],
)
def test_what_is_lacking_is_found_behind_other_errors(error: BaseException, words: str) -> None:
    outer = ImportError("cannot import name")
    outer.__cause__ = error
    assert words in explain_start_error(outer)


@pytest.mark.parametrize("variable", ["", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"])
def test_without_a_home_that_can_be_written_libraries_keep_their_files_among_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for each in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").touch()  # not even root can make a folder below it
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "file"))
    uploads = tmp_path / "uploads"
    assert find_matplotlib_folder(uploads) == (uploads if variable else None)


def test_a_fault_of_the_program_is_none_of_the_machines() -> None:
    assert explain_start_error(KeyError("x")) == ""
