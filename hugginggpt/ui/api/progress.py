"""Progress of a request for a caller of the API, and its end when the caller hangs up."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from gradio.context import LocalContext

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import (
    AnswerDelta,
    Event,
    Planned,
    RequestProgress,
    RequestStarted,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
)
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.admission import describe_waiting

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HANG_UP_MESSAGE: Final = "The caller has hung up, so the request was stopped."
_POLL_SECONDS: Final = 0.5
_MCP_PATH: Final = re.compile(r"/gradio_api/mcp(?:/|$)")
"""Path of the MCP server, behind whatever path a proxy puts before it; below it, too, each POST is a call."""
_STREAM_PATH: Final = re.compile(r"/gradio_api/mcp/sse/?$")
_STREAM_MESSAGE_PATH: Final = re.compile(r"/gradio_api/mcp/messages/?$")
"""Paths of MCP's older transport: a stream of events, and the messages of a session, whose answers come by that stream."""
_STREAM_SESSION: Final = re.compile(rb"session_id=(\w{8,64})")
_CALL_HEADER: Final = "x-hugginggpt-call"
"""Header that names the call of an MCP client for the endpoint; the server sets it, whatever a client has sent."""


def report_waiting(show: gr.Progress, ahead: int | None) -> None:
    """Tell a caller who waits how many requests are before theirs."""
    if ahead is not None:
        show((0, None), desc=describe_waiting(ahead, Words()), unit="tasks")


class CallProgress:
    """Reporter of a call's progress: how many of its tasks are over, and what is being done."""

    def __init__(self) -> None:
        # made here and not a parameter: as one it would stand in the schema
        self._show = gr.Progress()
        self._names: dict[int, str] = {}
        self._ended: set[int] = set()

    def __call__(self, event: Event) -> None:
        """Report an event, if it changes what the caller is shown."""
        if message := self._describe(event):
            self._show((len(self._ended), len(self._names) or None), desc=message, unit="tasks")  # no total before the plan

    def _describe(self, event: Event) -> str:
        match event:
            case RequestStarted():
                return "planning"
            case TaskPlanned(task=task):
                self._names[task.id] = task.task  # the whole plan is reported, not its pieces
                return ""
            case Planned(plan=plan):
                self._names = {task.id: task.task for task in plan.tasks}  # a replan may drop tasks
                return "planned " + (", ".join(self._names.values()) or "nothing to run")
            case TaskStarted(task_id=n):
                return f"{self._names[n]} runs on {event.model.id}"
            case RequestProgress(message=message):
                return message
            case TaskProgress(task_id=n, message=message):
                return f"{self._names[n]}: {message}"
            case TaskDone(task_id=n) | TaskFailed(task_id=n) | TaskSkipped(task_id=n):
                self._ended.add(n)
                outcome = {TaskDone: "is done", TaskFailed: "failed", TaskSkipped: "is skipped"}[type(event)]
                return f"{self._names[n]} {outcome}"
            case AnswerDelta(restarts=True):  # the first piece of an answer
                return "answering"
            case _:
                return ""


@asynccontextmanager
async def leave_at_hang_up(caller: gr.Request) -> AsyncGenerator[None]:
    """Leave the block when the caller hangs up.

    Raises:
        RequestError: The caller has hung up.
    """
    end = asyncio.timeout(None)

    async def watch() -> None:
        await wait_for_hang_up(caller)
        end.reschedule(asyncio.get_running_loop().time())  # now

    watcher = asyncio.create_task(watch())
    try:
        async with end:
            yield
    except TimeoutError:
        if end.expired():
            raise RequestError(HANG_UP_MESSAGE) from None
        raise
    finally:
        watcher.cancel()


class DisconnectMiddleware:
    """Middleware that notes which MCP clients hang up.

    Gradio serves an MCP call through a client of its own inside the server, which knows nothing of a lost connection.
    """

    _calls: Final[MutableMapping[str, asyncio.Event]] = {}  # of the class: the web server makes the instance
    """Running calls of MCP clients, by the value of their header; an event is set when its client has hung up."""
    _streams: Final[MutableMapping[bytes, str]] = {}
    """Open streams of MCP's older transport: the key of each in `_calls`, by its session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_stream = scope["type"] == "http" and scope["method"] == "GET" and _STREAM_PATH.search(scope["path"])
        is_call = scope["type"] == "http" and scope["method"] == "POST" and _MCP_PATH.search(scope["path"])
        if not is_stream and not is_call:
            await self._app(scope, receive, send)
            return
        headers = [each for each in scope["headers"] if each[0] != _CALL_HEADER.encode()]
        if is_call and _STREAM_MESSAGE_PATH.search(scope["path"]):  # answered at once: its client is gone when its stream is
            named = _STREAM_SESSION.search(scope.get("query_string", b""))
            key = self._streams.get(named[1] if named else b"", "")
            await self._app({**scope, "headers": [*headers, (_CALL_HEADER.encode(), key.encode())]}, receive, send)
            return
        call, gone = secrets.token_urlsafe(18), asyncio.Event()
        self._calls[call] = gone  # under a key of ours: a client's own header is dropped above
        answered, sessions = False, set[bytes]()

        async def watch() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not answered:  # ASGI servers send it after every answer
                gone.set()
            return message

        async def forward(message: Message) -> None:
            nonlocal answered
            if is_stream and not sessions and (told := _STREAM_SESSION.search(message.get("body", b""))):  # its first event
                sessions.add(told[1])
                self._streams[told[1]] = call
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body") and not is_stream

        try:
            await self._app({**scope, "headers": [*headers, (_CALL_HEADER.encode(), call.encode())]}, watch, forward)
        finally:
            if not answered:  # a write failed: the client was gone by then
                gone.set()
            del self._calls[call]
            for session in sessions:
                del self._streams[session]

    @classmethod
    def find_disconnect(cls, caller: gr.Request) -> asyncio.Event | None:
        """Return the event that is set when the MCP client of this call hangs up; None where the call has none."""
        return cls._calls.get((caller.headers or {}).get(_CALL_HEADER, ""))


async def wait_for_hang_up(caller: gr.Request) -> None:
    """Wait until the caller has hung up; Gradio itself notes it, and lets the request go on."""
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    queued: Any = blocks._queue.event_ids_to_events.get(event_id) if blocks and event_id else None
    gone = DisconnectMiddleware.find_disconnect(caller) or asyncio.Event()
    while not gone.is_set() and (queued is None or queued.alive):
        with suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), _POLL_SECONDS)  # `alive` is a plain attribute: it can only be polled
