"""The fetch guard: the only way in which a URL becomes a file.

http and https only; public addresses only. The check sits where the connection is made: the name is resolved
once, every address it has is checked, and the connection goes to that very address, so neither a redirect nor a
name server that changes its mind (DNS rebinding) gets round it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from hugginggpt.errors import ResourceError

AddressPolicy = Callable[[str], bool]

_CHUNK = 64 * 1024
_MAX_REDIRECTS = 5


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet (not loopback, private, link-local, metadata, multicast...)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip.sixtofour:
            ip = ip.sixtofour
        elif ip in ipaddress.ip_network("64:ff9b::/96"):  # NAT64: the IPv4 address is in the last 32 bits
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class _RefusedError(Exception):
    """The guard's own no, told apart from a failed connection."""


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects in one place."""

    def __init__(self, allowed: AddressPolicy) -> None:
        self._allowed = allowed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no address for {host}") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise _RefusedError(host)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError):
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise _RefusedError("unix socket")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over the guarded backend; environment proxies are not used."""

    def __init__(self, allowed: AddressPolicy) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=_GuardedBackend(allowed)
        )


async def fetch(url: str, target: Path, *, max_bytes: int, seconds: float, allowed: AddressPolicy = is_public) -> None:
    """Download `url` into the file `target`.

    Args:
        url: An http or https URL.
        target: Where the body goes; removed again when the download fails.
        max_bytes: Largest body, in bytes; counted as it arrives, whatever Content-Length says.
        seconds: Time for everything: resolving, redirects, the body.
        allowed: Which IP addresses may be connected to.

    Raises:
        ResourceError: With one sentence that says why there is no file.
    """
    shown = _shown(url)
    if _scheme(url) not in {"http", "https"}:
        raise ResourceError(f"{shown} was not fetched: only http and https addresses are.")
    try:
        async with asyncio.timeout(seconds):
            await _download(url, target, shown, max_bytes, allowed)
    except TimeoutError as error:
        target.unlink(missing_ok=True)
        raise ResourceError(f"{shown} took longer than {seconds:g} s: download it and attach the file.") from error
    except _RefusedError as error:
        raise ResourceError(f"{shown} was not fetched: it leads to a private or reserved address.") from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        target.unlink(missing_ok=True)
        raise ResourceError(f"{shown} could not be fetched: {_reason(error)}.") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


async def _download(url: str, target: Path, shown: str, max_bytes: int, allowed: AddressPolicy) -> None:
    too_large = ResourceError(f"{shown} is larger than {max_bytes / 2**20:.3g} MB: attach a smaller file.")
    client = httpx.AsyncClient(
        transport=_GuardedTransport(allowed),
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
        timeout=None,
        trust_env=False,
    )
    async with client, client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != httpx.codes.OK:
            raise ResourceError(f"{shown} could not be fetched: the server answered {response.status_code}.")
        if int(response.headers.get("Content-Length") or 0) > max_bytes:
            raise too_large
        received = 0
        with target.open("wb") as file:
            async for chunk in response.aiter_raw(_CHUNK):
                received += len(chunk)
                if received > max_bytes:
                    raise too_large
                file.write(chunk)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:  # "http://[": half an IPv6 address
        return ""


def _shown(url: str) -> str:
    """The URL as messages show it: without user, password and query, which may be secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "This address"
    if parts.scheme.lower() not in {"http", "https"}:
        return f"A {parts.scheme}: address"
    return f"{parts.scheme}://{host}{parts.path}"[:120]


def _reason(error: Exception) -> str:
    match error:
        case httpx.TooManyRedirects():
            return "it redirects too often"
        case httpx.ConnectError():
            return "there is no connection to that host"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return "it is not a valid http or https address"
        case _:
            return "the connection broke off"
