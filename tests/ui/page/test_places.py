"""Wherever the page lies: below a path, in a frame of another page, under a public name that a tunnel or a Space gives it."""

from __future__ import annotations

import datetime
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from playwright.sync_api import BrowserContext, expect

from tests.conftest import MEDIA
from tests.hosted_server import HostedServer
from tests.hub_server import HubServer
from tests.ui.app_server import PUBLIC, SECONDS, Server, started
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

PREFIX = "/tools/hugginggpt"


class Proxy(BaseHTTPRequestHandler):
    """Hands on what lies below the prefix, without it, as nginx does; what doesn't is not found. One page holds a frame."""

    protocol_version = "HTTP/1.0"
    target = ""
    prefix = ""
    scheme = "http"
    lags: threading.Event | None = None
    """Set when the word that a stream of results is over is on its way, which then takes a second."""

    def _hand_on(self) -> None:
        if self.path == "/frame":
            page = f'<!doctype html><title>Frame</title><iframe src="{self.prefix}/" width="1200" height="800"></iframe>'
            self._send(200, {"Content-Type": "text/html"}, page.encode())
            return
        if not self.path.startswith(f"{self.prefix}/"):
            self._send(404, {}, b"not below the prefix")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "accept-encoding"}}
        kept |= {"X-Forwarded-Host": self.headers["Host"], "X-Forwarded-Proto": self.scheme}
        asked = urllib.request.Request(f"{self.target}{self.path.removeprefix(self.prefix)}", body, kept, method=self.command)
        with suppress(ConnectionError, HTTPException):  # either side may hang up
            self._answer(asked)

    def _answer(self, asked: urllib.request.Request) -> None:
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
                if self.lags and b"close_stream" in piece:
                    self.lags.set()
                    time.sleep(1)
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


@contextmanager
def proxy(
    target: Server, prefix: str = "", certificate: Path | None = None, lags: threading.Event | None = None
) -> Iterator[int]:
    """A proxy before an app, with a certificate over HTTPS; gives its port."""
    scheme = "https" if certificate else "http"
    handler = type("Here", (Proxy,), {"target": target.url, "prefix": prefix, "scheme": scheme, "lags": lags})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, hub: HubServer, hosting: HostedServer) -> Iterator[str]:
    """The address of the proxy, with the app behind it."""
    with (
        started(tmp_path_factory.mktemp("proxied"), hub.url, hosting.url, GRADIO_ROOT_PATH=PREFIX) as running,
        proxy(running, PREFIX) as port,
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of a public name, signed by nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PUBLIC)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(PUBLIC)]), critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path := tmp_path / "certificate.pem").write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


def test_everything_is_found_below_a_path(proxied: str, somebody: BrowserContext) -> None:
    tab = Tab(somebody.new_page())
    missing: list[str] = []
    tab.page.on("response", lambda response: missing.append(response.url) if response.status == 404 else None)
    tab.open(f"{proxied}{PREFIX}/")
    icon = tab.page.locator("#welcome img").first
    expect(icon).to_be_visible()
    expect(icon).to_have_js_property("complete", True)
    assert icon.evaluate("image => image.naturalWidth") > 0
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


def test_a_tunnel_gives_it_a_public_name_over_https(server: Server, visitor: Visitor, certificate: Path) -> None:
    """As ``share=True`` does, and a Space: the app knows neither its name nor that it is asked over HTTPS."""
    with proxy(server, certificate=certificate) as port:
        tab = visitor(f"https://{PUBLIC}:{port}/", ignore_https_errors=True)
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url))
        assert "image-2" in tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
        picture = tab.answers.last.locator("img")
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 100
        tab.open_run()
        link = tab.page.locator("#link a").get_attribute("href") or ""
        other = Tab.of(tab.page.context, f"https://{PUBLIC}:{port}/{link}")
        expect(other.box).to_have_value("Draw the edges of this photo.")
        assert {url.partition("//")[0] + url.split("/")[2] for url in asked} == {f"https:{PUBLIC}:{port}"}


def test_what_is_sent_while_the_stream_of_results_is_being_closed_is_answered(server: Server, somebody: BrowserContext) -> None:
    lags, tab = threading.Event(), Tab(somebody.new_page())
    with proxy(server, lags=lags) as port:
        tab.page.goto(f"http://127.0.0.1:{port}/")
        assert lags.wait(SECONDS)
        tab.page.get_by_role("button", name="Draw the edges of this photo.").click()
        expect(tab.requests).to_have_count(1)
        assert "image-2" in tab.finish()
    tab.page.close()
