"""Device queue: calls wait for their model's slot, and calls of one model that wait together go through it at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from hugginggpt.core.errors import DeadlineError, HuggingGPTError
from hugginggpt.core.fair_queue import FairQueue
from hugginggpt.experts.base import Call, Result


class DeviceSlots:
    """Device slots shared by all requests of one process: each is held by one run at a time, visitors take turns."""

    def __init__(self) -> None:
        self._queues: dict[str, FairQueue] = {}

    @asynccontextmanager
    async def hold(self, slot: str | None, visitor: str = "") -> AsyncIterator[None]:
        """Wait for a visitor's turn at the slot and hold it; None needs no turn."""
        if slot is None:
            yield
            return
        async with self._queues.setdefault(slot, FairQueue(1)).hold(visitor):
            yield


@dataclass
class TaskClock:
    """Running time of a task, over all its models and inputs; waiting for a slot doesn't count."""

    limit: float
    used: float = 0.0
    _running: int = 0
    _started_at: float = 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds until its deadline."""
        return self.limit - self.used

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Measure the time while any of its calls runs; several at once count once."""
        if not self._running:
            self._started_at = time.monotonic()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self.used += time.monotonic() - self._started_at


@dataclass(eq=False)  # found again by identity: two calls may have equal inputs
class QueuedCall:
    """One call that waits for its slot, with its future result."""

    call: Call
    clock: TaskClock
    on_start: Callable[[], None]
    """Called as it starts."""
    result: asyncio.Future[Result] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


RunBatch = Callable[[Sequence[Call], float], Awaitable[Sequence[Result]]]
"""Runs calls of one card together, within so many seconds; one result for each."""


class DeviceQueue:
    """Queue of one plan's calls for the device slots."""

    def __init__(self, slots: DeviceSlots, run: RunBatch, *, visitor: str = "") -> None:
        """Create an empty queue.

        Args:
            slots: Shared with all other plans.
            run: Runs calls; raises a HuggingGPTError for all of them.
            visitor: Whose plan it is: those of different visitors take turns.
        """
        self._visitor = visitor
        self._slots = slots
        self._run_batch = run
        self._waiting: dict[tuple[str, str, str], list[QueuedCall]] = {}  # of this plan alone: stopping it stops a whole batch

    async def run(self, queued: QueuedCall) -> Result:
        """Wait for the slot, run, and give it back; a call may be run in the batch of another one of its card.

        Raises:
            HuggingGPTError: What `run` raised.
        """
        card = queued.call.card
        waiting = self._waiting.setdefault((card.backend, card.id, card.task), [])
        waiting.append(queued)
        try:
            async with self._slots.hold(card.slot, self._visitor):
                if queued in waiting:  # nobody has taken it along
                    if card.batch > 1:
                        await asyncio.sleep(0)  # let those that have become ready in the same moment queue up
                    batch = waiting[: card.batch]
                    del waiting[: card.batch]
                    for member in batch:
                        member.on_start()
                    await self._run_as_batch(batch)
            return await queued.result
        finally:
            if queued in waiting:
                waiting.remove(queued)
            queued.result.cancel()  # no effect on one that is set; else nobody is left to wait for it

    async def _run_as_batch(self, batch: Sequence[QueuedCall]) -> None:
        """Run calls as one batch; what fails as a batch is tried one by one, so that one bad input spoils no other."""
        try:
            results = await self._run_timed(batch)
        except HuggingGPTError as error:
            if len(batch) == 1 or isinstance(error, DeadlineError):  # one by one they have no time left either
                for queued in batch:
                    _set_error(queued, error)
                return
            for queued in batch:
                await self._run_as_batch([queued])
            return
        for queued, result in zip(batch, results, strict=True):
            if not queued.result.done():
                queued.result.set_result(result)

    async def _run_timed(self, batch: Sequence[QueuedCall]) -> Sequence[Result]:
        with ExitStack() as clocks:
            for queued in batch:
                clocks.enter_context(queued.clock.measure())
            return await self._run_batch([queued.call for queued in batch], min(queued.clock.seconds_left for queued in batch))


def _set_error(queued: QueuedCall, error: HuggingGPTError) -> None:
    if not queued.result.done():
        queued.result.set_exception(error)
        queued.result.exception()  # reads it: asyncio logs an exception that nobody reads, and whoever waited may have gone
