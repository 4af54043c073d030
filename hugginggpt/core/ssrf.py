"""The address guard: it checks the IP addresses that this program connects to at a visitor's wish.

The check sits where the connection is made: the name is resolved once, every address it has is checked, and the
connection goes to one of those very addresses, so neither a redirect nor a name server that changes its mind (DNS
rebinding) gets round it. A host has one form here, that of browsers (`canonicalize_host`): what is checked, compared and
connected to is the same text.
"""

import asyncio
import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
import idna

_MAX_HOST_CHARS, _MAX_LABEL_CHARS = 253, 63  # DNS's own limits (RFC 1035)
_NAME = re.compile(r"[a-z0-9._-]+")  # names in a local network have underscores, too
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

_NEVER_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "2001::/32", "3fff::/20", "5f00::/16", "64:ff9b:1::/48", "fec0::/10"))
)
"""Networks that this Python's `is_global` still lets through: a cloud's metadata in the first, tunnels, documentation, routing
segments, and what was site-local."""

AddressPolicy = Callable[[str], bool]
"""Function that tells whether an IP address may be connected to."""


class RefusedError(Exception):
    """The guard refuses a host; a class of its own, to be told from a failed connection."""


def parse_url(text: str) -> httpx2.URL | None:
    """Return an http or https address with its host in the one form; None when it is none, or holds a name and password."""
    if not text.isprintable() or " " in text:  # urlsplit would drop line feeds and tabs, and read on
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and parts.port != 0
        if not usable or (host := canonicalize_host(parts.hostname or "")) is None:
            return None
        netloc = (f"[{host}]" if ":" in host else host) + ("" if parts.port is None else f":{parts.port}")
        return httpx2.URL(parts._replace(netloc=netloc).geturl())  # it would read an ideographic full stop in another way
    except (ValueError, httpx2.InvalidURL):  # UnicodeError is a ValueError
        return None


def canonicalize_host(host: str) -> str | None:
    """Return a host in the form in which it is looked up and compared: ASCII, as browsers map it (UTS 46, IDNA 2008).

    What ends in a number is an IPv4 address, in whatever spelling ("127.1", "0x7f000001", full-width digits). None for what
    no name server knows and looking up would break on.
    """
    if ":" in host:
        address, _, zone = host.partition("%")
        with suppress(ValueError):
            return ipaddress.IPv6Address(address).compressed + (f"%{zone}" if zone else "")
        return None
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):  # https://url.spec.whatwg.org/#ends-in-a-number-checker
        with suppress(OSError):
            return socket.inet_ntoa(socket.inet_aton(name.removesuffix(".")))
        return None
    resolvable = len(name) <= _MAX_HOST_CHARS and all(0 < len(label) <= _MAX_LABEL_CHARS for label in labels)
    return name if resolvable and _NAME.fullmatch(name) else None


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
    return _check_addresses(host, infos, allowed)


def resolve_blocking(host: str, port: int, allowed: AddressPolicy) -> list[str]:
    """Blocking `resolve`."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no host's name") from error
    return _check_addresses(host, infos, allowed)


def _check_addresses(host: str, infos: Iterable[Any], allowed: AddressPolicy) -> list[str]:
    addresses = [str(info[4][0]) for info in infos]
    if not addresses or not all(allowed(address) for address in addresses):  # one alone would do for a name server that lies
        raise RefusedError(host)
    return addresses


class GuardedBackend(httpcore2.NetworkBackend):
    """Backend for blocking clients: resolve a host, check its addresses, connect to one: no second lookup can differ."""

    def __init__(self, get_policy: Callable[[], AddressPolicy]) -> None:
        """Create a backend.

        Args:
            get_policy: Returns the policy for the visitor that this thread works for.
        """
        self._get_policy = get_policy
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to one of the addresses that were checked."""
        try:
            addresses = resolve_blocking(host, port, self._get_policy())
        except OSError as error:
            raise httpcore2.ConnectError(f"no address for {host}") from error
        for address in addresses[:-1]:
            with suppress(httpcore2.ConnectError):
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        """Refuse."""
        raise RefusedError("unix socket")


class _AsyncGuardedBackend(httpcore2.AsyncNetworkBackend):
    """Asynchronous `GuardedBackend`."""

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
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=_AsyncGuardedBackend(allowed))
