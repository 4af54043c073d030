"""Request guard: the names the page answers to, origins whose sign-in counts, and what Gradio must not fetch.

Gradio fetches addresses on its own in two places, before any handler runs: its file routes (``/gradio_api/file=https://…``
and an older ``/file/https://…`` send the body on under this page's origin), and file objects in an event's data
(``{"path": "https://…"}``). Both would go round `core.ssrf`, so both are refused here; the API's own parameters take addresses,
and fetch them through that guard.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import re
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gradio.route_utils import FnIndexInferError

from hugginggpt.core.json_text import JsonError, TooManyValuesError, parse_json
from hugginggpt.ui.uploads import UPLOAD_PATH

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MAX_JSON_BYTES: Final = 8 * 2**20
"""Largest JSON body, in bytes; files are uploaded by a route of their own."""
_REMOTE_FILE: Final = re.compile(r"/(?:proxy=|file[=/]\s*[a-z][a-z0-9+.-]+:)", re.IGNORECASE)  # "C:" is no scheme
_ADDRESS: Final = re.compile(r"\s*[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_MONITORING: Final = re.compile(r"/monitoring(?:/|$)")
MAX_FORM_BYTES: Final = 2**16
"""Largest body of a route that takes neither JSON nor uploads, in bytes: a sign-in's form."""
_MAX_MCP_VALUES: Final = 500
"""MCP's bodies are checked against schemas on the event loop, half a millisecond for each value."""
_MAX_VALUES: Final = 50_000
"""Values of any other body: a plan of 2,000 tasks, as it is approved, has some 20,000."""
_JSON_PATH: Final = re.compile(r"/gradio_api/(?!upload)")
_MCP_PATH: Final = re.compile(r"/mcp(?:/|$)")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rejection:
    """Answer to a request that is refused."""

    status: int
    message: str


class RequestGuardMiddleware:
    """Middleware that refuses what the module's docstring says, and takes the cookies from other origins' requests."""

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str] = (), personal: bool = True, max_body_seconds: float = 60.0
    ) -> None:
        """Guard an app.

        Args:
            app: What serves the page.
            hosts: Further names it answers to at home, in lower case and without a port; "*": any.
            max_body_seconds: Time for a body that is no upload: eight megabytes over a slow line.
            personal: Whether this is a person's own machine; elsewhere any name and any origin may ask, without a sign-in.
        """
        self._app = app
        self._personal = personal
        self._max_body_seconds = max_body_seconds
        self._hosts = {"localhost", *_list_own_names(), *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        foreign = is_foreign(scope["method"], headers, self._hosts if self._personal else ())
        rejection = self._check(scope, headers, foreign)
        is_json = _JSON_PATH.search(scope["path"]) or "json" in headers.get("content-type", "")
        if rejection is None and scope["method"] == "POST" and not UPLOAD_PATH.search(scope["path"]):
            body = await self._read_body(receive, headers, MAX_JSON_BYTES if is_json else MAX_FORM_BYTES)
            if isinstance(body, bytes) and is_json:
                values = _MAX_MCP_VALUES if _MCP_PATH.search(scope["path"]) else _MAX_VALUES
                rejection = await asyncio.to_thread(check_body, body, values)
            elif isinstance(body, Rejection):
                rejection = body
            receive = _replay(body, receive) if isinstance(body, bytes) else receive
        if rejection is not None:
            await _answer(send, rejection)
            return
        scope = _remove_cookies(scope) if foreign else scope
        if scope["method"] == "POST" and is_json:
            await _answer_malformed(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _read_body(self, receive: Receive, headers: Mapping[str, str], max_bytes: int) -> bytes | Rejection:
        too_large = Rejection(413, f"The request is too large: {max_bytes / 2**20:.3g} MB is the limit; upload files first.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > max_bytes:  # before a byte of it is read
            return too_large
        try:
            async with asyncio.timeout(self._max_body_seconds):
                body = await _receive_body(receive, max_bytes)
        except TimeoutError:
            return Rejection(408, "The request took too long to arrive: try again, or over a faster connection.")
        return too_large if body is None else body

    def _check(self, scope: Scope, headers: Mapping[str, str], foreign: bool) -> Rejection | None:
        path, host = scope["path"], read_host(headers.get("host", ""))
        if self._personal and not self._serves_host(host):  # DNS rebinding: a foreign page's name that leads here
            return Rejection(
                421, f"This page is not served as “{host[:80]}”: its owner can add it to HUGGINGGPT_ALLOWED_HOSTS."
            )
        if _REMOTE_FILE.search(path):
            return Rejection(403, "Addresses elsewhere are not fetched by this route: name the address in the request.")
        if _MONITORING.search(path):
            return Rejection(404, "There is nothing here.")
        reads = "origin" in headers  # a script that would read the answer, or asks whether it may send more
        if self._personal and foreign and (reads or scope["method"] not in _SAFE_METHODS):
            return Rejection(403, "A page of another origin may not ask anything of this one.")
        return None

    def _serves_host(self, host: str) -> bool:
        return "*" in self._hosts or host in self._hosts or host.endswith(".localhost") or _is_address(host)


def find_hosts(allowed: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a deployment answers to: those allowed, and those that Gradio is told to listen or be shown at."""
    root = urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).netloc
    return (*allowed, *(read_host(name) for name in (os.environ.get("GRADIO_SERVER_NAME", ""), root) if name))


def read_host(value: str) -> str:
    """Return the name in a Host header, in lower case, without port, brackets and the dot at its end."""
    try:
        return (urlsplit(f"//{value.strip()}").hostname or "").removesuffix(".")
    except ValueError:  # a bracket without its other half
        return ""


def is_foreign(method: str, headers: Mapping[str, str], hosts: Collection[str] = ()) -> bool:
    """Return whether a browser sends a request for a page of another origin, and not because its user came here.

    Args:
        method: The HTTP method, in capitals.
        headers: By lower-case name. Programs send neither Sec-Fetch-Site nor Origin.
        hosts: Names that this page has behind a proxy, in lower case: its word for the name counts where it is one of them.
    """
    site = headers.get("sec-fetch-site", "")  # no script can set or hide it
    if site:
        navigates = headers.get("sec-fetch-mode") == "navigate" and method in _SAFE_METHODS  # nobody else reads the answer
        return site not in {"same-origin", "none"} and not navigates
    origin = headers.get("origin", "")  # browsers from before 2023
    forwarded = headers.get("x-forwarded-host", "")  # a foreign page may send it, too
    names = {headers.get("host", ""), forwarded if read_host(forwarded) in hosts else ""} - {""}  # "null" has no name
    return bool(origin) and origin.lower().partition("://")[2] not in {name.lower() for name in names}


def check_body(body: bytes, max_values: int = _MAX_VALUES) -> Rejection | None:
    """Return the reason to refuse a JSON body: it is none, too large, or names a file elsewhere that Gradio would fetch."""
    if not body:
        return None
    try:
        stack: list[Any] = [parse_json(body, max_values=max_values)]
    except TooManyValuesError as error:
        return Rejection(413, f"The request is too large: its body {error}; upload files first.")
    except JsonError:
        return Rejection(400, "The request's body is not JSON, or it is nested too deep.")
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if isinstance(path := value.get("path"), str) and "meta" in value and _ADDRESS.match(path):
                return Rejection(400, "A file object may not name an address: give the address itself, as text.")
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return None


async def _receive_body(receive: Receive, max_bytes: int) -> bytes | None:
    """Return a request's body; None where it is larger."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)  # the client is gone; the app hears of it from `receive`
        body += message.get("body", b"")
        if len(body) > max_bytes:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def _answer_malformed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request; where a route of Gradio's breaks on its body (an unknown function, half a letter), say so."""
    started = False

    async def note(message: Message) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        await app(scope, receive, note)
    except (LookupError, TypeError, ValueError, AttributeError, FnIndexInferError) as error:
        if started:
            raise
        log.info("a malformed call was refused: %s at %s", type(error).__name__, scope["path"][:80])  # its text quotes the body
        await _answer(send, Rejection(400, "The request's body is not what this route takes."))


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body that was read already, then the server's further messages."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message


def _remove_cookies(scope: Scope) -> Scope:
    """Return a request without its cookies and without the sign-in that was read from them; the browser keeps both."""
    headers = [each for each in scope["headers"] if each[0] != b"cookie"]
    return {**scope, "headers": headers, **({"session": {}} if "session" in scope else {})}


async def _answer(send: Send, rejection: Rejection) -> None:
    body = json.dumps({"detail": rejection.message}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": rejection.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _list_own_names() -> set[str]:
    """Return this machine's names in its own network, which no foreign page can take."""
    name = socket.gethostname().lower()
    return {name, f"{name.partition('.')[0]}.local"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True  # a browser sends an address only if it was asked for that address
