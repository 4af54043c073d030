"""The page's process is killed, started again and told to end, while a person looks at it."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import MEDIA
from tests.hosted_server import HostedServer
from tests.hub_server import HubServer
from tests.ui.app_server import Server, free_port, started
from tests.ui.page.conftest import WIDE
from tests.ui.page.tab import SPEAKING, STILL, Tab, write_novels

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def files_of(server: Server) -> list[Path]:
    """What visitors have sent and made."""
    folders = (server.sessions, server.home / "tmp")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def upload(server: Server, path: Path) -> str:
    """Upload a file for a call of the API; return its path there."""
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n\r\n'
    request = urllib.request.Request(f"{server.url}/gradio_api/upload", head.encode() + path.read_bytes() + b"\r\n--x--\r\n")
    request.add_header("Content-Type", "multipart/form-data; boundary=x")
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(json.load(response)[0])


def call(server: Server, request: str, *files: str, name: str = "run") -> str:
    """Call the API; return the events that it tells."""
    url = f"{server.url}/gradio_api/call/{name}"
    data = [request, [{"path": file, "meta": {"_type": "gradio.FileData"}} for file in files]]
    asked = urllib.request.Request(url, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=120) as response:
        return str(response.read().decode())


def test_a_crash_is_told_and_an_end_leaves_nothing(
    tmp_path: Path, hub: HubServer, hosting: HostedServer, chromium: Browser
) -> None:
    port = str(free_port())
    context = chromium.new_context(viewport=WIDE)
    context.set_default_timeout(60_000)
    context.add_init_script(STILL)
    small = {"HUGGINGGPT_MAX_STORAGE_BYTES": "660000", "HUGGINGGPT_IDLE_SECONDS": "0.1"}
    with started(tmp_path, hub.url, hosting.url, GRADIO_SERVER_PORT=port, **small) as server:
        tab = Tab.of(context, server.url)
        tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
        assert not list((tmp_path / "tmp").rglob("cat.jpg")), "the session has the only copy"
        # others need the room: the conversation that nobody has used meanwhile loses its files, and is told so
        assert "event: complete" in call(server, "Say hello aloud.", upload(server, MEDIA / "complaint.wav"), name="plan")
        tab.box.fill("Say “hello” aloud.")
        tab.box.press("Enter")
        expect(tab.page.get_by_text("others needed the room: a new one begins here")).to_be_visible()
        tab.finish()
        expect(tab.requests).to_have_count(1)
        left = server.folders()
        tab.box.fill("Say “hello” aloud.")
        server.process.kill()
        server.process.wait()
        assert left
    begun = time.monotonic()
    with started(tmp_path, hub.url, hosting.url, GRADIO_SERVER_PORT=port) as server:
        start_seconds = time.monotonic() - begun  # five or so on a machine that has nothing else to do
        assert not left & server.folders(), "what the process that was killed has left is served by nobody"
        warning = tab.page.get_by_text("The page was restarted")
        with suppress(AssertionError):  # it looks every two seconds whether the server is back
            expect(warning).to_be_visible(timeout=5_000)
        if not warning.is_visible():
            tab.page.reload()
        expect(warning).to_be_visible()
        expect(tab.requests).to_have_count(0)
        tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
        # the folder for sessions is lost: a new visitor and a program are told so
        server.sessions.rename(tmp_path / "lost")
        server.sessions.touch()
        other = Tab.of(context, server.url)
        assert "No files can be stored on this machine just now" in other.ask("Draw its edges.", MEDIA / "cat.jpg")
        told = call(server, "Draw the edges of this photo.", upload(server, MEDIA / "cat.jpg"))
        assert "event: error" in told
        assert "No files can be stored on this machine just now" in told
        server.sessions.unlink()
        (tmp_path / "lost").rename(server.sessions)
        # a request runs, a stream is open, and it is told to end twice
        tab.start("Read these texts aloud.", *write_novels(tmp_path))
        expect(tab.answers.last.get_by_text(SPEAKING).first).to_be_visible()
        assert files_of(server)
        with socket.create_connection(("127.0.0.1", int(port))) as stream:
            stream.sendall(b"GET /gradio_api/heartbeat/abc HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert stream.recv(100)
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0
            assert time.monotonic() - begun < max(2.0, start_seconds / 2)  # as busy as this machine is
        assert files_of(server) == []
        assert list(server.sessions.iterdir()) == []
        assert server.troubles == []
    context.close()
