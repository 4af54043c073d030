"""The address guard: which IP addresses this program may connect to on somebody else's behalf.

The check sits where the connection is made: the name is resolved once, every address it has is checked, and the
connection goes to one of those very addresses, so neither a redirect nor a name server that changes its mind (DNS
rebinding) gets round it.
"""

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

_MAX_HOST_CHARS, _MAX_LABEL_CHARS = 253, 63  # DNS's own limits (RFC 1035)

_NEVER_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "2001::/32", "3fff::/20", "5f00::/16", "64:ff9b:1::/48", "fec0::/10"))
)
"""Networks that this Python's `is_global` still lets through: a cloud's metadata in the first, tunnels, documentation, routing
segments, and what was site-local."""

AddressPolicy = Callable[[str], bool]
"""Says of an IP address whether it may be connected to."""


class RefusedError(Exception):
    """The guard's own no, told apart from a failed connection; names the host."""


def parse_url(text: str) -> httpx2.URL | None:
    """Return an http or https address as the client reads it; None when it is none, or holds a user's name and password."""
    if not text.isprintable() or " " in text:  # urlsplit would drop line feeds and tabs, and read on
        return None
    try:
        parts, url = urlsplit(text), httpx2.URL(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and parts.port != 0
        labels = url.raw_host.decode("ascii").removesuffix(".").split(".")
    except (ValueError, httpx2.InvalidURL):  # UnicodeError is a ValueError
        return None
    # names that no name server knows, on which looking them up breaks
    resolvable = len(url.raw_host) <= _MAX_HOST_CHARS and all(0 < len(label) <= _MAX_LABEL_CHARS for label in labels)
    return url if usable and resolvable else None


def is_public(address: str) -> bool:
    """Return whether an IP address lies in the public internet (not loopback, private, link-local, metadata, multicast...)."""
    ip = ipaddress.ip_address(address.partition("%")[0])  # without an IPv6 zone, "fe80::1%eth0"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:  # the IPv4 addresses inside IPv6 ones count: ::ffff:127.0.0.1 is loopback
            ip = ip.ipv4_mapped
        elif ip.sixtofour:
            ip = ip.sixtofour
        elif ip in ipaddress.ip_network("64:ff9b::/96"):  # NAT64: the IPv4 address is in the last 32 bits
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if any(ip in network for network in _NEVER_PUBLIC):  # of another version: False
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)  # multicast is global to Python, too


async def resolve(host: str, port: int, allowed: AddressPolicy) -> list[str]:
    """Return the addresses of a host, all of them allowed.

    Raises:
        OSError: It has no address.
        RefusedError: One of its addresses is not allowed.
    """
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)  # each address once
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host} is no host's name") from error
    addresses = [str(info[4][0]) for info in infos]
    if not addresses or not all(allowed(address) for address in addresses):
        raise RefusedError(host)
    return addresses


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves, checks and connects in one place."""

    def __init__(self, allowed: AddressPolicy) -> None:
        self._allowed = allowed
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await resolve(host, port, self._allowed)  # TLS still checks the certificate by the name
        except OSError as error:
            raise httpcore2.ConnectError(f"no address for {host}") from error
        for address in addresses[:-1]:  # the last one's failure is the caller's
            with suppress(httpcore2.ConnectError):
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        raise RefusedError("unix socket")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


@functools.cache
def load_certificates(*, trust_env: bool) -> ssl.SSLContext:
    """Return the context that checks servers' certificates, read once: reading takes longer than a request on loopback.

    Args:
        trust_env: Whether the environment may name other certificates.
    """
    return httpx2.create_ssl_context(trust_env=trust_env)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx's own transport over the guarded backend; environment proxies are not used."""

    def __init__(self, allowed: AddressPolicy) -> None:
        """Set up a transport that connects to allowed addresses alone."""
        context = load_certificates(trust_env=False)
        super().__init__(verify=context, trust_env=False)  # a proxy would connect past the guard
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=_GuardedBackend(allowed))
