"""Addresses inside, in every spelling: none of them is connected to."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import closing
from typing import Final

from benchmarks.attacks.attack import Attack, Target
from hugginggpt.workspace.fetch import fetch

HOSTS: Final = (  # spellings of addresses inside
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0",
    "0.0.0.0",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]",
    "localhost", "LOCALHOST", "localhost.", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1%00.example.com", "ｌｏｃａｌｈｏｓｔ",
    "10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.192", "198.18.0.1", "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[3fff::1]", "[ff02::1]", "[2001::1]", "[2001:db8::1]",
    "[5f00::1]",
)  # fmt: skip
SCHEMES: Final = (
    "http://",
    "https://",
    "HTTP://",
    "http:///",
    "http:",
    "http:/",
    "http:\\\\",
    "//",
    "ftp://",
    "file://",
    "gopher://",
    "",
)
USERS: Final = ("", "", "", "user@", "user:word@", "example.org@", "example.org:80@", "@", "a%40b@")
PATHS: Final = (
    "",
    "/",
    "/a.png",
    "/?u=http://example.org",
    "#@example.org/",
    "/..%2f",
    "\\@example.org",
    "?",
    "/\r\nHost: x",
    "/%0d%0a",
)


def make_attack(target: Target) -> Attack:
    """Return the attack on the fetch guard; a server on loopback tells whether anybody has come."""
    server = target.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    server.setblocking(False)
    port = server.getsockname()[1]

    def check(address: str) -> None:
        url = address.replace("PORT", str(port))
        file = target.folder / "fetched"
        try:
            asyncio.run(fetch(url, file, max_bytes=1_000, seconds=5))
        finally:
            assert not file.exists(), "something was fetched"
            assert not _has_visitor(server), "the server inside was reached"
        raise AssertionError("an address inside was not refused")

    seeds = [f"http://{host}:PORT/a.png" for host in HOSTS] + [f"{scheme}127.0.0.1:PORT/" for scheme in SCHEMES[3:]]
    return Attack("addresses", seeds, vary, check)


def vary(chance: random.Random) -> str:
    """Return a further address inside."""
    host = chance.choice(HOSTS) if chance.random() < 0.6 else _spell(chance)
    port = chance.choice((":PORT", "", ":80", ":", ":0", ":99999", ":PORT:80", ":-1"))
    return chance.choice(SCHEMES) + chance.choice(USERS) + host + port + chance.choice(PATHS)


def _spell(chance: random.Random) -> str:
    """Return a private IPv4 address in a random spelling."""
    first = chance.choice(("127", "10", "192.168", "172.16", "169.254", "100.64", "0"))
    numbers = [*map(int, first.split(".")), *(chance.randrange(256) for _ in range(3 - first.count(".")))]
    value = int.from_bytes(bytes(numbers))
    if chance.random() < 0.5:
        mapped = f"{value >> 16:x}:{value & 0xFFFF:x}"
        return chance.choice(
            (f"[::ffff:{mapped}]", f"[64:ff9b::{mapped}]", f"[2002:{mapped}::1]", str(value), hex(value), f"0{value:o}")
        )
    spell = chance.choice((str, hex, lambda number: f"0{number:o}"))
    return ".".join(spell(number) if chance.random() < 0.7 else str(number) for number in numbers)


def _has_visitor(server: socket.socket) -> bool:
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    with closing(connection):
        return True
