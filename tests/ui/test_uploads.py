"""Uploads over real HTTP: counted, unguessable, and gone when they are used or forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Message

from hugginggpt.core.settings import Settings
from hugginggpt.ui.uploads import UploadMiddleware, Uploads
from hugginggpt.workspace.storage import Storage
from hugginggpt.workspace.workspace import Workspace
from tests.ui.app_server import free_port, until

MB = 2**20


class Site:
    """A server of uploads alone."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.storage = Storage(settings.max_storage_bytes, folder, idle_seconds=3600.0)
        self.uploads = Uploads(self.storage, settings)
        self.port = free_port()

    def post(self, *contents: bytes, name: str = "a.txt") -> tuple[int, str]:
        """Upload files as Gradio's clients do; return the status and the body."""
        parts = [
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
            for content in contents
        ]
        url = f"http://127.0.0.1:{self.port}/gradio_api/upload"
        request = urllib.request.Request(url, b"".join(parts) + b"--x--\r\n")
        request.add_header("Content-Type", "multipart/form-data; boundary=x")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def upload(self, content: bytes) -> Path:
        """Upload a file; return its path."""
        status, body = self.post(content)
        assert status == 200, body
        (path,) = json.loads(body)
        return Path(path)

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@contextlib.contextmanager
def serve(folder: Path, **limits: float) -> Iterator[Site]:
    site = Site(folder, Settings(sessions=folder / "sessions", **limits))  # type: ignore[arg-type]
    app = Starlette(middleware=[Middleware(UploadMiddleware, uploads=site.uploads)])
    server = uvicorn.Server(uvicorn.Config(app, port=site.port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield site
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_the_same_content_of_two_visitors_lies_in_two_places_that_nobody_can_guess(folder: Path) -> None:
    with serve(folder) as site:
        one, two = site.upload(b"the same"), site.upload(b"the same")
        assert one != two
        assert (one.name, two.name) == ("a.txt", "a.txt")
        site.uploads.consume(one)
        assert not one.exists()
        assert two.read_bytes() == b"the same"


def test_what_a_request_has_used_is_deleted_and_makes_room(folder: Path) -> None:
    with serve(folder) as site, Workspace.create(Settings(sessions=folder / "sessions"), storage=site.storage) as workspace:
        path = site.upload(b"words " * 1000)
        resource = workspace.add_file(path)
        site.uploads.consume(path)
        assert site.storage.used == 6000
        assert site.files == [resource.path]
        site.uploads.consume(folder / "sessions")  # what is no upload is left alone
        assert resource.path is not None
        assert resource.path.exists()


def test_what_nobody_sends_goes_after_a_while(folder: Path) -> None:
    with serve(folder, upload_seconds=0.2) as site:
        (folder / "tmpempty").touch()  # as Gradio leaves it
        site.upload(b"forgotten")
        until(lambda: not site.files and site.storage.used == 0)


@pytest.mark.parametrize(
    ("limits", "status", "sentence"),
    [
        ({"max_session_bytes": 3 * MB}, 413, "More than 3 MB would wait to be sent"),
        ({"max_storage_bytes": 3 * MB}, 507, "This page's storage is used up by others just now"),
    ],
)
def test_a_flood_ends_in_a_sentence_and_not_in_a_full_disk(
    folder: Path, limits: dict[str, float], status: int, sentence: str
) -> None:
    with serve(folder, **limits) as site:
        answers = [site.post(bytes(MB)) for _ in range(8)]
        assert {code for code, _ in answers[:2]} == {200}
        assert {code for code, _ in answers[3:]} == {status}
        assert sentence in answers[-1][1]
        assert sum(path.stat().st_size for path in site.files) <= 3 * MB


def test_a_file_that_is_too_large_leaves_nothing(folder: Path) -> None:
    with serve(folder, max_file_bytes=MB) as site:
        status, body = site.post(b"small", bytes(2 * MB))
        assert (status, body) == (413, "A file is larger than 1 MB: attach a smaller one.")
        assert site.files == []
        assert site.storage.used == 0


@pytest.mark.parametrize("body", [b"null", b"--y\r\n", b"--x\r\n: \r\n\r\n"])
async def test_what_is_no_upload_is_answered_when_it_has_come(folder: Path, body: bytes) -> None:
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)  # a server would wait here until the client goes

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "query_string": b"", "headers": headers}
    site = Site(folder, Settings(sessions=folder / "sessions"))
    await UploadMiddleware(Starlette(), uploads=site.uploads)({**scope, "client": ("10.0.0.1", 1)}, receive, send)
    assert sent[0]["status"] == 400
    assert site.storage.used == 0


async def test_an_upload_that_stalls_is_given_up_and_leaves_nothing(folder: Path) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * 100_000
    incoming: list[Message] = [{"type": "http.request", "body": part, "more_body": True}]

    async def receive() -> Message:
        return incoming.pop() if incoming else await asyncio.Event().wait()  # type: ignore[return-value]  # never

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "query_string": b"", "client": ("10.0.0.1", 1)}
    settings = Settings(sessions=folder / "sessions")
    storage = Storage(settings.max_storage_bytes, folder, idle_seconds=3600.0)
    uploads = Uploads(storage, settings, receive_seconds=0.3)
    with pytest.raises(HTTPException, match="The upload took too long") as refused:
        await uploads.receive({**scope, "headers": [(b"content-type", b"multipart/form-data; boundary=x")]}, receive)
    assert refused.value.status_code == 408
    assert incoming == []
    assert storage.used == 0
    assert [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_where_nothing_can_be_stored_an_upload_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(folder) as site:
        (folder / "file").touch()
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder / "file"))
        status, body = site.post(b"x")
        assert status == 507
        assert body.startswith("No files can be stored on this machine just now")


def test_a_body_that_is_no_upload_is_refused(folder: Path) -> None:
    with serve(folder) as site:
        request = urllib.request.Request(f"http://127.0.0.1:{site.port}/gradio_api/upload", b"{}")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 400
        refused.value.close()
        assert site.files == []
