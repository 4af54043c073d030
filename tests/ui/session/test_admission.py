"""Who may have how many requests, and what those hear who have to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hugginggpt.core.events import Answered, Event, Notice, RequestFailed
from hugginggpt.core.settings import Settings
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.admission import Admission, AdmissionError, describe_waiting


def admission(tmp_path: Path, *, catch_up_seconds: float = 60.0, **limits: float) -> Admission:
    settings = Settings(sessions=tmp_path, **{"visitor_calls": 2, "visitor_waiting": 1, "max_calls": 3, **limits})
    return Admission(settings, catch_up_seconds=catch_up_seconds)


class Holder:
    """Requests that are held until they are let go."""

    def __init__(self, admission: Admission) -> None:
        self.admission, self.inside = admission, list[str]()
        self.over = asyncio.Event()

    async def hold(self, visitor: str) -> None:
        async with self.admission.admit(visitor):
            self.inside.append(visitor)
            await self.over.wait()

    async def begin(self, *visitors: str) -> list[asyncio.Task[None]]:
        begun = [asyncio.create_task(self.hold(visitor)) for visitor in visitors]
        await asyncio.sleep(0.01)
        return begun


async def test_a_visitor_with_too_many_requests_hears_when_to_come_again_and_others_go_on(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path))
    tasks = await holder.begin("a", "a", "a")
    assert holder.inside == ["a", "a"]
    with pytest.raises(AdmissionError, match=r"You have 3 requests under way or waiting.* come again in about \d+ s"):
        await holder.hold("a")
    tasks += await holder.begin("b")
    assert holder.inside == ["a", "a", "b"]
    holder.over.set()
    await asyncio.gather(*tasks)
    assert holder.inside.count("a") == 3


async def test_a_place_that_becomes_free_goes_to_who_has_none(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path, visitor_waiting=50, max_calls=2))
    running = await holder.begin("a", "a")
    waiting = await holder.begin(*["a"] * 40, "b")
    running[0].cancel()
    await asyncio.sleep(0.01)
    assert holder.inside == ["a", "a", "b"]
    holder.over.set()
    await asyncio.gather(*waiting)


async def test_all_visitors_together_may_wait_so_often_and_who_comes_then_hears_when_to_come_again(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path, max_calls=1, max_waiting=2))
    tasks = await holder.begin("a", "b", "c")
    with pytest.raises(AdmissionError, match=r"2 requests of all visitors wait here already.* come again in about \d+ s"):
        await holder.hold("d")
    holder.over.set()
    await asyncio.gather(*tasks)
    await holder.hold("d")
    assert holder.inside == ["a", "b", "c", "d"]


async def test_where_nobody_may_wait_a_free_place_is_taken_all_the_same(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path, max_calls=1, max_waiting=0))
    tasks = await holder.begin("a")
    with pytest.raises(AdmissionError, match="of all visitors"):
        await holder.hold("b")
    holder.over.set()
    await asyncio.gather(*tasks)
    assert holder.inside == ["a"]


async def test_who_hangs_up_while_waiting_gives_the_place_in_the_queue_back(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path))
    tasks = await holder.begin("a", "a", "a")
    tasks[2].cancel()
    await asyncio.sleep(0.01)
    tasks += await holder.begin("a")  # refused, if the other still counted
    holder.over.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [type(None), type(None), asyncio.CancelledError, type(None)]


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    holder = Holder(admission(tmp_path, wait_seconds=0.05))
    tasks = await holder.begin("a", "a")
    with pytest.raises(AdmissionError, match=r"waited 0\.05 s without its turn"):
        await holder.hold("a")
    holder.over.set()
    await asyncio.gather(*tasks)


async def events(*told: Event) -> AsyncIterator[Event]:
    for event in told:
        yield event


async def test_on_the_page_it_waits_in_the_stream_and_a_refusal_is_in_the_visitors_language(tmp_path: Path) -> None:
    chosen = admission(tmp_path)
    holder = Holder(chosen)
    tasks = await holder.begin("a", "a")
    heard: list[int | None] = []

    async def read(visitor: str) -> list[Event]:
        stream = events(Notice("Well."), Answered("Done."))
        return [event async for event in chosen.admit_stream(visitor, stream, heard.append, Words("zh"))]

    waiting = asyncio.create_task(read("a"))
    await asyncio.sleep(0.01)
    assert heard == [0]
    (refused,) = await read("a")
    assert isinstance(refused, RequestFailed)
    assert "你有 3 个请求" in refused.error
    holder.over.set()
    assert await waiting == [Notice("Well."), Answered("Done.")]
    assert heard == [0, None]
    await asyncio.gather(*tasks)


async def busy(log: list[str], pieces: int) -> None:
    """Keep the event loop late with work in small pieces."""
    for _ in range(pieces):
        time.sleep(0.02)  # noqa: ASYNC251 - that is what is wanted
        await asyncio.sleep(0)
    log.append("caught up")


async def test_the_work_of_who_comes_in_a_crowd_begins_when_the_page_has_answered_the_others(tmp_path: Path) -> None:
    log: list[str] = []
    crowd = asyncio.create_task(busy(log, 10))
    async for event in admission(tmp_path).admit_stream("a", events(Notice("Well.")), lambda before: None, Words()):
        log.append(type(event).__name__)
    await crowd
    assert log == ["caught up", "Notice"]


async def test_a_page_that_is_always_busy_works_all_the_same(tmp_path: Path) -> None:
    log: list[str] = []
    crowd = asyncio.create_task(busy(log, 10_000))
    chosen = admission(tmp_path, catch_up_seconds=0.1)
    told = [event async for event in chosen.admit_stream("a", events(Notice("Well.")), lambda before: None, Words())]
    crowd.cancel()
    assert (told, log) == ([Notice("Well.")], [])


def test_the_sentence_about_waiting_counts() -> None:
    said = [describe_waiting(before, Words()) for before in (0, 1, 2)]
    assert said == [
        "Waiting for a free place: this request is next.",
        "Waiting for a free place: one request is before this one.",
        "Waiting for a free place: 2 requests are before this one.",
    ]
