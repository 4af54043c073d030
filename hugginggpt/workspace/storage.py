"""Storage budget: bytes for the files of all sessions and uploads together, and eviction of idle ones where they run out.

Whoever writes a file reserves its bytes first, in a share of their own. A share that is not being worked on, and was not
used for some minutes, is given up when others need its room: the one that was used longest ago first.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.settings import Settings

_FREE_BYTES: Final = 2**26
"""Room on the disk that no file of a visitor takes: the machine needs some itself."""


class StorageFullError(ResourceError):
    """There is no room for a file: in this session, on this page, or on this disk."""


class Storage:
    """Budget of bytes for all shares together. Thread-safe."""

    def __init__(
        self, max_bytes: int, folder: Path, *, idle_seconds: float = 300.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Set up a budget.

        Args:
            max_bytes: The most that all shares may take.
            folder: Where the files lie, to see how much of the disk is free.
            idle_seconds: Time for which a share is safe after it was used.
            clock: Gives the time in seconds.
        """
        self._max_bytes = max_bytes
        self._folder = folder
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._shares: list[StorageShare] = []
        self._lock = threading.RLock()  # a session that is collected as garbage is closed in the middle of anything
        self._closed = False

    @classmethod
    def create(cls, settings: Settings) -> Self:
        """Create the budget of a deployment."""
        return cls(settings.max_storage_bytes, settings.sessions, idle_seconds=settings.idle_seconds)

    @property
    def used(self) -> int:
        """Bytes that all shares take."""
        with self._lock:
            return self._sum()

    def open_share(self, max_bytes: int, evict: Callable[[], None], *, full_message: str = "") -> "StorageShare":
        """Open a share.

        Args:
            max_bytes: The most that it may take.
            evict: Deletes its files; called when others need their room, from any thread.
            full_message: Message of the error where the share would take more; one sentence that says what to do.
        """
        share = StorageShare(self, max_bytes, evict, full_message)
        with self._lock:
            share.used_at = self._clock()
            self._shares.append(share)
        return share

    def close(self) -> None:
        """Delete the files of all shares; nothing can be reserved any more. To be called when the process ends."""
        with self._lock:
            self._closed, shares, self._shares = True, self._shares, []
        for share in shares:
            share.evict()

    def reserve(self, share: "StorageShare", size: int) -> None:
        """Reserve bytes for a share; see `StorageShare.reserve`."""
        with self._lock:
            if self._closed or share not in self._shares:  # it was evicted
                raise StorageFullError("These files were deleted meanwhile: send the request again.")
            share.used_at = self._clock()
            if size > 0:
                if share.used + size > share.max_bytes:
                    raise StorageFullError(
                        share.full_message or f"These files would take more than {_format_size(share.max_bytes)}."
                    )
                evicted = self._find_room(share, size)
                self._check_disk(size - sum(each.used for each in evicted))  # their files are deleted below
            else:
                evicted = []
            share.used += size
        for each in evicted:  # outside the lock: it deletes files
            each.evict()

    def release(self, share: "StorageShare") -> None:
        """Forget a share."""
        with self._lock:
            self._shares = [each for each in self._shares if each is not share]  # a new list: one may be read just now
            share.used = 0

    def touch(self, share: "StorageShare", holders: int = 0) -> bool:
        """Record that a share is in use; return False where it is evicted."""
        with self._lock:
            share.used_at = self._clock()
            share.holders += holders
            return share in self._shares

    def _sum(self) -> int:
        return sum(share.used for share in self._shares)

    def _find_room(self, share: "StorageShare", size: int) -> list["StorageShare"]:
        """Take idle shares from the budget until `size` bytes fit, and return them; their files are still to be deleted.

        Raises:
            StorageFullError: All idle shares together are not enough.
        """
        missing = self._sum() + size - self._max_bytes
        if missing <= 0:
            return []
        latest = self._clock() - self._idle_seconds
        others = [each for each in self._shares if each is not share and each.used]
        idle = [each for each in others if not each.holders and each.used_at <= latest]
        evicted: list[StorageShare] = []
        for each in sorted(idle, key=lambda other: other.used_at):
            if missing <= 0:
                break
            evicted.append(each)
            missing -= each.used
        if missing > 0:  # nobody loses their files for nothing
            raise StorageFullError("This page's storage is used up by others just now: try again in a few minutes.")
        self._shares = [each for each in self._shares if each not in evicted]
        return evicted

    def _check_disk(self, size: int) -> None:
        # the nearest that exists: a session's folder is made with its first file
        folder = next((each for each in (self._folder, *self._folder.parents) if each.is_dir()), self._folder)
        try:
            free = shutil.disk_usage(folder).free
        except OSError:  # the write itself will tell
            return
        if free < size + _FREE_BYTES and size > 0:
            raise StorageFullError("The disk is full: free some space and try again.")


class StorageShare:
    """Part of the storage that one session, or one upload, takes."""

    def __init__(self, storage: Storage, max_bytes: int, evict: Callable[[], None], full_message: str) -> None:
        """Set up a share; made by `Storage.open_share`."""
        self._storage = storage
        self.max_bytes = max_bytes
        self.evict = evict
        self.full_message = full_message
        self.used = 0
        """Bytes that it takes now."""
        self.used_at = 0.0
        """Time of its last use, on the storage's clock."""
        self.holders = 0
        """Number of requests that work with its files."""

    def reserve(self, size: int) -> None:
        """Reserve bytes for a file that is about to be written; a negative number gives some back.

        Raises:
            StorageFullError: There is no room; the message says what to do.
        """
        self._storage.reserve(self, size)

    def touch(self) -> bool:
        """Record that the share is in use, which protects it for some minutes; return False where it is evicted."""
        return self._storage.touch(self)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Protect the share from eviction within the block."""
        self._storage.touch(self, 1)
        try:
            yield
        finally:
            self._storage.touch(self, -1)

    def close(self) -> None:
        """Release all bytes; the owner deletes the files."""
        self._storage.release(self)


def _format_size(size: int) -> str:
    return f"{size / 2**20:,.4g} MB"
