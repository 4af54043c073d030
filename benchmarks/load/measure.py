"""Waiting times of callers who come one by one, spread over a while, and all at once; and the memory that the server keeps."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from benchmarks.load.app import App
from benchmarks.load.callers import ApiCaller, Caller, Layout, LoadError, PageVisitor, Taken

_SETTLE_SECONDS: Final = 2.0
_MIXED_AT_ONCE: Final = 16
_MIXED_WARM_UP: Final = 300
"""Mixed requests before the memory is looked at: more than calls whose files are kept, which fill it up to there."""
_MAX_END_SECONDS: Final = 60.0
_WRONG_TASK: Final = "dancing"

Visitor = ApiCaller | PageVisitor
Kind = Callable[[Caller, Layout], Visitor]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Requests that have come in a certain way."""

    count: int
    p50_s: float
    p95_s: float
    first_p95_s: float
    """To the first sign of life."""
    processor_ms: float
    """Of the server, for each request."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The server's memory before and after mixed requests, in MiB."""

    requests: int
    before_mb: float
    after_mb: float
    processor_ms: float


@dataclass(frozen=True, slots=True)
class End:
    """Figures of an end by SIGTERM while pages are open."""

    pages: int
    seconds: float
    """Until the process is gone."""
    files_left: int
    """Files of visitors on the disk afterwards."""


async def measure(app: App, http: httpx2.AsyncClient, kind: Kind, count: int, within_s: float) -> Arrivals:
    """Have some visitors ask, each once.

    Args:
        app: Whom.
        http: Their connections.
        kind: What they are.
        count: How many they are.
        within_s: In what time they come, evenly; 0: all at once.
    """
    layout = await Layout.read(http)
    visitors = [kind(Caller(http), layout) for _ in range(count)]
    for visitor in visitors:  # one after the other: how they come to the page is not what is measured
        await visitor.prepare()
    await asyncio.sleep(_SETTLE_SECONDS / 4)
    before = app.processor_s
    asked = await asyncio.gather(*(_later(visitor.ask, within_s * n / count) for n, visitor in enumerate(visitors)))
    used = app.processor_s - before
    whole, first = [each.whole_s for each in asked], [each.first_s for each in asked]
    return Arrivals(count, statistics.median(whole), _p95(whole), _p95(first), used / count * 1000)


async def _later(ask: Callable[[], Awaitable[Taken]], seconds: float) -> Taken:
    await asyncio.sleep(seconds)
    return await ask()


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]


async def measure_alone(app: App, http: httpx2.AsyncClient, kind: Kind, rounds: int) -> Arrivals:
    """Have some visitors ask, one after the other has gone; the first of all loads what is loaded late, and doesn't count."""
    each = [await measure(app, http, kind, 1, 0.0) for _ in range(rounds + 1)][1:]
    whole = [taken.p50_s for taken in each]
    first, used = (statistics.median(getattr(taken, name) for taken in each) for name in ("first_p95_s", "processor_ms"))
    return Arrivals(rounds, statistics.median(whole), statistics.median(whole), first, used)


async def measure_memory(app: App, http: httpx2.AsyncClient, count: int) -> Memory:
    """Make mixed calls of the API, right and wrong ones, each in a session of its own, and weigh the server."""
    layout = await Layout.read(http)
    await _mix(http, layout, _MIXED_WARM_UP)
    await asyncio.sleep(_SETTLE_SECONDS)
    before, used = app.memory_mb, app.processor_s
    await _mix(http, layout, count)
    await asyncio.sleep(_SETTLE_SECONDS)
    return Memory(count, before, app.memory_mb, (app.processor_s - used) / count * 1000)


async def measure_end(app: App, http: httpx2.AsyncClient, pages: int) -> End:
    """Tell the server to end while as many pages hold a stream open and work is under way for them; it is gone after that."""
    layout = await Layout.read(http)
    visitors = [PageVisitor(Caller(http), layout) for _ in range(pages)]
    for visitor in visitors:
        await visitor.prepare()
    working = [asyncio.create_task(visitor.ask()) for visitor in visitors]
    await asyncio.sleep(_SETTLE_SECONDS)
    begun = time.perf_counter()
    app.process.terminate()
    await asyncio.to_thread(app.process.wait, _MAX_END_SECONDS)
    seconds = time.perf_counter() - begun
    for each in working:
        each.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    left = [path for path in (app.log.parent / "tmp").rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    return End(pages, seconds, len(left))


async def _mix(http: httpx2.AsyncClient, layout: Layout, count: int) -> None:
    places = asyncio.Semaphore(_MIXED_AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await _MIXED[number % len(_MIXED)](Caller(http), layout)

    await asyncio.gather(*map(one, range(count)))


async def _run(caller: Caller, layout: Layout) -> None:
    await ApiCaller(caller, layout).ask()


async def _plan(caller: Caller, layout: Layout) -> None:
    await caller.call(layout.event("", "plan", ["Say hello aloud.", None]))


async def _list_tasks(caller: Caller, layout: Layout) -> None:
    await caller.call(layout.event("", "list_tasks", []))


async def _list_models(caller: Caller, layout: Layout) -> None:
    await caller.call(layout.event("", "list_models", ["translation"]))


async def _ask_wrongly(caller: Caller, layout: Layout) -> None:
    try:
        await caller.call(layout.event("", "list_models", [_WRONG_TASK]))
    except LoadError:
        return
    raise LoadError("A task that there is not has been found.")


_MIXED: Final = (_run, _plan, _list_tasks, _list_models, _ask_wrongly)
