"""Wherever the page lies: below a path of a proxy, and in a frame of another page, as on huggingface.co."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.conftest import MEDIA
from tests.hosted_server import HostedServer
from tests.hub_server import HubServer
from tests.ui.app_server import started
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

PREFIX = "/tools/hugginggpt"


class Proxy(BaseHTTPRequestHandler):
    """Hands on what lies below the prefix, without it, as nginx does; what doesn't is not found. One page holds a frame."""

    protocol_version = "HTTP/1.0"
    target = ""

    def _hand_on(self) -> None:
        if self.path == "/frame":
            page = f'<!doctype html><title>Frame</title><iframe src="{PREFIX}/" width="1200" height="800"></iframe>'
            self._send(200, {"Content-Type": "text/html"}, page.encode())
            return
        if not self.path.startswith(f"{PREFIX}/"):
            self._send(404, {}, b"not below the prefix")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "accept-encoding"}}
        asked = urllib.request.Request(f"{self.target}{self.path.removeprefix(PREFIX)}", body, kept, method=self.command)
        try:
            answer = urllib.request.urlopen(asked, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            while piece := answer.read1(65_536):
                self.wfile.write(piece)
                self.wfile.flush()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_HEAD = _hand_on  # noqa: N815 - as http.server calls them

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, hub: HubServer, hosting: HostedServer) -> Iterator[str]:
    """The address of the proxy, with the app behind it."""
    with started(tmp_path_factory.mktemp("proxied"), hub.url, hosting.url, GRADIO_ROOT_PATH=PREFIX) as running:
        handler = type("Here", (Proxy,), {"target": running.url})
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}"
        proxy.shutdown()
        proxy.server_close()


def test_everything_is_found_below_a_path(proxied: str, somebody: BrowserContext) -> None:
    tab = Tab(somebody.new_page())
    missing: list[str] = []
    tab.page.on("response", lambda response: missing.append(response.url) if response.status == 404 else None)
    tab.open(f"{proxied}{PREFIX}/")
    icon = tab.page.locator("#welcome img").first
    expect(icon).to_be_visible()
    assert icon.evaluate("image => image.complete && image.naturalWidth") > 0
    assert "image-2" in tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
    tab.open_run()
    thumbnail = tab.page.locator("#shelf img").last
    thumbnail.scroll_into_view_if_needed()
    expect(thumbnail).to_have_js_property("complete", True)
    assert thumbnail.evaluate("image => image.naturalWidth") > 0
    assert tab.file("image-2.png").startswith(b"\x89PNG")
    tab.page.reload()
    expect(tab.requests).to_have_count(1)
    with tab.page.expect_popup() as models:
        tab.page.get_by_role("link", name="Models", exact=True).click()
    expect(models.value.locator("#catalogue tbody tr").first).to_be_visible()
    assert [url for url in missing if "favicon" not in url and "manifest" not in url] == []
    tab.page.close()


def test_it_works_in_a_frame_of_another_page(proxied: str, somebody: BrowserContext) -> None:
    page = somebody.new_page()
    page.goto(f"{proxied}/frame")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Draw the edges of this photo.").click()
    expect(frame.locator("#chat .bot-row")).to_contain_text("image-2")
    page.reload()
    expect(frame.locator("#chat .bot-row")).to_contain_text("image-2")  # the frame's visit is found again
    page.close()
