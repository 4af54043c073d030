"""What the scheduler itself costs, as ratios measured side by side: ``python -m benchmarks.scheduling``.

The work of each task is a wait of fixed length, so that only the scheduling differs. The baselines: the same waits one
after the other (what a chain must take), and the same waits under a bare ``asyncio.gather`` (what independent tasks must
take).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.context import RequestContext, Session
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import Planned
from hugginggpt.core.model_card import Assignment, ModelCard
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.execution.scheduler import Scheduler
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.planning.repair import make_plan
from hugginggpt.workspace.workspace import Workspace


class Waiting:
    """A back end whose models wait and then repeat their text."""

    backend = "waiting"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """One model."""
        return [ModelCard("waiting", "summarization", self.backend, "waits")]

    async def run(self, call: Call) -> Result:
        """Wait."""
        await asyncio.sleep(self._seconds)
        return Result((Output(Kind.TEXT, text=call.text()),))


def plan(count: int, waits_for: Callable[[int], int | None]) -> Plan:
    """`count` tasks; task n takes the result of task `waits_for(n)`."""
    tasks = [
        {
            "task": "summarization",
            "id": n,
            "args": {"text": "x" if (before := waits_for(n)) is None else f"<resource>-{before}"},
        }
        for n in range(count)
    ]
    return make_plan(tasks, load_task_table())


async def timed(work: Coroutine[Any, Any, Any]) -> float:
    """Seconds that a coroutine takes."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def scheduled(tasks: Plan, seconds: float) -> float:
    """Seconds that the scheduler takes for a plan whose tasks take `seconds` each."""
    expert = Waiting(seconds)
    assignment = Assignment(tuple(expert.cards()), "the only one")

    async def assign(task: Task) -> Assignment:
        return assignment

    async def run(context: RequestContext) -> None:
        context.emit(Planned(tasks, 0.0))
        async with Scheduler(context, DeviceSlots()) as scheduler:
            for task in tasks.tasks:
                scheduler.start(task, assign)

    settings, controller = Settings(task_seconds=60), RulesController()
    with Workspace.create(settings) as workspace:
        session, request = Session(workspace), PlanRequest("Wait.")
        return await timed(
            run(RequestContext(request, session, settings, controller, controller, (expert,), lambda event: None))
        )


async def one_after_the_other(count: int, seconds: float) -> None:
    """The baseline of a chain."""
    for _ in range(count):
        await asyncio.sleep(seconds)


async def all_at_once(count: int, seconds: float) -> None:
    """The baseline of independent tasks."""
    await asyncio.gather(*(asyncio.sleep(seconds) for _ in range(count)))


async def main() -> None:
    """Print a row for each shape of plan."""
    wait = 0.05
    rows = [
        ("chain of 20", plan(20, lambda n: n - 1 if n else None), one_after_the_other(20, wait)),
        ("20 independent", plan(20, lambda n: None), all_at_once(20, wait)),
        ("1,000 independent", plan(1000, lambda n: None), all_at_once(1000, wait)),
    ]
    print(f"{'plan':18}  scheduler  baseline  ratio  own cost a task")
    for name, tasks, baseline in rows:
        bare = await timed(baseline)
        taken = await scheduled(tasks, wait)
        own = (taken - bare) / len(tasks.tasks) * 1000
        print(f"{name:18}  {taken:7.2f} s  {bare:6.2f} s  {taken / bare:5.2f}  {own:.2f} ms")
    idle = await scheduled(plan(1000, lambda n: n - 1 if n else None), 0.0)
    print(f"{'1,000 in a chain':18}  {idle:7.2f} s of which all is the scheduler's: {idle:.2f} ms a task")


if __name__ == "__main__":
    asyncio.run(main())
