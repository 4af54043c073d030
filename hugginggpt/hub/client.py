"""huggingface_hub's clients, used on somebody's behalf: with that person's token alone, until a deadline, within bounds.

The library's own calls wait for ever, take the token of whoever runs this program where they are given none, and go on
polling after nobody waits any more. It lets a program give it its HTTP clients, though
(https://huggingface.co/docs/huggingface_hub/package_reference/utilities#configure-http-backend), and each request that
is made inside an `errand` is put right there, wherever in the library it comes from. Requests outside one are left alone.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx2

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.ssrf import AddressPolicy, GuardedTransport, RefusedError

HUB: Final = "https://huggingface.co"
ROUTER: Final = "https://router.huggingface.co"
_CONNECT_SECONDS: Final = 10.0
_TRIED_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_MAX_BYTES: Final = 512 * 2**20
_TRUSTED: Final = ("huggingface.co", "endpoints.huggingface.cloud")
"""Hosts, and those below them, that a visitor's own token may be shown to over TLS. Spaces are not among them: anybody's
code runs there."""
_OWN_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class HubAddresses:
    """Where the Hub and its router are; a mirror or a gateway may stand for them."""

    hub: str = HUB
    router: str = ROUTER

    def moved(self, url: httpx2.URL) -> httpx2.URL:
        """The address that stands for one of the Hub's or its router's own; any other as it is."""
        from huggingface_hub import constants

        for own, other in ((HUB, self.hub), (constants.ENDPOINT, self.hub), (ROUTER, self.router)):
            if own != other and _origin(url) == _origin(httpx2.URL(own)):
                there = httpx2.URL(other)
                path = there.raw_path.rstrip(b"/") + url.raw_path
                return url.copy_with(scheme=there.scheme, host=there.host, port=there.port, raw_path=path)
        return url


@dataclass(frozen=True, slots=True)
class HubContext:
    """On whose behalf, and until when."""

    token: str = field(repr=False)
    """The visitor's own; empty for none, and then none is sent."""
    ends: float
    """By `time.monotonic`."""
    places: HubAddresses = field(default_factory=HubAddresses)
    check: Callable[[], None] = lambda: None
    """Raises a StoppedError when nobody waits any more."""
    allowed: AddressPolicy | None = None
    """Which IP addresses a dedicated endpoint may have; None: any, and then the environment's proxies are used too."""
    max_bytes: int = _MAX_BYTES
    """The largest reply."""

    def trusts(self, url: httpx2.URL) -> bool:
        """Whether the token may be shown there: to the Hub and its router wherever they stand, to what Hugging Face runs."""
        if _origin(url) in {_origin(httpx2.URL(place)) for place in (self.places.hub, self.places.router)}:
            return True
        if url.host in _OWN_MACHINE:
            return self.allowed is None
        return url.scheme == "https" and any(url.host == host or url.host.endswith(f".{host}") for host in _TRUSTED)

    @property
    def left(self) -> float:
        """Seconds until its deadline."""
        return self.ends - time.monotonic()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


_ERRAND: Final[ContextVar[HubContext | None]] = ContextVar("errand", default=None)


@contextmanager
def hub_context(errand: HubContext) -> Iterator[None]:
    """Have what the library does in this context, and in threads that it starts with it, done on this errand."""
    install()
    token = _ERRAND.set(errand)
    try:
        yield
    finally:
        _ERRAND.reset(token)


_INSTALLING: Final = threading.Lock()
_installed = False


def install() -> None:
    """Give the library our clients, once: doing so closes the connections that are open."""
    global _installed  # noqa: PLW0603 (so is what is set in the library)
    from huggingface_hub import set_async_client_factory, set_client_factory

    with _INSTALLING:
        if not _installed:
            set_client_factory(_client)
            set_async_client_factory(_async_client)
            logging.getLogger("httpx2").addFilter(_without_query)
            _installed = True


def _without_query(record: logging.LogRecord) -> bool:
    """Take the queries out of the addresses that httpx logs: an endpoint's may hold a secret."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


class FailedAtOnceError(Exception):
    """Holds, as its cause, what the library would try five times, with pauses of up to eight seconds."""


class _Client(httpx2.Client):
    """On an errand a failure is told at once: whoever is waiting decides whether to try again, and says so."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        errand = _ERRAND.get()
        try:
            response = super().send(request, **options)
            if errand is not None and response.status_code in _TRIED_AGAIN:
                response.read()
                response.raise_for_status()
        except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
            if errand is None:
                raise
            raise FailedAtOnceError from error
        return response


def _client() -> httpx2.Client:
    from huggingface_hub.utils._http import hf_request_event_hook

    hooks: dict[str, list[Any]] = {"request": [hf_request_event_hook, _put_right], "response": [_bound]}
    return _Client(follow_redirects=True, timeout=None, event_hooks=hooks, cookies=_no_cookies())


def _async_client() -> httpx2.AsyncClient:
    errand = _ERRAND.get()
    guarded: dict[str, Any] = {}
    if errand is not None and errand.allowed is not None:
        guarded = {"transport": GuardedTransport(errand.allowed), "trust_env": False}
    from huggingface_hub.utils._http import async_hf_request_event_hook

    hooks: dict[str, list[Any]] = {
        "request": [async_hf_request_event_hook, _put_right_async],
        "response": [_bound_async],
    }
    return httpx2.AsyncClient(
        follow_redirects=errand is None, timeout=None, event_hooks=hooks, cookies=_no_cookies(), **guarded
    )


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: one client serves all visitors."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _put_right(request: httpx2.Request) -> None:
    errand = _ERRAND.get()
    if errand is None:
        return
    _look(errand, request)
    if (url := errand.places.moved(request.url)) != request.url:
        request.url = url
        request.headers["Host"] = url.netloc.decode("ascii")
    seconds = max(errand.left, 0.001)
    request.extensions["timeout"] = {
        "connect": min(seconds, _CONNECT_SECONDS), "read": seconds, "write": seconds, "pool": seconds,
    }  # fmt: skip
    own, shown = f"Bearer {errand.token}", request.headers.get("Authorization")
    hub = httpx2.URL(errand.places.hub)
    asks_hub = _origin(request.url) == _origin(hub) and request.url.path.startswith(f"{hub.path.rstrip('/')}/api/")
    if errand.token and errand.trusts(request.url) and (shown == own or asks_hub):
        request.headers["Authorization"] = own
    else:
        request.headers.pop("Authorization", None)
    if errand.allowed is not None and not errand.trusts(request.url):
        _check_address(request.url, errand.allowed)


def _check_address(url: httpx2.URL, allowed: AddressPolicy) -> None:
    """Refuse what leads inside: the addresses of results come from providers, and redirects from anybody."""
    try:
        found = socket.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return  # connecting says what is wrong
    if not all(allowed(str(entry[4][0])) for entry in found):
        raise RefusedError(url.host)


async def _put_right_async(request: httpx2.Request) -> None:
    _put_right(request)


def _look(errand: HubContext, request: httpx2.Request | None = None) -> None:
    errand.check()
    if errand.left <= 0:
        raise httpx2.ReadTimeout("the errand's deadline has passed", request=request)


def _bound(response: httpx2.Response) -> None:
    if (errand := _ERRAND.get()) is not None and isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _BoundStream(response.stream, errand)


async def _bound_async(response: httpx2.Response) -> None:
    if (errand := _ERRAND.get()) is not None and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundAsyncStream(response.stream, errand)
    if response.is_error:  # whoever raises for the status wants to read why
        await response.aread()


class _Meter:
    """Looks, with every piece of a body, whether it is still wanted, in time and not too large."""

    def __init__(self, errand: HubContext) -> None:
        self._errand = errand
        self._bytes = 0

    def count(self, piece: bytes) -> bytes:
        _look(self._errand)
        self._bytes += len(piece)
        if self._bytes > self._errand.max_bytes:
            raise ExpertError(f"The reply is larger than {self._errand.max_bytes / 2**20:.0f} MB, so it is not taken.")
        return piece


class _BoundStream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, errand: HubContext) -> None:
        self._stream, self._meter = stream, _Meter(errand)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            yield self._meter.count(piece)

    def close(self) -> None:
        self._stream.close()


class _BoundAsyncStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, errand: HubContext) -> None:
        self._stream, self._meter = stream, _Meter(errand)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield self._meter.count(piece)

    async def aclose(self) -> None:
        await self._stream.aclose()
