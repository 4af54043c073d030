"""HTTP clients for huggingface_hub that use one visitor's token alone, keep a deadline and bound each reply.

The library's own calls wait for ever, take the token of whoever runs this program where they are given none, and go on
polling after nobody waits any more. It lets a program give it its HTTP clients, though
(https://huggingface.co/docs/huggingface_hub/package_reference/utilities#configure-http-backend): they correct each request
made inside `use_hub_context`, wherever in the library it comes from. Requests outside one are left alone.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2
import httpx2

from hugginggpt.core.bounded_body import ENCODINGS, bind_body
from hugginggpt.core.refusals import RefusedReplyError
from hugginggpt.core.ssrf import AddressPolicy, GuardedBackend, GuardedTransport, is_public, load_certificates
from hugginggpt.hub.deadline import DeadlineBackend, check_limit

HUB_URL: Final = "https://huggingface.co"
ROUTER_URL: Final = "https://router.huggingface.co"
ENDPOINTS_URL: Final = "https://api.endpoints.huggingface.cloud"
"""Service that lists the dedicated endpoints of an account."""
_CONNECT_SECONDS: Final = 10.0
_RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})  # as in the library's `http_backoff`
_HEADERS: Final = {"Accept-Encoding": ENCODINGS}
_MAX_BYTES: Final = 512 * 2**20
_TRUSTED_HOST: Final = "huggingface.co"
"""Host that a visitor's token may be sent to over TLS, and those below it. Spaces (hf.space) are not: anybody's code runs
there."""
_ENDPOINT_HOSTS: Final = ".endpoints.huggingface.cloud"
"""End of the names of dedicated endpoints: anybody's code runs there, too, so each takes a decision of its own."""
_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class HubAddresses:
    """Base URLs of the Hub and its router, or of the mirror and the gateway that stand in for them."""

    hub: str = HUB_URL
    router: str = ROUTER_URL
    endpoints: str = ENDPOINTS_URL

    def map_url(self, url: httpx2.URL) -> httpx2.URL:
        """Return the URL to call in place of one at the Hub or its router; any other URL unchanged."""
        from huggingface_hub import constants

        for original, replacement in (
            (HUB_URL, self.hub),
            (constants.ENDPOINT, self.hub),
            (ROUTER_URL, self.router),
            (ENDPOINTS_URL, self.endpoints),
        ):
            if original != replacement and _get_origin(url) == _get_origin(httpx2.URL(original)):
                target = httpx2.URL(replacement)
                path = target.raw_path.rstrip(b"/") + url.raw_path  # raw: with the query, and escaped as it was
                return url.copy_with(scheme=target.scheme, host=target.host, port=target.port, raw_path=path)
        return url

    def covers(self, url: httpx2.URL) -> bool:
        """Return whether a URL is at one of them."""
        return any(_get_origin(url) == _get_origin(httpx2.URL(base)) for base in (self.hub, self.router, self.endpoints))


@dataclass(frozen=True, slots=True)
class HubContext:
    """Token, deadline and limits of the calls made for one visitor."""

    token: str = field(repr=False)
    """The visitor's own; empty for none, and then none is sent."""
    deadline: float
    """Deadline, by `time.monotonic`."""
    addresses: HubAddresses = field(default_factory=HubAddresses)
    check: Callable[[], None] = lambda: None
    """Hook that raises a StoppedError once the call is cancelled."""
    allowed: AddressPolicy | None = None
    """IP addresses that a dedicated endpoint may have; None: any, and then the environment's proxies are used too."""
    router_is_ours: bool = False
    """True if the router that the owner has set may have any IP address: where no visitor has named what is called."""
    max_bytes: int = _MAX_BYTES
    """Largest reply that is read."""
    endpoint: str = ""
    """Dedicated endpoint that may have the token, by its URL; empty for none."""
    check_reply: Callable[[httpx2.Response], None] | None = None
    """Hook that raises where a reply, which it finds read, says that there will be no result; see `hub.replies`."""

    def may_send_token(self, url: httpx2.URL) -> bool:
        """Return whether the token may be sent to a URL: to Hugging Face's own hosts, and to the endpoint that may have it."""
        if self.addresses.covers(url):
            return True
        if self.endpoint and _get_origin(url) == _get_origin(httpx2.URL(self.endpoint)):
            return may_take_token(url, self.allowed)
        return url.scheme == "https" and (url.host == _TRUSTED_HOST or url.host.endswith(f".{_TRUSTED_HOST}"))

    def checks_address(self, url: httpx2.URL) -> bool:
        """Return whether the address behind a URL is checked: of all but those that the deployment has named."""
        return self.allowed is not None and not self.addresses.covers(url)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()


def may_take_token(url: httpx2.URL, allowed: AddressPolicy | None) -> bool:
    """Return whether an endpoint may be sent a token at all: one of Hugging Face over TLS, or at home on this machine."""
    if url.host in _LOOPBACK_HOSTS:
        return allowed is None  # no policy: the app runs for its owner alone
    return url.scheme == "https" and url.host.endswith(_ENDPOINT_HOSTS)


def _get_origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


_CONTEXT: Final[ContextVar[HubContext | None]] = ContextVar("hub_context", default=None)


@contextmanager
def use_hub_context(context: HubContext) -> Iterator[None]:
    """Apply a context to the library's calls in this thread or task, and in threads that it starts with a copy of it."""
    install_http_clients()
    previous = _CONTEXT.set(context)
    try:
        yield
    finally:
        _CONTEXT.reset(previous)


_INSTALLING: Final = threading.Lock()
_installed = False


def install_http_clients() -> None:
    """Register our clients with the library, once: registering closes the open connections."""
    global _installed  # noqa: PLW0603 (so is what is set in the library)
    from huggingface_hub import set_async_client_factory, set_client_factory

    with _INSTALLING:
        if not _installed:
            set_client_factory(_build_client)
            set_async_client_factory(_build_async_client)
            logging.getLogger("httpx2").addFilter(_strip_queries)
            _installed = True


def _strip_queries(record: logging.LogRecord) -> bool:
    """Strip the queries from the URLs that httpx logs: an endpoint's may hold a secret."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


class FailedAtOnceError(Exception):
    """Wrapper of a failure, its cause, which the library would retry five times, with pauses of up to eight seconds."""


class _Client(httpx2.Client):
    """Client that, inside a context, raises a failure at once: the caller decides whether to retry, and shows it.

    It serves all visitors, so which address may be connected to, and until when, is looked up as it connects, reads and writes.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for transport in (self._transport, *self._mounts.values()):  # those for the environment's proxies, too
            if isinstance(transport, httpx2.HTTPTransport):
                transport._pool._network_backend = DeadlineBackend(transport._pool._network_backend, _check_time)
        self._guarded = httpx2.HTTPTransport(trust_env=False)  # a proxy would connect past the guard
        self._guarded._pool = httpcore2.ConnectionPool(
            ssl_context=load_certificates(trust_env=False),
            max_keepalive_connections=0,  # a connection is used under the policy that it was checked by
            network_backend=DeadlineBackend(GuardedBackend(_get_policy), _check_time),
        )

    def _transport_for_url(self, url: httpx2.URL) -> httpx2.BaseTransport:  # asked for each redirect anew
        context = _CONTEXT.get()
        return self._guarded if context is not None and context.checks_address(url) else super()._transport_for_url(url)

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        context = _CONTEXT.get()
        try:
            response = super().send(request, **options)
            if context is not None and response.status_code in _RETRIED_STATUSES:
                response.read()  # the sentence for the failure is read out of its body
                response.raise_for_status()
        except (httpx2.TransportError, httpx2.HTTPStatusError, RefusedReplyError) as error:
            if context is None:
                raise
            raise FailedAtOnceError from error
        return response


def _build_client() -> httpx2.Client:  # one serves the whole process: hooks look up whose request it is
    from huggingface_hub.utils._http import hf_request_event_hook

    hooks: dict[str, list[Any]] = {"request": [hf_request_event_hook, _prepare_request], "response": [_bound_response]}
    return _Client(follow_redirects=True, timeout=None, event_hooks=hooks, headers=_HEADERS, cookies=_build_empty_cookie_jar())


def _build_async_client() -> httpx2.AsyncClient:
    context = _CONTEXT.get()  # the library makes one for each of its clients, so this may be one visitor's
    options: dict[str, Any] = {"verify": load_certificates(trust_env=True)}
    if context is not None and context.allowed is not None:
        # what visitors name is checked, whatever the deployment has named
        options = {"transport": GuardedTransport(context.allowed), "trust_env": False}  # proxies would lead past the guard
        if context.router_is_ours and context.addresses.router != ROUTER_URL:  # a gateway in the owner's own network
            parts = urlsplit(context.addresses.router)
            transport = httpx2.AsyncHTTPTransport(verify=load_certificates(trust_env=False), trust_env=False)
            options["mounts"] = {f"{parts.scheme}://{parts.netloc}": transport}
    from huggingface_hub.utils._http import async_hf_request_event_hook

    hooks: dict[str, list[Any]] = {
        "request": [async_hf_request_event_hook, _prepare_request_async],
        "response": [_bound_response_async],
    }
    return httpx2.AsyncClient(
        follow_redirects=context is None,
        timeout=None,
        event_hooks=hooks,
        headers=_HEADERS,
        cookies=_build_empty_cookie_jar(),
        **options,
    )


def _build_empty_cookie_jar() -> CookieJar:
    """Build a jar that stores nothing: one client serves all visitors."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _prepare_request(request: httpx2.Request) -> None:
    context = _CONTEXT.get()
    if context is None:
        return
    _check_deadline(context, request)
    if (url := context.addresses.map_url(request.url)) != request.url:
        request.url = url
        request.headers["Host"] = url.netloc.decode("ascii")  # it was set for the old URL
    seconds = max(context.seconds_left, 0.001)  # httpx knows no deadline: each phase gets what is left
    request.extensions["timeout"] = {
        "connect": min(seconds, _CONNECT_SECONDS), "read": seconds, "write": seconds, "pool": seconds,
    }  # fmt: skip
    own_header, sent_header = f"Bearer {context.token}", request.headers.get("Authorization")
    hub = httpx2.URL(context.addresses.hub)
    asks_hub = _get_origin(request.url) == _get_origin(hub) and request.url.path.startswith(f"{hub.path.rstrip('/')}/api/")
    if context.token and context.may_send_token(request.url) and (sent_header == own_header or asks_hub):
        request.headers["Authorization"] = own_header
    else:
        request.headers.pop("Authorization", None)  # it may be that of whoever runs this program


async def _prepare_request_async(request: httpx2.Request) -> None:
    _prepare_request(request)


def _get_policy() -> AddressPolicy:
    context = _CONTEXT.get()
    return (context and context.allowed) or is_public  # the strict one, should a connection be made outside a context


def _check_time() -> float | None:
    """Return the seconds that this thread's call has left; None where it has no deadline."""
    context = _CONTEXT.get()
    if context is None:
        return check_limit()
    context.check()
    return context.seconds_left


def _check_deadline(context: HubContext, request: httpx2.Request | None = None) -> None:
    context.check()
    if context.seconds_left <= 0:
        raise httpx2.ReadTimeout("the errand's deadline has passed", request=request)


def _bound_response(response: httpx2.Response) -> None:
    if (context := _CONTEXT.get()) is not None:
        bind_body(response, context.max_bytes, check=partial(_check_deadline, context))  # one that drips never times out
        if context.check_reply:
            response.read()
            context.check_reply(response)


async def _bound_response_async(response: httpx2.Response) -> None:
    if (context := _CONTEXT.get()) is not None:
        bind_body(response, context.max_bytes, check=partial(_check_deadline, context))
    if response.is_error or (context and context.check_reply):  # raise_for_status doesn't read the body, where the reason is
        await response.aread()
    if context and context.check_reply:
        context.check_reply(response)
