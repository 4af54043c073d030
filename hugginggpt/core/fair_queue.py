"""Fair queue: places shared by several parties, given to each in turn, however much one of them has asked for.

Start-time fair queuing (Goyal, Vin, Cheng 1996) with equal weights: a ticket is tagged with the round in which it would be
served if all parties took turns, and the smallest tag goes first. So the first ticket of who has just come waits for what
runs now, not behind fifty of another party's; tickets of one party keep their order.
"""

import asyncio
import itertools
from bisect import insort
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(order=True)
class Ticket:
    """A party's claim to one place, which waits until it is granted."""

    round: int
    number: int
    """Order of arrival among all tickets."""
    party: str = field(compare=False)
    granted: bool = field(default=False, compare=False)
    changed: asyncio.Event = field(default_factory=asyncio.Event, compare=False, repr=False)
    """Set when the ticket is granted, and when it moves up in the queue."""


class FairQueue:
    """Queue for a number of places, fair among parties; for one event loop."""

    def __init__(self, capacity: int, *, max_per_party: int | None = None) -> None:
        """Create a queue.

        Args:
            capacity: Number of places.
            max_per_party: Most places that one party may hold; None: all.
        """
        self._free = capacity
        self._max_per_party = max_per_party or capacity
        self._round = 0
        self._numbers = itertools.count()
        self._held: Counter[str] = Counter()
        self._waiting: list[Ticket] = []  # sorted
        self._rounds: dict[str, int] = {}
        """Round after a party's last ticket, for parties that hold a place or wait for one."""

    def count_held(self, party: str) -> int:
        """Return the number of places that a party holds."""
        return self._held[party]

    def count_waiting(self, party: str) -> int:
        """Return the number of a party's tickets that wait."""
        return sum(ticket.party == party for ticket in self._waiting)

    @property
    def total_waiting(self) -> int:
        """Number of tickets of all parties that wait."""
        return len(self._waiting)

    def enter(self, party: str) -> Ticket:
        """Return a ticket, granted at once where a place is free; give it to `leave` in any case."""
        ticket = Ticket(max(self._round, self._rounds.get(party, 0)), next(self._numbers), party)
        self._rounds[party] = ticket.round + 1
        insort(self._waiting, ticket)
        self._grant()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Return a ticket, granted or not, and grant its place to the next one."""
        if ticket.granted:
            self._free += 1
            self._held[ticket.party] -= 1
        else:
            self._waiting.remove(ticket)
            self._notify_waiting()
        if not self._held[ticket.party]:
            del self._held[ticket.party]
            if not self.count_waiting(ticket.party):
                del self._rounds[ticket.party]  # nothing is kept of who is gone
        self._grant()

    def count_before(self, ticket: Ticket) -> int:
        """Return the number of tickets before one that waits."""
        return self._waiting.index(ticket)

    async def wait(self, ticket: Ticket) -> AsyncGenerator[int]:
        """Yield the number of tickets before this one, whenever it changes, until this one is granted."""
        last_position = -1
        while not ticket.granted:
            if (position := self.count_before(ticket)) != last_position:
                yield (last_position := position)
            else:
                await ticket.changed.wait()
                ticket.changed.clear()

    @asynccontextmanager
    async def hold(self, party: str) -> AsyncGenerator[None]:
        """Wait for a place and hold it."""
        ticket = self.enter(party)
        try:
            async for _ in self.wait(ticket):
                pass
            yield
        finally:
            self.leave(ticket)

    def _grant(self) -> None:
        while self._free and (ticket := self._find_next()):
            self._waiting.remove(ticket)
            self._free -= 1
            self._held[ticket.party] += 1
            self._round = max(self._round, ticket.round)
            ticket.granted = True
            ticket.changed.set()
            self._notify_waiting()

    def _find_next(self) -> Ticket | None:
        return next((ticket for ticket in self._waiting if self._held[ticket.party] < self._max_per_party), None)

    def _notify_waiting(self) -> None:
        for ticket in self._waiting:
            ticket.changed.set()
