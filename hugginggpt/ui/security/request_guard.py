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
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gradio.route_utils import FnIndexInferError
from starlette.requests import ClientDisconnect

from hugginggpt.ui.security.request_bodies import (
    MALFORMED,
    MAX_FORM_BYTES,
    MAX_JSON_BYTES,
    BodyReceiver,
    Rejection,
    check_body,
    replay_body,
)
from hugginggpt.ui.uploads import UPLOAD_PATH

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

_REMOTE_FILE: Final = re.compile(r"/(?:proxy=|file[=/]\s*[a-z][a-z0-9+.-]+:)", re.IGNORECASE)  # "C:" is no scheme
_UNSERVED: Final = re.compile(r"/(?:monitoring|deep_link)(?:/|$)")
"""Routes of Gradio's that tell how the page is used, and that write whole sessions to files; this page has none of either."""
_JSON_PATH: Final = re.compile(r"/gradio_api/(?!upload)")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


_UNPROCESSABLE: Final = 422


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
        self._bodies = BodyReceiver(max_body_seconds)
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
            body = await self._bodies.read(scope, receive, headers, MAX_JSON_BYTES if is_json else MAX_FORM_BYTES)
            if isinstance(body, bytes) and is_json:
                rejection = await asyncio.to_thread(check_body, body, scope["path"])
            elif isinstance(body, Rejection):
                rejection = body
            receive = replay_body(body, receive) if isinstance(body, bytes) else receive
        if rejection is not None:
            await _answer(send, rejection)
            return
        scope = _remove_cookies(scope) if foreign else scope
        await _answer_malformed(self._app, scope, receive, send)

    def _check(self, scope: Scope, headers: Mapping[str, str], foreign: bool) -> Rejection | None:
        path, host = scope["path"], read_host(headers.get("host", ""))
        if self._personal and not self._serves_host(host):  # DNS rebinding: a foreign page's name that leads here
            return Rejection(
                421, f"This page is not served as “{host[:80]}”: its owner can add it to HUGGINGGPT_ALLOWED_HOSTS."
            )
        if _REMOTE_FILE.search(path):
            return Rejection(403, "Addresses elsewhere are not fetched by this route: name the address in the request.")
        if _UNSERVED.search(path):
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


async def _answer_malformed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request; where a route of Gradio's breaks on it (an unknown function, a page that isn't there), say so.

    Gradio's own refusal of a body, which quotes it, is replaced; what breaks otherwise is logged, and answered here, where the
    security headers are still added.
    """
    started, refused = False, False

    async def note(message: Message) -> None:
        nonlocal started, refused
        refused = refused or (not started and message["type"] == "http.response.start" and message["status"] == _UNPROCESSABLE)
        if not refused:
            started = True
            await send(message)

    rejection = MALFORMED if scope["method"] not in _SAFE_METHODS else Rejection(404, "There is nothing here.")
    try:
        await app(scope, receive, note)
    except (LookupError, TypeError, ValueError, AttributeError, FnIndexInferError) as error:
        if started:
            raise
        log.info("a malformed call was refused: %s at %s", type(error).__name__, scope["path"][:80])  # its text quotes the body
        await _answer(send, rejection)
    except ClientDisconnect:
        raise
    except Exception:
        if started:
            raise
        log.exception("a route broke")
        await _answer(send, Rejection(500, "Something broke inside this program; the log says what."))
    else:
        if refused:
            await _answer(send, rejection)


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
