"""Work on a request: whoever looks sees it grow, it goes on while a page is reloaded, and it ends when it is to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from hugginggpt.core.events import Event, ModelRef, ModelSelected, Notice, RequestDone, RequestFailed, RequestStarted, TaskDone
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.planning.approval import Approved, Proposal
from hugginggpt.ui.session import background_run as runs
from hugginggpt.ui.session.background_run import ApprovalGate, BackgroundRun, RunWorker

STARTED, DONE = RequestStarted("Do it.", (), "somebody"), RequestDone(1.0)
MODEL = ModelRef("somebody/model", "bundled")
TEXT = Resource("text-1", Kind.TEXT, Origin("task", "summarization", 0), text="word " * 100_000)  # its beginning is shown


async def short() -> AsyncGenerator[Event, None]:
    yield STARTED
    await asyncio.sleep(0.01)
    yield DONE


async def stuck(ended: list[str]) -> AsyncGenerator[Event, None]:
    try:
        yield STARTED
        await asyncio.sleep(60)
        yield DONE
    finally:
        ended.append("ended")


async def test_a_follower_sees_each_event_and_then_the_end() -> None:
    work = RunWorker(BackgroundRun("Do it."), short())
    seen = [count async for count in work.follow()]
    assert seen[-1] == 2
    assert work.run.finished
    assert work.run.recording.events == (STARTED, DONE)
    assert work.run.recording.times[0] == 0.0 < work.run.recording.times[1]
    assert not work.run.stopped


async def test_a_second_follower_sees_all_of_it_too() -> None:
    work = RunWorker(BackgroundRun("Do it."), short())
    async for _ in work.follow():
        break  # the page is reloaded
    assert [count async for count in work.follow()][-1] == 2


async def test_stopped_work_has_ended_when_stop_returns() -> None:
    ended: list[str] = []
    work = RunWorker(BackgroundRun("Do it."), stuck(ended))
    async for _ in work.follow():
        if work.run.events:
            break
    await work.stop()
    assert ended == ["ended"]
    assert work.run.stopped
    assert work.run.finished


async def test_work_that_nobody_looks_at_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "ABANDON_SECONDS", 1.0)
    ended: list[str] = []
    work = RunWorker(BackgroundRun("Do it."), stuck(ended))
    async for _ in work.follow():
        if work.run.events:
            break
    await asyncio.sleep(0.6)
    async for _ in work.follow():  # somebody has come back in time
        break
    await asyncio.sleep(0.5)
    assert not ended
    for _ in range(1_500):
        if not ended:
            await asyncio.sleep(0.02)
    assert ended == ["ended"]


async def test_a_follower_is_heard_of_when_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "HEARTBEAT_SECONDS", 0.01)
    work, heard = RunWorker(BackgroundRun("Do it."), stuck([])), list[int]()
    async for count in work.follow():
        heard.append(count)
        if len(heard) > 4:
            break
    assert heard[-3:] == [1, 1, 1]  # Gradio notices a closed tab only when it has something to send
    await work.stop()


async def test_work_that_never_began_is_over_when_it_is_stopped() -> None:
    work = RunWorker(BackgroundRun("Do it."), stuck([]))
    await work.stop()
    assert (work.run.finished, work.run.stopped) == (True, True)


async def test_stopping_twice_does_not_stop_the_clearing_up() -> None:
    cleared: list[bool] = []

    async def slow() -> AsyncGenerator[Event, None]:
        try:
            yield STARTED
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            cleared.append(True)

    work = RunWorker(BackgroundRun("Do it."), slow())
    async for _ in work.follow():
        if work.run.events:
            break
    await asyncio.gather(work.stop(), work.stop())
    assert cleared == [True]


async def test_a_fault_in_our_own_code_ends_the_run_and_is_told() -> None:
    async def broken() -> AsyncGenerator[Event, None]:
        yield STARTED
        raise KeyError("secret")

    work = RunWorker(BackgroundRun("Do it."), broken())
    assert [count async for count in work.follow()]
    assert work.run.has_failed
    (failed,) = (event for event in work.run.events if isinstance(event, RequestFailed))
    assert "secret" not in failed.error


async def test_a_gate_holds_a_proposal_until_it_is_opened() -> None:
    gate, proposal = ApprovalGate(), Proposal(Plan(()), {})
    waiting = asyncio.create_task(gate(proposal))
    await asyncio.sleep(0)
    assert gate.proposal is proposal
    gate.open(Approved(proposal.plan))
    gate.open(Approved(proposal.plan))  # a second click
    assert await waiting == Approved(proposal.plan)
    assert gate.proposal is None


async def test_a_gate_is_empty_again_when_the_request_is_stopped() -> None:
    gate = ApprovalGate()
    waiting = asyncio.create_task(gate(Proposal(Plan(()), {})))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert gate.proposal is None
    gate.open(Approved(Plan(())))


def test_an_event_that_comes_alone_needs_no_clock() -> None:
    assert BackgroundRun("Do it.", events=[Notice("one")], times=[0.0]).recording.times == (0.0,)


def test_an_event_whose_time_is_not_known_yet_comes_with_the_next_view() -> None:
    run = BackgroundRun("Do it.", events=[STARTED, Notice("Wait.")], times=[0.0])  # as a thread may meet it
    assert run.recording.events == (STARTED,)
    run.times.append(0.1)
    assert run.recording.events == (STARTED, Notice("Wait."))


@pytest.mark.parametrize(
    ("event", "is_long"),
    [
        (Notice("A sentence."), False),
        (Notice("word " * 3_000), True),
        (ModelSelected(0, MODEL, "It is the first.", (MODEL,) * 5), False),
        (ModelSelected(0, MODEL, "It is the first.", (MODEL,) * 5_000), True),
        (TaskDone(0, MODEL, (TEXT,), 0.1), False),
        (TaskDone(0, MODEL, (replace(TEXT, data={"boxes": [[0.5] * 4] * 1_000}),), 0.1), True),
    ],
)
def test_a_run_is_long_by_what_is_drawn_of_it(event: Event, is_long: bool) -> None:
    run = BackgroundRun("Do it.", events=[STARTED])
    assert not run.is_long
    run.events.append(event)
    assert run.is_long is is_long
