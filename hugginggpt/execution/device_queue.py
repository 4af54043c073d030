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
    _begun: float = 0.0

    @property
    def left(self) -> float:
        """Seconds until its deadline."""
        return self.limit - self.used

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time while any of its calls runs; several at once count once."""
        if not self._running:
            self._begun = time.monotonic()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self.used += time.monotonic() - self._begun


@dataclass(eq=False)  # found again by identity: two calls may have equal inputs
class QueuedCall:
    """One call that waits for its slot, with its future result."""

    call: Call
    clock: TaskClock
    begin: Callable[[], None]
    """Called as it starts."""
    result: asyncio.Future[Result] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


RunBatch = Callable[[Sequence[Call], float], Awaitable[Sequence[Result]]]
"""Runs calls of one card together, within so many seconds; one result for each."""


class DeviceQueue:
    """The turns of one plan."""

    def __init__(self, slots: DeviceSlots, run: RunBatch, *, visitor: str = "") -> None:
        """Set it up.

        Args:
            slots: Shared with all other plans.
            run: Runs calls; raises a HuggingGPTError for all of them.
            visitor: Whose plan it is: those of different visitors take turns.
        """
        self._visitor = visitor
        self._slots = slots
        self._run_batch = run
        self._waiting: dict[tuple[str, str, str], list[QueuedCall]] = {}  # of this plan alone: stopping it stops a whole batch

    async def run(self, turn: QueuedCall) -> Result:
        """Wait for the slot, run, and give it back; a call may be run by the turn of another one of its kind.

        Raises:
            HuggingGPTError: What `run` raised.
        """
        card = turn.call.card
        waiting = self._waiting.setdefault((card.backend, card.id, card.task), [])
        waiting.append(turn)
        try:
            async with self._slots.hold(card.slot, self._visitor):
                if turn in waiting:  # nobody has taken it along
                    if card.batch > 1:
                        await asyncio.sleep(0)  # let those that have become ready in the same moment queue up
                    batch = waiting[: card.batch]
                    del waiting[: card.batch]
                    for queued in batch:
                        queued.begin()
                    await self._run_together(batch)
            return await turn.result
        finally:
            if turn in waiting:
                waiting.remove(turn)
            turn.result.cancel()  # no effect on one that is set; else nobody is left to wait for it

    async def _run_together(self, turns: Sequence[QueuedCall]) -> None:
        """Run calls as one batch; what fails as a batch is tried one by one, so that one bad input spoils no other."""
        try:
            results = await self._run_timed(turns)
        except HuggingGPTError as error:
            if len(turns) == 1 or isinstance(error, DeadlineError):  # one by one they have no time left either
                for turn in turns:
                    _set_error(turn, error)
                return
            for turn in turns:
                await self._run_together([turn])
            return
        for turn, result in zip(turns, results, strict=True):
            if not turn.result.done():
                turn.result.set_result(result)

    async def _run_timed(self, turns: Sequence[QueuedCall]) -> Sequence[Result]:
        with ExitStack() as clocks:
            for turn in turns:
                clocks.enter_context(turn.clock.running())
            return await self._run_batch([turn.call for turn in turns], min(turn.clock.left for turn in turns))


def _set_error(turn: QueuedCall, error: HuggingGPTError) -> None:
    if not turn.result.done():
        turn.result.set_exception(error)
        turn.result.exception()  # reads it: asyncio logs an exception that nobody reads, and whoever waited may have gone
