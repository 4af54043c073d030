"""Run of a request in the background: it goes on while a page is reloaded, which then finds it again."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Self

from hugginggpt.core.events import Event, RequestDone, RequestFailed, RequestStarted, Step
from hugginggpt.core.markdown import shorten
from hugginggpt.core.recording import Recording, Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.trace import StepFold, count_chars
from hugginggpt.planning.approval import Approved, Proposal

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
"""Seconds between two heartbeats for a follower when nothing happens."""

_MAX_REPLAYED_CHARS: Final = 50_000  # of a recording's request, which is shown and not sent again
_MAX_QUICK_CHARS: Final = 10_000  # of all events of a run that is drawn at once

ABANDON_SECONDS: Final = 60.0
"""Seconds after which work that nobody follows is stopped: a reload takes less, a closed page needs no answer."""


@dataclass(eq=False)  # two runs with the same words are two
class BackgroundRun:
    """A request with its events so far."""

    text: str
    attached: tuple[Resource, ...] = ()
    previous_turns: tuple[Turn, ...] = ()
    """Turns before it, which are restored when it is undone or repeated."""
    events: list[Event] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """Time of each event, in seconds from the first."""
    requests_ahead: int | None = None
    """Requests ahead of it while it waits for its turn; None: it doesn't wait."""
    stopped: bool = False
    drawn_messages: list[Any] | None = field(default=None, repr=False)
    """Cache of its messages in the chat, once they no longer change."""
    message_count: int = 0
    """Number of its messages in the chat, as they were drawn last."""
    read_only: bool = False
    """True if it can't be repeated here: it was read from a trace, or its files were refused."""
    finished: bool = False
    drawn_plan: tuple[Any, str] | None = field(default=None, repr=False)
    """Cache of the picture of its plan: what it was drawn from, and its HTML."""

    def __post_init__(self) -> None:
        self._fold, self._folded = StepFold(), 0
        self._quick_chars, self._counted = _MAX_QUICK_CHARS, 0
        self._fold_lock = Lock()  # two pages may draw one run, in two threads

    @property
    def steps(self) -> tuple[Step, ...]:
        """The state of each task; the same object as before where no new event concerns the task."""
        with self._fold_lock:
            for event in itertools.islice(self.events, self._folded, None):
                self._fold.add(event)
                self._folded += 1
            return self._fold.steps

    @property
    def is_long(self) -> bool:
        """True if so much text is in its events that drawing it takes long."""
        with self._fold_lock:
            for event in itertools.islice(self.events, self._counted, None):
                self._counted += 1
                if self._quick_chars >= 0:
                    self._quick_chars -= count_chars(event, _MAX_QUICK_CHARS)
            return self._quick_chars < 0

    @classmethod
    def from_recording(cls, recording: Recording, previous_turns: tuple[Turn, ...] = ()) -> Self:
        """Create the run of a recording that is about to be replayed."""
        started = next((event for event in recording.events if isinstance(event, RequestStarted)), None)
        text, attached = (shorten(started.request, _MAX_REPLAYED_CHARS), started.resources) if started else ("", ())
        return cls(text, attached, previous_turns, read_only=True)

    @classmethod
    def make_refused(cls, text: str, error: str, previous_turns: tuple[Turn, ...] = ()) -> Self:
        """Create the run of a request that was refused before it began."""
        events: list[Event] = [RequestFailed(error), RequestDone(0.0)]
        return cls(text, (), previous_turns, events=events, times=[0.0, 0.0], finished=True, read_only=True)

    def note_requests_ahead(self, count: int | None) -> None:
        """Note how many requests are ahead of it; None once it waits no more."""
        self.requests_ahead = count

    @property
    def recording(self) -> Recording:
        """The run so far, to be shown, shared and saved."""
        times = tuple(self.times)  # first: a thread may draw it while an event comes, whose time is added last
        return Recording(tuple(self.events[: len(times)]), times, self.stopped)

    @property
    def has_failed(self) -> bool:
        """True if it ended without an answer."""
        return any(isinstance(event, RequestFailed) for event in self.events)

    @property
    def has_started(self) -> bool:
        """True if the agent has taken it."""
        return any(isinstance(event, RequestStarted) for event in self.events)


class RunWorker:
    """Background task that reads the events of a run until there are no more."""

    def __init__(self, run: BackgroundRun, stream: AsyncIterator[Event]) -> None:
        """Start reading.

        Args:
            run: The run to which the events are added.
            stream: The events; closed when the work is stopped.
        """
        self.run = run
        self._changed = asyncio.Condition()
        self._followers = 0
        self._abandon_timer: asyncio.TimerHandle | None = None
        self._started_at = time.monotonic()
        self._reader = asyncio.create_task(self._read(stream))
        self._reader.add_done_callback(self._finish)  # a `finally` would miss a cancel before the first step
        self._schedule_abandon()

    @property
    def finished(self) -> bool:
        """True if the stream has ended or was stopped."""
        return self._reader.done()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._started_at

    async def _read(self, stream: AsyncIterator[Event]) -> None:
        try:
            if isinstance(stream, AsyncGenerator):
                async with aclosing(stream):  # closed when it is stopped, not when it is collected
                    await self._record_all(stream)
            else:
                await self._record_all(stream)
        except Exception:  # the seam: a fault in our own code ends the run, and is told
            log.exception("a request broke")
            await self._record(RequestFailed("Something broke inside this program; the log says what."))

    def _finish(self, reading: asyncio.Task[None]) -> None:
        self.run.finished = True
        self.run.stopped = reading.cancelled() and not self._is_done  # a stop after the answer changes nothing
        if self._abandon_timer is not None:
            self._abandon_timer.cancel()

    def _schedule_abandon(self) -> None:
        """Schedule the end of the work, unless somebody follows it by then."""
        self._abandon_timer = asyncio.get_running_loop().call_later(ABANDON_SECONDS, self.abandon)

    async def _record_all(self, stream: AsyncIterator[Event]) -> None:
        async for event in stream:
            await self._record(event)

    async def _record(self, event: Event) -> None:
        self.run.events.append(event)
        self.run.times.append(time.monotonic() - self._started_at if len(self.run.events) > 1 else 0.0)  # the first: the origin
        _ = self.run.is_long  # counted event by event: thousands at once would keep the event loop
        async with self._changed:
            self._changed.notify_all()

    @property
    def _is_done(self) -> bool:
        return any(isinstance(event, RequestDone) for event in self.run.events)

    async def follow(self) -> AsyncGenerator[int, None]:
        """Yield the number of events whenever there are more, until the work is over; at least once.

        It also yields about once a second when there is nothing new: only then is it noticed that nobody listens any more.
        """
        self._followers += 1
        if self._abandon_timer is not None:
            self._abandon_timer.cancel()
        try:
            seen = -1  # so that no event at all is news, too
            while True:
                if (count := len(self.run.events)) > seen:
                    seen = count
                    yield count
                elif self.finished:
                    return
                elif not await self._wait_for_more(seen):
                    yield seen
        finally:
            self._followers -= 1
            if not self._followers and not self.finished:
                self._schedule_abandon()

    async def _wait_for_more(self, seen: int) -> bool:
        """Wait for more than `seen` events, or for the end; False where nothing came in a while."""

        async def more() -> None:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self.run.events) > seen)

        waiting = asyncio.ensure_future(more())
        try:
            done, _ = await asyncio.wait(
                {waiting, self._reader}, return_when=asyncio.FIRST_COMPLETED, timeout=HEARTBEAT_SECONDS
            )
            return bool(done)  # empty when time was up
        finally:
            waiting.cancel()

    async def stop(self) -> None:
        """Stop, and wait until it has; asked twice, it is stopped once."""
        self.abandon()
        await asyncio.wait({self._reader})  # unlike `await`, raises nothing of the task's

    def abandon(self) -> None:
        """Stop, and don't wait."""
        if not self._reader.cancelling():  # a second cancel would break into its clean-up
            self._reader.cancel()


class ApprovalGate:
    """Gate where a plan waits for approval; given as `approve` to the agent."""

    def __init__(self) -> None:
        self.proposal: Proposal | None = None
        """The plan that waits; None where none does."""
        self._answer: asyncio.Future[Approved] | None = None

    async def __call__(self, proposal: Proposal) -> Approved:
        """Hold a plan until `open` is called."""
        self.proposal, self._answer = proposal, asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self.proposal = None

    def open(self, approved: Approved) -> None:
        """Release the plan as it was approved."""
        if self._answer is not None and not self._answer.done():  # a form may be sent twice
            self._answer.set_result(approved)
