"""Plans the requests, one after the other or several at a time, and keeps each outcome as soon as it is there."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from tqdm import tqdm

from benchmarks.planning.items import BenchmarkError, Item
from benchmarks.planning.results import Outcome, Results
from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.core.errors import ControllerError, DeadlineError, PlanError, RequestError
from hugginggpt.core.events import Notice, Usage
from hugginggpt.core.tasks import load_task_table
from hugginggpt.planning.repair import make_plan

FAILURES_IN_A_ROW: Final = 3
"""After so many the server is taken to be down."""


async def plan_item(controller: Controller, item: Item) -> Outcome:
    """Plan one request, once.

    Raises:
        ControllerError: The server failed: that says nothing of the plan.
        DeadlineError: Likewise.
    """
    raw: list[Any] = []
    usages: list[Usage] = []
    plan, refused, in_words = None, "", False
    begun = time.perf_counter()
    try:
        async for piece in controller.plan(PlanRequest(item.request, item.attached, item.turns)):
            if isinstance(piece, Usage):
                usages.append(piece)
            elif not isinstance(piece, str | Notice):  # a direct answer in words plans nothing
                raw.append(piece)
        plan = make_plan(raw, load_task_table(), item.attached).as_json()
    except RequestError as error:
        refused, in_words = str(error), True
    except PlanError as error:
        refused = str(error)
    except (ControllerError, DeadlineError):
        raise
    except Exception as error:  # whatever breaks a planner must not end a benchmark of hours
        refused = f"The planner broke ({type(error).__name__})."
    return Outcome(
        id=item.id,
        digest=item.digest,
        seconds=round(time.perf_counter() - begun, 6),
        plan=plan,
        refused=refused,
        in_words=in_words,
        prompt_tokens=sum(usage.prompt_tokens for usage in usages) if usages else None,
        completion_tokens=sum(usage.completion_tokens for usage in usages) if usages else None,
    )


async def plan_all(controller: Controller, items: Sequence[Item], results: Results, *, parallel: int = 1) -> int:
    """Plan the requests that are not done yet.

    Args:
        controller: Plans them.
        items: All that are to be planned.
        results: Where the outcomes go; what is there is skipped.
        parallel: How many at a time.

    Returns:
        How many failed at the server and can be tried again; each is told on stderr.

    Raises:
        BenchmarkError: The server failed several times in a row, or the results can't be kept.
    """
    waiting = iter([item for item in items if item.id not in results.done])
    failed, in_a_row, stopped = 0, 0, ""

    async def work(bar: tqdm[Any]) -> None:
        nonlocal failed, in_a_row
        for item in waiting:
            try:
                results.append(await plan_item(controller, item))
            except (ControllerError, DeadlineError) as error:
                failed, in_a_row = failed + 1, in_a_row + 1
                tqdm.write(f"{item.id}: {error}", file=sys.stderr)
                if in_a_row == FAILURES_IN_A_ROW:
                    raise BenchmarkError(f"{in_a_row} requests in a row failed, so the benchmark stopped. {error}") from error
            else:
                in_a_row = 0
                bar.update()
            await asyncio.sleep(0)  # the built-in planner waits for nothing, and Ctrl-C would have to wait for its end

    done = sum(item.id in results.done for item in items)
    # disable=None: a bar is for a terminal, not for a log
    with tqdm(total=len(items), initial=done, unit="plan", file=sys.stderr, disable=None) as bar:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(parallel):
                    group.create_task(work(bar))
        except* BenchmarkError as group_of_one:
            stopped = str(group_of_one.exceptions[0])
    if stopped:
        raise BenchmarkError(stopped)
    return failed
