"""Content security policy: whatever stands in an answer or in a stranger's trace, nothing is fetched from or
sent to anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = "; ".join(
    (
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "form-action 'self' https://huggingface.co",  # an injected form must not send keys away
        "object-src 'none'",  # no plug-ins
        "base-uri 'self'",  # an injected <base> would redirect links
    )
)
"""Content-Security-Policy; scripts are Gradio's own business, forms are where signing in ends."""


class SecurityHeadersMiddleware:
    """Middleware that sends the policy with each page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))  # ASGI allows a message without them
                if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                    message = {**message, "headers": [*headers, (b"content-security-policy", POLICY.encode())]}
            await send(message)

        await self._app(scope, receive, with_policy if scope["type"] == "http" else send)
