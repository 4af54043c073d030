"""Security headers: whatever stands in an answer or in a stranger's trace, no script of it runs, and nothing is fetched from
or sent to anywhere else. Files get a policy under which even a page of HTML is dead.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DIRECTIVES: Final[Mapping[str, str]] = {
    "default-src": "'self'",
    # Gradio compiles its event handlers from text, hence eval; an inline script runs only with this page's nonce
    "script-src": "'self' 'nonce-{nonce}' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",  # Svelte writes style attributes
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",  # recordings and pictures are read back from blobs
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "form-action": "'self' https://huggingface.co",  # an injected form must not send keys away; signing in ends there
    "object-src": "'none'",  # no plug-ins
    "base-uri": "'self'",  # an injected <base> would redirect links
}
_SPACE_SOURCES: Final[Mapping[str, str]] = {
    "style-src": "https://fonts.googleapis.com",
    "font-src": "https://fonts.gstatic.com",
    "connect-src": "https://huggingface.co/api/spaces/",
    "img-src": "https://huggingface.co/avatars/ https://cdn-avatars.huggingface.co",
}
"""Further sources of the bar that Gradio draws above a page on a Space: its fonts, the Space's likes, its owner's picture."""
FILE_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:"
"""Content-Security-Policy of everything else: opened by itself, it has an origin of its own and runs nothing."""
_SCRIPT_TAG: Final = re.compile(rb"<script(?=[\s>])")
_FILE_PATH: Final = re.compile(r"/(?:gradio_api|assets|static)/|/(?:file|proxy)=")  # never a page, whatever type it claims


class SecurityHeadersMiddleware:
    """Middleware that sends a policy with every answer, and gives a page's own scripts its nonce."""

    def __init__(self, app: ASGIApp, *, space: bool = False) -> None:
        """Guard an app.

        Args:
            app: What serves the page.
            space: Whether this is a Space of the Hub, whose bar needs sources of its own.
        """
        self._app = app
        more = _SPACE_SOURCES if space else {}
        self._policy = "; ".join(f"{name} {sources} {more.get(name, '')}".strip() for name, sources in _DIRECTIVES.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        started: Message | None = None
        body = bytearray()

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                if not _is_page(scope, message):
                    await send(_set_headers(message, FILE_POLICY))
                else:
                    started = _set_headers(message, self._policy.format(nonce=nonce))  # sent once the length is known
            elif started is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    marked = _SCRIPT_TAG.sub(b'<script nonce="' + nonce.encode() + b'"', bytes(body))
                    await send(_set_length(started, len(marked)) if scope["method"] != "HEAD" else started)
                    await send({"type": "http.response.body", "body": marked})

        await self._app(scope, receive, send_guarded)


def _is_page(scope: Scope, start: Message) -> bool:
    if _FILE_PATH.search(scope["path"]):
        return False
    headers = start.get("headers", ())  # ASGI allows a message without them
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers)


def _set_headers(start: Message, policy: str) -> Message:
    names = {b"content-security-policy", b"x-content-type-options"}
    kept = [each for each in start.get("headers", ()) if each[0].lower() not in names]
    more = [(b"content-security-policy", policy.encode()), (b"x-content-type-options", b"nosniff")]
    return {**start, "headers": [*kept, *more]}


def _set_length(start: Message, length: int) -> Message:
    kept = [each for each in start["headers"] if each[0].lower() != b"content-length"]
    return {**start, "headers": [*kept, (b"content-length", str(length).encode())]}
