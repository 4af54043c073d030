"""Many callers at once, beside one alone: ``python -m benchmarks.load``.

Starts app.py as a Space does, with a stand-in for the Hub, the router's language model and two hosted models that take half
a second a call. API callers have the built-in planner and two models in a row; visitors of the page a language model that
plans and answers, too. Each has an address of their own. Server, stand-in and callers share the machine's processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import httpx2

from benchmarks.load.app import App, app
from benchmarks.load.callers import ApiCaller, PageVisitor
from benchmarks.load.measure import Arrivals, End, Kind, Memory, measure, measure_alone, measure_end, measure_memory

KINDS: Final[Mapping[str, Kind]] = {"api": ApiCaller, "page": PageVisitor}
SPREAD_S: Final = 30.0
MAX_SPREAD_RATIO: Final = 1.3
MAX_AT_ONCE_RATIO: Final[Mapping[str, float]] = {"api": 4.0, "page": 6.0}
MAX_PAGE_PROCESSOR_MS: Final = 80.0
MAX_PAGE_FIRST_S: Final = 2.0
MAX_GROWTH_MB: Final = 10.0
"""Megabytes that two thousand requests may add to the memory: a process in use varies by that anyway."""
MAX_END_S: Final = 2.0
_PAGES_AT_END: Final = 20
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one kind of caller."""

    alone: Arrivals
    spread: Arrivals | None
    at_once: Arrivals


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure, and what it may be at most."""

    name: str
    value: float
    most: float

    @property
    def holds(self) -> bool:
        """Return whether it is kept."""
        return self.value <= self.most


async def measure_all(
    running: App, kinds: Sequence[str], callers: int, spread_s: float, requests: int
) -> tuple[Mapping[str, Figures], Memory | None, End]:
    """Measure each kind of caller, the memory over so many mixed requests (0: leave it out), and the end."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    timeout = httpx2.Timeout(300.0)
    async with httpx2.AsyncClient(base_url=running.url, limits=limits, timeout=timeout, trust_env=False) as http:
        figures = {name: await _measure_kind(running, http, KINDS[name], callers, spread_s) for name in kinds}
        memory = await measure_memory(running, http, requests) if requests else None
        return figures, memory, await measure_end(running, http, min(callers, _PAGES_AT_END))


async def _measure_kind(running: App, http: httpx2.AsyncClient, kind: Kind, callers: int, spread_s: float) -> Figures:
    alone = await measure_alone(running, http, kind, _ROUNDS)
    spread = await measure(running, http, kind, callers, spread_s) if spread_s else None
    return Figures(alone, spread, await measure(running, http, kind, callers, 0.0))


def check(figures: Mapping[str, Figures], memory: Memory | None, end: End) -> Sequence[Limit]:
    """Each figure that has a limit."""
    limits = []
    for name, each in figures.items():
        if each.spread:
            ratio = each.spread.p95_s / each.alone.p50_s
            limits.append(Limit(f"{name}: p95 of callers spread over a while / one alone", ratio, MAX_SPREAD_RATIO))
        ratio = each.at_once.p95_s / each.alone.p50_s
        limits.append(Limit(f"{name}: p95 of callers at once / one alone", ratio, MAX_AT_ONCE_RATIO[name]))
    if page := figures.get("page"):
        limits.append(Limit("page: processor of a request, ms", page.at_once.processor_ms, MAX_PAGE_PROCESSOR_MS))
        limits.append(Limit("page: p95 of the first sign of life at once, s", page.at_once.first_p95_s, MAX_PAGE_FIRST_S))
    if memory:
        growth = memory.after_mb - memory.before_mb
        limits.append(Limit(f"memory over {memory.requests} mixed requests, MB more", growth, MAX_GROWTH_MB))
    limits.append(Limit(f"end after SIGTERM with {end.pages} pages at work, s", end.seconds, MAX_END_S))
    limits.append(Limit("files of visitors that it leaves", end.files_left, 0))
    return limits


def table(figures: Mapping[str, Figures]) -> str:
    """A row for each way of arriving."""
    rows = [f"{'':22} callers    p50 s    p95 s  first p95 s  processor ms a request"]
    for name, each in figures.items():
        for way, taken in (("alone", each.alone), ("spread", each.spread), ("at once", each.at_once)):
            if taken:
                rows.append(
                    f"{name + ', ' + way:22} {taken.count:7} {taken.p50_s:8.2f} {taken.p95_s:8.2f} {taken.first_p95_s:12.2f} "
                    f"{taken.processor_ms:10.0f}"
                )
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="who calls (both)")
    parser.add_argument("--callers", type=int, default=100, help="how many (100)")
    parser.add_argument("--spread", type=float, default=SPREAD_S, help="in how many seconds they come (30; 0: left out)")
    parser.add_argument("--delay", type=float, default=0.5, help="what every call of a model takes, in seconds (0.5)")
    parser.add_argument("--requests", type=int, default=2_000, help="mixed ones, for the memory (2000; 0: left out)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args(arguments)
    with app(chosen.delay) as running:
        measured = measure_all(running, chosen.kinds, chosen.callers, chosen.spread, chosen.requests)
        figures, memory, end = asyncio.run(measured)
    limits = check(figures, memory, end)
    if chosen.json:
        kinds = {name: asdict(each) for name, each in figures.items()}
        checked = [asdict(each) | {"holds": each.holds} for each in limits]
        print(
            json.dumps({**kinds, "memory": asdict(memory) if memory else None, "end": asdict(end), "limits": checked}, indent=1)
        )
        return
    print(table(figures))
    if memory:
        print(f"memory {memory.before_mb:.0f} MB -> {memory.after_mb:.0f} MB, {memory.processor_ms:.0f} ms a mixed request")
    for each in limits:
        print(f"{'holds ' if each.holds else 'FAILS '} {each.name}: {each.value:.2f} (at most {each.most:g})")


if __name__ == "__main__":
    main()
