"""Checks of the machine before the page starts; each lack is one sentence."""

from __future__ import annotations

import errno
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_MIN_OPEN_FILES: Final = 256
"""Open files that libraries, models and a few visitors' connections need."""
_MIN_ADDRESS_BYTES: Final = 600 * 2**20
"""Address space that the libraries of the page take before any model is loaded."""
_MAX_OPEN_FILES: Final = 65_536
_FIRST_PORT: Final = 7860
_MAX_PORT: Final = 65_535
_MAX_PORTS_TRIED: Final = 100
_PROBE_BYTES: Final = 64 * 1024

_TOO_LITTLE_MEMORY: Final = "There is too little memory to start the page: close other programs, or give it more."
_SENTENCE_BY_ERRNO: Final[Mapping[int | None, str]] = {
    errno.EMFILE: "Too many files are open: raise the limit on open files (ulimit -n) to 1024 or more.",
    errno.ENFILE: "This machine has too many files open: close other programs.",
    errno.ENOSPC: "The disk is full: free some space and try again.",
    errno.EDQUOT: "The disk is full: free some space and try again.",
    errno.EFBIG: "No file of the needed size may be written: raise the limit on the size of files (ulimit -f).",
    errno.ENOMEM: _TOO_LITTLE_MEMORY,
    errno.EAGAIN: "No further process or thread can be started: close other programs, or raise the limit (ulimit -u).",
}
_MEMORY_ERROR_WORDS: Final = ("failed to map segment", "cannot allocate memory", "can't start new thread", "out of memory")
_PATH_ERRNOS: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT})


class StartError(OSError):
    """The page can't be started here; one sentence that says what to do."""


def explain_start_error(error: BaseException) -> str:
    """Return one sentence if the machine or its settings lack something; empty where the fault is the program's own."""
    from hugginggpt.core.errors import HuggingGPTError

    for each in _list_causes(error):
        if isinstance(each, HuggingGPTError | StartError | TimeoutError) and each.args:
            return str(each)
        if isinstance(each, MemoryError) or any(words in str(each).lower() for words in _MEMORY_ERROR_WORDS):
            return _TOO_LITTLE_MEMORY
        if isinstance(each, FileNotFoundError) and "temporary directory" in str(each):
            return "There is no folder for temporary files that can be written: set TMPDIR to one."
        if isinstance(each, OSError) and each.errno in _SENTENCE_BY_ERRNO:
            return _SENTENCE_BY_ERRNO[each.errno]
        if isinstance(each, OSError) and each.errno in _PATH_ERRNOS and each.filename:
            return f"“{each.filename}” can't be used ({each.strerror}): make it readable and writable for this user."
    return ""


def check_limits() -> None:
    """Let this process open as many files as it may.

    Raises:
        StartError: The limit is too low; or the process may take too little memory.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    memory = resource.getrlimit(resource.RLIMIT_AS)[0]
    if (
        memory not in {resource.RLIM_INFINITY, -1} and memory < _MIN_ADDRESS_BYTES
    ):  # libraries in Rust abort where there is none
        raise StartError(_TOO_LITTLE_MEMORY)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))  # a connection of each visitor is one
    if limit < _MIN_OPEN_FILES:
        raise StartError(f"Only {limit} files may be open at once: raise the limit (ulimit -n) to {_MIN_OPEN_FILES} or more.")


def find_port() -> int:
    """Return the port to listen on: that of ``GRADIO_SERVER_PORT``; without one, the first that is free from 7860 on.

    Raises:
        StartError: It is taken, or the variables name none that there can be.
    """
    host, named = os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1", os.environ.get("GRADIO_SERVER_PORT", "")
    if named and not (named.isdecimal() and 0 < int(named[:9]) <= _MAX_PORT):
        raise StartError(f"GRADIO_SERVER_PORT can't be “{named[:20]}”: it is a number from 1 to {_MAX_PORT:,}.")
    if named:
        _check_port(host, int(named))
        return int(named)
    for port in range(_FIRST_PORT, _FIRST_PORT + _MAX_PORTS_TRIED):
        if not _is_taken(host, port):
            return port
    raise StartError(
        f"All ports from {_FIRST_PORT} to {_FIRST_PORT + _MAX_PORTS_TRIED - 1} are taken: "
        "set GRADIO_SERVER_PORT to one that is free."
    )


def _is_taken(host: str, port: int) -> bool:
    try:
        _check_port(host, port)
    except StartError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return True
    return False


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            if os.name != "nt":  # there it would let two programs listen
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen(1)  # two may bind a port, one may listen
    except OSError as error:
        raise _explain_port(host, port, error) from error


def _explain_port(host: str, port: int, error: OSError) -> StartError:
    sentence = f"Nothing can listen at {host}, port {port} ({error.strerror}): set GRADIO_SERVER_NAME or GRADIO_SERVER_PORT."
    if error.errno == errno.EADDRINUSE:
        sentence = f"Port {port} is taken by another program: end it, or set GRADIO_SERVER_PORT to another port."
    elif error.errno == errno.EACCES:
        sentence = f"Port {port} may not be used by this user: set GRADIO_SERVER_PORT to one from 1024 on."
    elif error.errno in _SENTENCE_BY_ERRNO:
        sentence = _SENTENCE_BY_ERRNO[error.errno]
    elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        sentence = f"GRADIO_SERVER_NAME can't be “{host[:80]}”: this machine has no such address."
    explained = StartError(sentence)
    explained.errno = error.errno  # tells a port that is taken from others
    return explained


def make_upload_folder() -> Path:
    """Make a folder for uploads that belongs to this process; those of processes that were killed are deleted.

    Raises:
        StartError: It can't be made, or nothing can be written there.
    """
    from hugginggpt.workspace.process_folders import make_name, remove_ended

    base = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / f"hugginggpt{_get_user()}-uploads")
    try:
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = base / ".lock"
        remove_ended(base, lock, hours=float("inf"))  # it may hold other things, as old as they like
        folder = base / make_name(lock)
        folder.mkdir(mode=0o700)
        probe = folder / "probe"
        probe.write_bytes(bytes(_PROBE_BYTES))
        probe.unlink()
    except OSError as error:
        reason = f"Uploads can't be kept in {base} ({error.strerror})"
        raise StartError(f"{reason}: free some space there, or set GRADIO_TEMP_DIR to a folder of your own.") from error
    return folder


def find_matplotlib_folder(uploads: Path) -> Path | None:
    """Return the folder in which matplotlib, which Gradio imports, may keep its files; None where it can use its own.

    Without a home that can be written it would warn, and leave a folder behind at each start.
    """
    if not sys.platform.startswith("linux"):  # elsewhere it looks in other places
        return None
    try:
        for variable, usual in (("XDG_CONFIG_HOME", "~/.config"), ("XDG_CACHE_HOME", "~/.cache")):
            (Path(os.environ.get(variable) or usual).expanduser() / "matplotlib").mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # there is no home at all
        return uploads
    return None


def _get_user() -> str:
    return f"-{os.getuid()}" if hasattr(os, "getuid") else ""


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
