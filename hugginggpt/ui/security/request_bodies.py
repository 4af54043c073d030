"""Bodies of requests: read within a size, a time and a number, and looked through before anything else reads them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from hugginggpt.core.json_text import JsonError, TooManyValuesError, parse_json
from hugginggpt.ui.session.visitor import read_visitor

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

MAX_JSON_BYTES: Final = 8 * 2**20
"""Largest JSON body, in bytes; files are uploaded by a route of their own."""
MAX_FORM_BYTES: Final = 2**16
"""Largest body of a route that takes neither JSON nor uploads, in bytes: a sign-in's form."""
_MAX_MCP_VALUES: Final = 500
"""MCP's bodies are checked against schemas on the event loop, half a millisecond for each value."""
_MAX_VALUES: Final = 50_000
"""Values of any other body: a plan of 2,000 tasks, as it is approved, has some 20,000."""
_MAX_FILE_OBJECTS: Final = 2_000
"""Files that one call may name: no session holds more. Gradio looks each up on the event loop."""
_EVENT_PATH: Final = re.compile(r"/gradio_api/(?:queue/join/?$|(?:run|api|call)/(?!v2/))")
"""Routes whose bodies Gradio would quote, whole, in its refusal."""
_SCALAR_FIELDS: Final = ("batched", "event_id", "fn_index", "session_hash", "simple_format", "trigger_id")
_ADDRESS: Final = re.compile(r"\s*[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_MCP_PATH: Final = re.compile(r"/mcp(?:/|$)")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_ARRIVING: Final = 256
_MAX_ARRIVING_OF_ONE: Final = 32
"""Most bodies of all visitors, and of one, that have come in part: each holds its memory until its time is over."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Answer to a request that is refused."""

    status: int
    message: str


MALFORMED: Final = Rejection(400, "The request's body is not what this route takes.")
_TOO_MANY: Final = Rejection(503, "Too many requests are arriving at once: try again in a minute.")


class BodyReceiver:
    """Receiver of the bodies of all requests."""

    def __init__(self, max_seconds: float) -> None:
        """Set up the receiver.

        Args:
            max_seconds: Time for one body.
        """
        self._max_seconds = max_seconds
        self._arriving: Counter[str] = Counter()

    async def read(self, scope: Scope, receive: Receive, headers: Mapping[str, str], max_bytes: int) -> bytes | Rejection:
        """Return a request's body, or the reason to refuse it."""
        too_large = Rejection(413, f"The request is too large: {max_bytes / 2**20:.3g} MB is the limit; upload files first.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > max_bytes:  # before a byte of it is read
            return too_large
        try:
            async with asyncio.timeout(self._max_seconds):
                first = await receive()
                if not first.get("more_body"):  # whole already, or the client is gone: the app hears of it from `receive`
                    body: bytes | Rejection | None = first.get("body", b"")
                else:
                    body = await self._receive_rest(bytearray(first.get("body", b"")), scope, receive, max_bytes)
        except TimeoutError:
            return Rejection(408, "The request took too long to arrive: try again, or over a faster connection.")
        return too_large if body is None or (isinstance(body, bytes) and len(body) > max_bytes) else body

    async def _receive_rest(self, body: bytearray, scope: Scope, receive: Receive, max_bytes: int) -> bytes | Rejection | None:
        """Return a body that comes in several pieces; None where it is too large."""
        visitor = read_visitor(Request(scope))
        if self._arriving[visitor] >= _MAX_ARRIVING_OF_ONE or self._arriving.total() >= _MAX_ARRIVING:
            return _TOO_MANY
        self._arriving[visitor] += 1
        try:
            while len(body) <= max_bytes:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    return bytes(body)
            return None
        finally:
            self._arriving[visitor] -= 1
            self._arriving += Counter()  # forgets those who have none


def check_body(body: bytes, path: str = "") -> Rejection | None:
    """Return the reason to refuse a JSON body: it is none, too large, or names a file elsewhere that Gradio would fetch.

    Args:
        body: The whole body.
        path: The route that it is sent to, some of which take less than others.
    """
    if not body:
        return None
    is_mcp = _MCP_PATH.search(path) is not None
    try:
        parsed = parse_json(body, max_values=_MAX_MCP_VALUES if is_mcp else _MAX_VALUES)
    except TooManyValuesError as error:
        return Rejection(413, f"The request is too large: its body {error}; upload files first.")
    except JsonError:
        return Rejection(400, "The request's body is not JSON, or it is nested too deep.")
    stack, files = [parsed], 0
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if isinstance(file := value.get("path"), str) and "meta" in value:
                files += 1
                if _ADDRESS.match(file):
                    return Rejection(400, "A file object may not name an address: give the address itself, as text.")
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif is_mcp and isinstance(value, str) and _LONE_SURROGATE.search(value):  # which no tool's answer could quote
            return Rejection(400, "A text of the request holds half a letter (a lone surrogate): send whole ones.")
    if files > _MAX_FILE_OBJECTS:
        return Rejection(413, f"The request names {files:,} files; {_MAX_FILE_OBJECTS:,} is the limit.")
    return MALFORMED if _EVENT_PATH.search(path) and not _is_event(parsed) else None


def _is_event(body: Any) -> bool:
    """Return whether a body has the fields of an event, each of a kind that fits."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return False
    return not any(isinstance(body.get(name), dict | list) for name in _SCALAR_FIELDS)


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body that was read already, then the server's further messages."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message
