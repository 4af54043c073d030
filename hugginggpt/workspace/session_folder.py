"""Folder of one session: room for each file is reserved before it is written, and no half-written file stays."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from hugginggpt.core.errors import ResourceError, explain_environment_error
from hugginggpt.core.settings import Settings, SettingsError, make_sessions_folder
from hugginggpt.workspace import process_folders
from hugginggpt.workspace.storage import Storage


class SessionFolder:
    """A session's folder and its share of the storage. Thread-safe."""

    def __init__(self, path: Path, settings: Settings, storage: Storage | None = None) -> None:
        """Set up a folder.

        Args:
            path: Where it lies; made when the first file is written.
            settings: How many bytes it may take.
            storage: What it counts against; by default it is alone.
        """
        self.path = path
        self.expired = False
        """True if its files were deleted because others needed their room."""
        self._settings = settings
        self._rewritten: dict[Path, int] = {}
        self._closed = False
        storage = storage or Storage.create(settings)
        limit = f"{settings.max_session_bytes / 2**20:,.4g} MB"
        full_message = (
            f"The files of this conversation would take more than {limit}: clear the conversation, or attach smaller files."
        )
        self._share = storage.open_share(settings.max_session_bytes, self._evict, full_message=full_message)

    @classmethod
    def create(cls, settings: Settings, storage: Storage | None = None) -> Self:
        """Create a folder whose name can't be guessed and that only this user may enter.

        One that can't be made now is tried again when a file is written; until then the session works without files.
        """
        with suppress(OSError):
            settings.sessions.parent.mkdir(parents=True, exist_ok=True)  # the lock lies there
        folder = cls(settings.sessions / process_folders.make_name(_name_lock(settings)), settings, storage)
        with suppress(ResourceError):
            folder.make()
        return folder

    def make(self) -> None:
        """Make the folder, where it is not there.

        Raises:
            ResourceError: It can't be made now, or the session is over.
        """
        if self._closed:
            raise ResourceError("The files of this conversation were deleted meanwhile: send the request again.")
        if self.path.is_dir():
            return
        try:
            make_sessions_folder(self._settings)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except (OSError, SettingsError) as error:
            raise explain_storage_error("Files", error) from error

    def close(self) -> None:
        """Delete the folder; nothing can be written any more."""
        self._closed = True  # first: a thread that still works must not make the folder anew
        self._share.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def _evict(self) -> None:
        self.expired = True
        self.close()

    def touch(self) -> bool:
        """Record that the session is in use; return False where its files are already evicted."""
        return self._share.touch()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Protect the files from eviction within the block; afterwards delete the half-written files of failed models."""
        try:
            with self._share.hold():
                yield
        finally:
            if not self._share.holders:
                self._delete_unfinished()

    def _delete_unfinished(self) -> None:
        with suppress(OSError):  # the folder is gone
            for path in self.path.iterdir():
                if path.is_file():  # each resource lies in a folder below
                    path.unlink(missing_ok=True)

    @contextmanager
    def reserve(self, size: int, path: Path) -> Iterator[None]:
        """Reserve room for a file that is written in this block; if that fails, nothing of it stays.

        Raises:
            ResourceError: There is no room for it.
        """
        try:
            self._share.reserve(size)
        except ResourceError:
            path.unlink(missing_ok=True)
            raise
        try:
            yield
        except BaseException as error:
            path.unlink(missing_ok=True)
            self.release(size)
            if isinstance(error, OSError) and explain_environment_error(error):
                raise explain_storage_error(path.name, error) from error
            raise

    @contextmanager
    def rewrite(self, path: Path, size: int) -> Iterator[Path]:
        """Reserve room for a file that takes the place of the one before; yield where it is written until it is complete.

        Raises:
            ResourceError: There is no room for it.
        """
        part = path.with_suffix(".part")
        with self.reserve(size, part):
            yield part
            part.replace(path)  # at once: a browser may be reading the file before
        before, self._rewritten[path] = self._rewritten.get(path, 0), size
        self.release(before)

    def release(self, size: int) -> None:
        """Release the room of deleted files."""
        with suppress(ResourceError):  # the session is over
            self._share.reserve(-size)

    @contextmanager
    def reserve_download(self) -> Iterator[Callable[[int], None]]:
        """Yield a function that reserves the bytes of a download as they arrive; they are released at the end of the block."""
        arrived = 0

        def count(size: int) -> None:
            nonlocal arrived
            self._share.reserve(size)
            arrived += size

        try:
            yield count
        finally:
            self.release(arrived)

    def new_path(self, suffix: str) -> Path:
        """Return a path for a new file: an unguessable name in the session's folder.

        Raises:
            ResourceError: Nothing can be stored there.
        """
        self.make()
        return self.path / f"{secrets.token_hex(12)}{suffix}"

    def rename_for_saving(self, path: Path, name: str) -> Path:
        """Move a file to the name that people get when they save it, inside a folder whose name can't be guessed."""
        folder = self.path / secrets.token_hex(12)
        folder.mkdir(mode=0o700)
        return path.rename(folder / f"{name}{path.suffix}")


def remove_stale(settings: Settings) -> None:
    """Delete folders that sessions of ended processes left behind."""
    process_folders.remove_ended(settings.sessions, _name_lock(settings))


def _name_lock(settings: Settings) -> Path:
    """Name the file that tells which processes with sessions live; beside their folder, which holds sessions alone."""
    return settings.sessions.with_name(f"{settings.sessions.name}.lock")


def explain_storage_error(what: str, error: OSError | SettingsError) -> ResourceError:
    """Return one sentence for a file that can't be stored."""
    if isinstance(error, SettingsError):  # its advice is for who starts the program
        return ResourceError("No files can be stored on this machine just now: try without files, or tell who runs this page.")
    return ResourceError(explain_environment_error(error) or f"{what} can't be read or stored ({error.strerror}).")
