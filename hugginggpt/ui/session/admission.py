"""Admission of requests: how many of one visitor, and of all, are worked on and wait at once, and whose turn it is.

One for the page, the API and MCP. Runs, and what is over in a moment (plans, lists), have places of their own: a list
never waits behind runs. What is scarce has turns of its own: a local model's device (`execution.device_queue`).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import Event, RequestFailed
from hugginggpt.core.fair_queue import FairQueue, Ticket
from hugginggpt.ui.i18n import Words

if TYPE_CHECKING:
    from hugginggpt.core.settings import Settings

ReportWaiting = Callable[[int | None], None]
"""Callback that gets the number of requests ahead while one waits; None once it waits no more."""

_INITIAL_ESTIMATE_SECONDS: Final = 10.0
"""Assumed duration of a request, in seconds, before any has finished."""
_SMOOTHING_FACTOR: Final = 0.2  # share of the newest request in the mean of their durations
_LOOP_PROBE_SECONDS: Final = 0.01  # of a look at how late the event loop is
_MAX_LOOP_DELAY_SECONDS: Final = 0.003  # one that has nothing else to do is late by some tenths of a millisecond


class AdmissionError(RequestError):
    """A visitor has too many requests, or all have, or one has waited too long; the message says when to come again."""

    def __init__(self, key: str, **values: object) -> None:
        """Create the error from a phrase of the page and its values."""
        self._key, self._values = key, values
        super().__init__(self.translate(Words()))

    def translate(self, words: Words) -> str:
        """Return the message in a visitor's language."""
        return words(self._key, **self._values)


def describe_waiting(ahead: int, words: Words) -> str:
    """Return the sentence about a request that waits for its turn."""
    return words("page.waits" if ahead else "page.waits_next", count=ahead)


class Admission:
    """Admission of one kind of requests, with a limited number of places."""

    def __init__(self, settings: Settings, *, catch_up_seconds: float = 1.5) -> None:
        """Set up the admission.

        Args:
            settings: The deployment's settings.
            catch_up_seconds: How long a stream's work may wait at most for an event loop that is behind.
        """
        self._settings = settings
        self._catch_up_seconds = catch_up_seconds
        self._queue = FairQueue(settings.max_calls, max_per_party=settings.visitor_calls)
        self._seconds = _INITIAL_ESTIMATE_SECONDS

    @asynccontextmanager
    async def admit(self, visitor: str, report_waiting: ReportWaiting = lambda before: None) -> AsyncGenerator[None]:
        """Wait for a visitor's turn and hold it; whoever is cancelled while they wait has left.

        Args:
            visitor: Text that tells visitors apart.
            report_waiting: Gets the number of requests ahead.

        Raises:
            AdmissionError: The visitor, or all of them, have too many requests already, or it has waited for too long.
        """
        self._check(visitor)
        ticket = self._queue.enter(visitor)
        try:
            await self._wait(ticket, report_waiting)
            begun = time.monotonic()
            yield
            self._seconds += _SMOOTHING_FACTOR * (time.monotonic() - begun - self._seconds)  # of those that went well
        finally:
            self._queue.leave(ticket)

    async def admit_stream(
        self, visitor: str, stream: AsyncIterator[Event], report_waiting: ReportWaiting, words: Words
    ) -> AsyncGenerator[Event]:
        """Yield the events of a request once it has a place; a refusal is the only event.

        Args:
            visitor: Text that tells visitors apart.
            stream: The request's own events; nothing is done before they are read.
            report_waiting: Gets the number of requests ahead.
            words: The visitor's language.
        """
        try:
            async with self.admit(visitor, report_waiting), _closing(stream) as events:
                await _let_loop_catch_up(
                    self._catch_up_seconds
                )  # a hundred who come at once are all answered before anybody's work begins
                async for event in events:
                    yield event
        except AdmissionError as error:
            yield RequestFailed(error.translate(words))

    def _check(self, visitor: str) -> None:
        held, waiting = self._queue.count_held(visitor), self._queue.count_waiting(visitor)
        if held + waiting >= self._settings.visitor_calls + self._settings.visitor_waiting:
            seconds = math.ceil(self._seconds * (waiting + 1) / self._settings.visitor_calls)  # until all have begun
            raise AdmissionError("page.too_many", count=held + waiting, seconds=max(seconds, 1))

    async def _wait(self, ticket: Ticket, report_waiting: ReportWaiting) -> None:
        if ticket.granted:
            return
        if self._queue.total_waiting > self._settings.max_waiting:  # this one is among them
            seconds = max(math.ceil(self._seconds), 1)
            raise AdmissionError("page.too_many_in_all", count=self._settings.max_waiting, seconds=seconds)
        try:
            async with asyncio.timeout(self._settings.wait_seconds):
                async for ahead in self._queue.wait(ticket):
                    report_waiting(ahead)
        except TimeoutError:
            raise AdmissionError("page.waited_too_long", seconds=f"{self._settings.wait_seconds:g}") from None
        finally:
            report_waiting(None)


async def _let_loop_catch_up(max_seconds: float) -> None:
    """Wait while the event loop is behind with earlier work, for at most that many seconds."""
    loop = asyncio.get_running_loop()
    now = started = loop.time()
    delay = math.inf
    while delay > _MAX_LOOP_DELAY_SECONDS and now - started < max_seconds:
        await asyncio.sleep(_LOOP_PROBE_SECONDS)
        delay, now = loop.time() - now - _LOOP_PROBE_SECONDS, loop.time()


@asynccontextmanager
async def _closing(stream: AsyncIterator[Event]) -> AsyncGenerator[AsyncIterator[Event]]:
    if isinstance(stream, AsyncGenerator):
        async with aclosing(stream):  # closed when the request is stopped, not when it is collected
            yield stream
    else:
        yield stream
