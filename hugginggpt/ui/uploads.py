"""Uploads: files that visitors have sent ahead, and that no request has used yet.

Gradio keeps uploads in folders named after their content, for a day, without a limit for all of them together: whoever has
the same file can see that somebody else has it, and a script in a loop fills the disk. So its route is served here: each
upload gets a folder of its own, counts against the page's storage, and goes when a request has used it, or soon after.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gradio.route_utils import upload_fn
from gradio.routes import file_upload_statuses
from gradio.utils import get_upload_folder
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hugginggpt.core.errors import ResourceError, explain_environment_error
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.workspace.storage import StorageFullError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hugginggpt.core.settings import Settings
    from hugginggpt.workspace.storage import Storage, StorageShare

UPLOAD_PATH: Final = re.compile(r"/gradio_api/upload/?$")
"""Path that uploads are posted to."""
_DRAIN_SECONDS: Final = 20.0
"""Time for which the rest of a refused upload is read: before it has sent all, a browser reads no answer."""


@dataclass(eq=False)
class _Upload:
    """One request's files, until they are used."""

    folder: Path
    share: StorageShare
    visitor: str
    paths: set[Path] = field(default_factory=set)


class Uploads:
    """All uploads of this process. Thread-safe."""

    def __init__(
        self, storage: Storage, settings: Settings, *, max_file_bytes: int = 0, receive_seconds: float = 900.0
    ) -> None:
        """Set up the uploads.

        Args:
            storage: The storage whose budget they use.
            settings: Limits on the size and the time of waiting uploads.
            max_file_bytes: The largest file; by default what the settings say.
            receive_seconds: Time that one upload may take: 64 MB over a slow line.
        """
        self._storage = storage
        self._settings = settings
        self._receive_seconds = receive_seconds
        self.max_file_bytes = max_file_bytes or settings.max_file_bytes
        """Largest file, in bytes."""
        self._uploads: list[_Upload] = []
        self._lock = threading.Lock()

    async def receive(self, scope: Scope, receive: Receive) -> list[str]:
        """Take the files of one request, as Gradio's clients send it, into a folder of their own; return their paths.

        Raises:
            HTTPException: It is refused; the detail is one sentence.
        """
        upload = self._open(read_visitor(Request(scope)))
        deadline = asyncio.get_running_loop().time() + self._receive_seconds

        async def receive_counted() -> Message:
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                self._reserve(upload, len(message.get("body", b"")))
            except Exception as error:
                raise _ReceiveError("no more is received") from error
            return message

        request = Request(scope, receive_counted)
        upload_id = request.query_params.get("upload_id")
        progress = file_upload_statuses if upload_id else None
        try:
            self._check_length(upload, request.headers.get("content-length", ""))
            await asyncio.to_thread(upload.folder.mkdir, mode=0o700, parents=True)
            paths, _, _ = await upload_fn(request, upload.folder, self.max_file_bytes, upload_id, True, progress)
        except BaseException as error:
            self._discard(upload)
            if progress and upload_id:
                progress.set_done(upload_id)  # whoever follows its progress waits for that
            raise _explain(error, self.max_file_bytes) from error
        upload.paths = {Path(path) for path in paths}
        asyncio.get_running_loop().call_later(self._settings.upload_seconds, self._expire, upload)
        return [str(path) for path in paths]

    def consume(self, path: Path | str) -> None:
        """Delete an upload that a request has used, or that was refused; other files are left alone."""
        path = Path(path)
        with self._lock:
            upload = next((each for each in self._uploads if path in each.paths), None)
            if upload is None:
                return
            upload.paths.discard(path)
        with suppress(OSError, ResourceError):  # it has expired meanwhile
            size = path.stat().st_size
            path.unlink()
            upload.share.reserve(-size)
        if not upload.paths:
            self._discard(upload)

    def add_file(self, path: Path, visitor: str) -> Path:
        """Move a file that Gradio has written among the uploads, and return its new path.

        Raises:
            HTTPException: There is no room for it; it is deleted.
        """
        upload = self._open(visitor)
        try:
            self._reserve(upload, path.stat().st_size)
            upload.folder.mkdir(mode=0o700, parents=True)
            moved = path.rename(upload.folder / path.name)
        except Exception as error:
            path.unlink(missing_ok=True)
            self._discard(upload)
            raise _explain(error, self.max_file_bytes) from error
        upload.paths = {moved}
        asyncio.get_running_loop().call_later(self._settings.upload_seconds, self._expire, upload)
        return moved

    def _open(self, visitor: str) -> _Upload:
        folder = Path(get_upload_folder()) / secrets.token_urlsafe(18)  # 144 bits
        limit = self._settings.max_session_bytes
        upload = _Upload(folder, self._storage.open_share(limit, lambda: self._discard(upload)), visitor)
        with self._lock:
            self._uploads.append(upload)
        return upload

    def _reserve(self, upload: _Upload, size: int) -> None:
        with self._lock:
            waiting = sum(each.share.used for each in self._uploads if each.visitor == upload.visitor)
        if waiting + size > self._settings.max_session_bytes:
            limit = f"{self._settings.max_session_bytes / 2**20:,.4g} MB"
            raise HTTPException(413, f"More than {limit} would wait to be sent: send or delete what you have attached first.")
        upload.share.reserve(size)

    def _check_length(self, upload: _Upload, length: str) -> None:
        """Refuse a body that can't fit before any of it is written; the bytes that arrive are what counts."""
        if length.isdecimal():
            self._reserve(upload, int(length[:15]))
            upload.share.reserve(-int(length[:15]))

    def _discard(self, upload: _Upload) -> None:
        with self._lock:
            if upload in self._uploads:  # its time and a full storage may both discard it
                self._uploads.remove(upload)
            upload.paths = set()
        upload.share.close()
        shutil.rmtree(upload.folder, ignore_errors=True)

    def _expire(self, upload: _Upload) -> None:
        if upload in self._uploads:
            asyncio.get_running_loop().run_in_executor(None, self._discard, upload)
        oldest = time.time() - self._settings.upload_seconds
        with suppress(OSError):
            for path in Path(get_upload_folder()).iterdir():  # Gradio leaves an empty file for each click on an upload button
                if path.is_file() and path.stat().st_mtime < oldest:
                    path.unlink()


class UploadMiddleware:
    """Middleware that serves uploads in Gradio's place."""

    def __init__(self, app: ASGIApp, *, uploads: Uploads) -> None:
        """Serve the uploads of an app."""
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not UPLOAD_PATH.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        response: Response
        complete = False

        async def watch() -> Message:
            nonlocal complete
            message = await receive()
            complete = message["type"] != "http.request" or not message.get("more_body")
            return message

        try:
            response = JSONResponse(await self._uploads.receive(scope, watch))
        except ClientDisconnect:
            return
        except HTTPException as error:
            if not complete:  # else the next message is that the client has gone
                await _drain(receive)
            response = PlainTextResponse(str(error.detail), status_code=error.status_code)
        await response(scope, receive, send)


class _ReceiveError(MultiPartException):
    """An upload ends before its end, for the reason that is the cause; Gradio's parser closes its files on this class alone."""


def _explain(error: BaseException, max_file_bytes: int) -> BaseException:
    """Return an error as the HTTP refusal that it means; other errors are returned as they are."""
    match error.__cause__ if isinstance(error, _ReceiveError) else error:
        case StorageFullError():
            return HTTPException(507, str(error))
        case MultiPartException(message=message) if "maximum allowed size" in message and "eaders" not in message:
            return HTTPException(413, f"A file is larger than {max_file_bytes / 2**20:,.3g} MB: attach a smaller one.")
        case MultiPartException():
            return HTTPException(400, "This upload is none that can be read: attach the file once more.")
        case TimeoutError():
            return HTTPException(408, "The upload took too long: attach a smaller file, or try a faster connection.")
        case OSError():
            reason = "No files can be stored on this machine just now: try again later, or tell who runs this page."
            return HTTPException(507, explain_environment_error(error) or reason)
        case BaseException() as other:  # HTTPException; the client is gone; cancelled
            return other
        case None:
            return error


async def _drain(receive: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
