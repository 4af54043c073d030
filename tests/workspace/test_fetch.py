"""The fetch guard, against a real web server on loopback."""

import asyncio
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.core.errors import ResourceError
from hugginggpt.workspace.fetch import fetch, is_public
from tests.conftest import WebServer, serving

PRIVATE = """
    127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
    192.0.2.1 240.0.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1
    ::ffff:169.254.169.254 2002:7f00:1:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2001:db8::1 192.0.0.192 fec0::1
    3fff::1 5f00::1 64:ff9b:1::a00:1 2001:0:7f00:1::1
"""


def only_first_loopback(address: str) -> bool:
    """127.0.0.1 plays the public internet, every other address keeps its part."""
    return address == "127.0.0.1"


@pytest.fixture
def neighbour(web: WebServer) -> Iterator[WebServer]:
    """A second server on the same port of another address, which the policy does not allow."""
    yield from serving(WebServer(("127.0.0.2", web.port)))


async def get(url: str, folder: Path, *, max_bytes: int = 100_000, seconds: float = 2.0, allowed: Any = None) -> bytes:
    target = folder / "body"
    try:
        await fetch(url, target, max_bytes=max_bytes, seconds=seconds, allowed=allowed or only_first_loopback)
    except ResourceError as error:
        message = str(error)
        assert not target.exists()
        assert message.endswith(".")
        assert ". " not in message
        raise
    return target.read_bytes()


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_of_the_public_internet_is_no(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_an_address_of_the_public_internet_is_yes(address: str) -> None:
    assert is_public(address)


async def test_a_page_is_fetched(web: WebServer, tmp_path: Path) -> None:
    assert await get(web.serve("/a.txt", b"hello"), tmp_path) == b"hello"


async def test_a_redirect_is_followed(web: WebServer, tmp_path: Path) -> None:
    web.serve("/new", b"moved")
    assert await get(web.serve("/old", status=302, Location="/new"), tmp_path) == b"moved"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0/",
        "https://10.0.0.1/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://ⓛocalhost/",
    ],
)
async def test_a_private_address_in_any_spelling_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="private or reserved"):
        await get(url, tmp_path, allowed=is_public)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/a", "data:text/plain,hi", "gopher://x/", "//host/a", "", "http://["]
)
async def test_what_is_no_web_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="only http and https"):
        await get(url, tmp_path)


@pytest.mark.parametrize("url", ["http://", "http://\0/", "http://a b/", "http://" + "a" * 300 + ".com/", "http://x:99999/"])
async def test_a_malformed_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        await get(url, tmp_path)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.2:{port}/secret", "private or reserved"),
        ("//127.0.0.2:{port}/secret", "private or reserved"),
        ("http://169.254.169.254/latest/", "private or reserved"),
        ("http://[::1]:{port}/secret", "private or reserved"),
        ("file:///etc/passwd", "not a valid http"),
        ("/loop", "redirects too often"),
        ("http://[", "fetched"),
        ("http://\x7f/", "fetched"),
    ],
)
async def test_a_redirect_that_leads_astray_is_refused(
    location: str, reason: str, web: WebServer, neighbour: WebServer, tmp_path: Path
) -> None:
    neighbour.serve("/secret", b"secret")
    url = web.serve("/loop", status=302, Location=location.format(port=web.port))
    with pytest.raises(ResourceError, match=reason):
        await get(url, tmp_path)
    assert neighbour.asked == []


class NameServer:
    """Stands in for the world's name servers: each question gets the next answer, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host.replace(".", "").isdecimal():  # an address needs no name server
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


async def test_the_address_that_was_checked_is_the_one_connected_to(
    web: WebServer, neighbour: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = NameServer(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    web.serve("/a", b"checked")
    neighbour.serve("/a", b"rebound")
    assert await get(web.url("/a", "rebinding.test"), tmp_path) == b"checked"
    assert names.asked == ["rebinding.test"]
    assert neighbour.asked == []


async def test_a_name_that_changes_its_address_between_redirects_is_checked_again(
    web: WebServer, neighbour: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameServer(["127.0.0.1"], ["127.0.0.2"]))
    web.serve("/a", status=302, Location="/b", Connection="close")
    neighbour.serve("/b", b"rebound")
    with pytest.raises(ResourceError, match="private or reserved"):
        await get(web.url("/a", "rebinding.test"), tmp_path)
    assert neighbour.asked == []


async def test_a_name_with_one_private_address_among_others_is_refused(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameServer(["127.0.0.1", "127.0.0.2"]))
    with pytest.raises(ResourceError, match="private or reserved"):
        await get(web.url("/a", "mixed.test"), tmp_path)
    assert web.asked == []


async def test_when_a_hosts_first_address_is_down_the_next_is_taken(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameServer(["127.0.0.3", "127.0.0.1"]))
    web.serve("/a", b"second")
    assert await get(web.url("/a", "two.test"), tmp_path, allowed=lambda _: True) == b"second"


async def test_proxies_of_the_environment_are_not_used(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.2:9")
    assert await get(web.serve("/a", b"direct"), tmp_path) == b"direct"


async def test_a_server_that_drips_is_given_up_on(web: WebServer, tmp_path: Path) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b".")
            time.sleep(0.05)

    web.pages["/drip"] = drip
    begun = time.monotonic()
    with pytest.raises(ResourceError, match=r"longer than 0\.3 s"):
        await get(web.url("/drip"), tmp_path, seconds=0.3)
    assert time.monotonic() - begun < 10  # all of it takes twenty


async def test_a_host_that_accepts_and_says_nothing_is_given_up_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ResourceError, match="longer than"):
        await get(f"http://127.0.0.1:{silent.getsockname()[1]}/", tmp_path, seconds=0.2)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_server_that_sends_gigabytes_is_cut_off(announced: bool, web: WebServer, tmp_path: Path) -> None:
    sent = 0

    def pour(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(2 * 2**30))
        handler.end_headers()
        while sent < 2**30:
            sent += handler.wfile.write(bytes(2**16))

    web.pages["/huge"] = pour
    with pytest.raises(ResourceError, match="larger than"):
        await get(web.url("/huge"), tmp_path, seconds=5)
    await asyncio.sleep(0.05)
    assert sent < 50 * 2**20


async def test_a_body_that_is_longer_than_announced_is_not_believed(web: WebServer, tmp_path: Path) -> None:
    assert await get(web.serve("/a", b"0123456789", Content_Length="4"), tmp_path) == b"0123"


async def test_a_body_that_breaks_off_is_refused(web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="broke off"):
        await get(web.serve("/a", b"half", Content_Length="8"), tmp_path)


async def test_a_packed_body_is_not_unpacked(web: WebServer, tmp_path: Path) -> None:
    assert await get(web.serve("/a", b"\x1f\x8b packed", Content_Encoding="gzip"), tmp_path) == b"\x1f\x8b packed"


@pytest.mark.parametrize("status", [204, 403, 404, 500])
async def test_an_answer_that_is_no_page_is_told(status: int, web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=str(status)):
        await get(web.serve("/a", status=status), tmp_path)


async def test_what_does_not_speak_http_is_refused(tmp_path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ResourceError, match="broke off"):
            await get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", tmp_path)


async def test_no_server_there_is_told(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ResourceError, match="no connection"):
            await get(f"http://127.0.0.1:{unused.getsockname()[1]}/", tmp_path)


async def test_a_message_never_shows_the_secrets_of_an_address(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as refusal:
        await get("http://user:secret@127.0.0.1:1/a?token=secret", tmp_path, allowed=is_public)
    assert "secret" not in str(refusal.value)
