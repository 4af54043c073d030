"""Folders that belong to a process: their names tell which, so that what a process that was killed has left is found at once.

Each process locks one byte of a file beside its folders, at a place that only it knows and that its folders' names give. The
system gives the lock up when the process ends, however it ends; a number of a process would be taken by another one.
"""

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: there only the age of a folder tells
    fcntl = None  # type: ignore[assignment]

_PROCESS: Final = secrets.randbits(31)
_NAME: Final = re.compile(r"([0-9a-f]{8})-[\w-]{15}", re.ASCII)
_STALE_HOURS: Final = 48.0
_descriptors: Final[dict[Path, int]] = {}  # never closed: closing one would give up this process's lock
_claiming: Final = threading.Lock()


def make_name(lock: Path) -> str:
    """Return an unguessable name for a folder of this process.

    Args:
        lock: The file whose bytes are locked; all processes that share a folder name the same.
    """
    if not _claim(lock):  # nobody could see that this process lives, so the name must not say that it belongs to one
        return secrets.token_urlsafe(18)  # 144 bits
    return f"{_PROCESS:08x}-{secrets.token_urlsafe(12)[:15]}"  # 90 bits


def _claim(lock: Path) -> bool:
    """Lock a byte by which other processes see that this one lives; return False where that fails."""
    if fcntl is None:
        return False
    with _claiming:
        if lock in _descriptors:
            return True
        with suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            if os.fstat(descriptor).st_uid == os.getuid():  # else somebody else's, in a folder that all may write to
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _PROCESS)
                _descriptors[lock] = descriptor
                return True
            os.close(descriptor)
    return False


def remove_ended(folder: Path, lock: Path, *, hours: float = _STALE_HOURS) -> None:
    """Delete the folders of processes that have ended, and those in which nothing was written for `hours`.

    Args:
        folder: Where the folders lie.
        lock: The file whose bytes tell which processes live.
        hours: The age at which a folder goes whose process is not known.
    """
    if not folder.is_dir():
        return
    _claim(lock)
    for each in _list_folders(folder):
        with suppress(OSError):  # somebody else is deleting it
            old = time.time() - each.stat().st_mtime > hours * 3600  # a new file in it renews this
            if old or _is_ended(each.name, lock):
                shutil.rmtree(each, ignore_errors=True)


def remove_own(folder: Path) -> None:
    """Delete the folders of this process; to be called when it ends."""
    for each in _list_folders(folder):
        if each.name.startswith(f"{_PROCESS:08x}-"):
            shutil.rmtree(each, ignore_errors=True)


def _list_folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()]


def _is_ended(name: str, lock: Path) -> bool:
    """Return whether the process that made a folder has ended; False where that isn't known."""
    found, descriptor = _NAME.fullmatch(name), _descriptors.get(lock)
    if found is None or descriptor is None or fcntl is None:
        return False
    process = int(found[1], 16)
    if process == _PROCESS:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, process)
    except OSError:  # it is held: that process lives
        return False
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, process)
    return True
