"""Who goes next where several parties want more than there is."""

from __future__ import annotations

import asyncio

import pytest

from hugginggpt.core.fair_queue import FairQueue, Ticket


def order(queue: FairQueue, held: Ticket, waiting: list[Ticket]) -> list[str]:
    """Who is served, one after the other, on a single place."""
    served = []
    while True:
        queue.leave(held)
        held = next((ticket for ticket in waiting if ticket.granted), held)
        if held not in waiting:
            return served
        waiting.remove(held)
        served.append(held.party)


def test_who_has_just_come_waits_for_what_runs_and_not_behind_all_that_another_has_asked_for() -> None:
    queue = FairQueue(1)
    running = queue.enter("many")
    waiting = [queue.enter("many") for _ in range(50)] + [queue.enter("one")]
    assert running.granted
    assert order(queue, running, waiting)[:2] == ["one", "many"]


def test_parties_take_turns_and_each_keeps_its_order() -> None:
    queue = FairQueue(1)
    running = queue.enter("other")
    waiting = [queue.enter(party) for party in ("a", "a", "a", "b", "b", "c")]
    assert order(queue, running, waiting) == ["a", "b", "c", "a", "b", "a"]


def test_nobody_holds_more_than_their_share_however_much_is_free() -> None:
    queue = FairQueue(10, max_per_party=2)
    tickets = [queue.enter("a") for _ in range(4)]
    assert [ticket.granted for ticket in tickets] == [True, True, False, False]
    assert queue.enter("b").granted
    queue.leave(tickets[0])
    assert [ticket.granted for ticket in tickets[1:]] == [True, True, False]
    assert (queue.count_held("a"), queue.count_waiting("a")) == (2, 1)


async def test_who_waits_hears_how_many_are_before_them() -> None:
    queue, heard = FairQueue(1), []

    async def wait(ticket: Ticket) -> None:
        async for before in queue.wait(ticket):
            heard.append(before)

    running, first, second = (queue.enter(party) for party in "abc")
    waiter = asyncio.create_task(wait(second))
    await asyncio.sleep(0)
    queue.leave(first)  # it has hung up
    await asyncio.sleep(0)
    queue.leave(running)
    await waiter
    assert heard == [1, 0]
    assert second.granted


async def test_who_hangs_up_while_they_wait_leaves_nothing_behind() -> None:
    queue = FairQueue(1)
    running = queue.enter("a")

    async def hold() -> None:
        async with queue.hold("b"):
            raise AssertionError("it has no place")

    waiter = asyncio.create_task(hold())
    await asyncio.sleep(0)
    assert queue.count_waiting("b") == 1
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    queue.leave(running)
    assert queue.enter("c").granted
    assert not queue._rounds.keys() & {"a", "b"}  # of who is gone nothing is kept
