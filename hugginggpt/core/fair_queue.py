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
    """A party's claim to one place: it waits for it, then holds it."""

    round: int
    number: int
    """Of all tickets in the order in which they came."""
    party: str = field(compare=False)
    granted: bool = field(default=False, compare=False)
    changed: asyncio.Event = field(default_factory=asyncio.Event, compare=False, repr=False)
    """Set when it is granted, or when fewer are before it."""


class FairQueue:
    """Places that parties take turns for; for one event loop."""

    def __init__(self, places: int, *, each: int | None = None) -> None:
        """Set it up.

        Args:
            places: How many there are.
            each: How many of them one party may hold; None: all.
        """
        self._free = places
        self._each = each or places
        self._round = 0
        self._numbers = itertools.count()
        self._held: Counter[str] = Counter()
        self._waiting: list[Ticket] = []  # sorted
        self._rounds: dict[str, int] = {}
        """The round after a party's last ticket; of those alone who hold or wait for something."""

    def count_held(self, party: str) -> int:
        """Return how many places a party holds."""
        return self._held[party]

    def count_waiting(self, party: str) -> int:
        """Return how many tickets of a party wait."""
        return sum(ticket.party == party for ticket in self._waiting)

    def enter(self, party: str) -> Ticket:
        """Return a ticket, granted where a place is free; to be given to `leave` in any case."""
        ticket = Ticket(max(self._round, self._rounds.get(party, 0)), next(self._numbers), party)
        self._rounds[party] = ticket.round + 1
        insort(self._waiting, ticket)
        self._grant()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give back a ticket, whether it was granted or not."""
        if ticket.granted:
            self._free += 1
            self._held[ticket.party] -= 1
        else:
            self._waiting.remove(ticket)
            self._tell()
        if not self._held[ticket.party]:
            del self._held[ticket.party]
            if not self.count_waiting(ticket.party):
                del self._rounds[ticket.party]  # nothing is kept of who is gone
        self._grant()

    def count_before(self, ticket: Ticket) -> int:
        """Return how many tickets are before one that waits."""
        return self._waiting.index(ticket)

    async def wait(self, ticket: Ticket) -> AsyncGenerator[int]:
        """Yield how many tickets are before this one, whenever that changes, until it is granted."""
        told = -1
        while not ticket.granted:
            if (before := self.count_before(ticket)) != told:
                yield (told := before)
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
            self._tell()

    def _find_next(self) -> Ticket | None:
        return next((ticket for ticket in self._waiting if self._held[ticket.party] < self._each), None)

    def _tell(self) -> None:
        for ticket in self._waiting:
            ticket.changed.set()
