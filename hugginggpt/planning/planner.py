"""Stage 1: read a controller's plan while it is being written, and ask once more where it can't be used.

Source: arXiv 2303.17580, section 3.1.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import BrokenOffError, DeadlineError, HuggingGPTError, PlanError, RequestError
from hugginggpt.core.events import AnswerDelta, Notice, Usage
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.settings import Settings
from hugginggpt.planning.incremental import IncrementalPlan


@dataclass(frozen=True, slots=True)
class PlanEnd:
    """End of a plan: the last item of every planning that does not raise."""

    plan: Plan
    """Repaired; tasks of an earlier plan that stay stand in it, too."""
    answer: str = ""
    """The controller's own answer, where it needs no task."""
    complete: bool = True
    """True if nothing of the plan is known to be missing."""


PlanItem = Task | AnswerDelta | Usage | Notice | PlanEnd
"""A task that can start already, words of an answer, the usage of a call, a notice, or the end."""


_KEPT_CHARS: Final = 500  # of a request that is refused for its length
_END: Final = object()  # unlike None, no controller can yield it


class Planner:
    """Reader of one plan from a controller."""

    def __init__(self, context: RequestContext, request: PlanRequest | None = None, kept: Sequence[Task] = ()) -> None:
        """Set up the planning of one request.

        Args:
            context: The request's; its controller plans.
            request: What is asked for, with a complaint where there was a plan before; by default the context's own.
            kept: Tasks of an earlier plan that stay; they stand in the plan that comes out.
        """
        self._context = context
        self._request = request or context.request
        self._earlier_tasks = tuple(kept)
        self._released: tuple[Task, ...] = ()
        """Tasks that can start already, after the kept ones; () while there is none."""
        self._answer_pieces: list[str] = []
        self._deadline = 0.0
        """Deadline of the plan over all attempts, by the loop's clock."""
        self._answer_deadline: float | None = None
        """Deadline of an answer; None before its first word."""

    async def stream_items(self) -> AsyncGenerator[PlanItem]:
        """Yield the plan's parts as soon as each is known, and then the whole plan.

        Raises:
            HuggingGPTError: There is no plan; the message says why. Tasks that were yielded before may go on.
        """
        self._deadline = asyncio.get_running_loop().time() + self._context.settings.plan_seconds
        try:
            async with aclosing(self._ask_with_retry()) as items:  # generators are closed at once, not when they are collected
                async for item in items:
                    yield item
        except TimeoutError as error:
            if isinstance(error, HuggingGPTError):  # DeadlineError is a TimeoutError, too, and has its own sentence
                raise
            settings, name = self._context.settings, self._context.controller.name
            seconds, doing = (settings.respond_seconds, "answer") if self._answer_deadline else (settings.plan_seconds, "plan")
            message = f"{name} took longer than {seconds:g} s to {doing}: try again, or another model."
            if not self._is_answer_only:  # words that were shown are an answer already, tasks without an end no plan
                raise DeadlineError(message) from error
            for item in self._end_cut_answer(message):
                yield item

    async def _ask_with_retry(self) -> AsyncGenerator[PlanItem]:
        """Ask for the plan; for one that can't be used once more with the complaint, and then the built-in planner."""
        context, request = self._context, self._request
        try:
            async with aclosing(self._read_reply(context.controller, request, self._earlier_tasks)) as items:
                async for item in items:
                    yield item
            return
        except (PlanError, BrokenOffError) as error:  # a refused request or a failed server is not asked again
            failure = error  # Python unbinds `error` at the end of the clause
        if self._is_answer_only:  # asking again would write a second answer over the first
            for item in self._end_cut_answer(str(failure)):
                yield item
            return
        kept = self._released or self._earlier_tasks
        steps = tuple(step for step in context.steps if step.task in kept)
        retry = replace(request, complaint=str(failure), steps=steps)
        try:
            async with aclosing(self._read_reply(context.controller, retry, kept)) as items:
                async for item in items:
                    # where the first reply only broke off, and there is nothing to add, it had come to its last task
                    if isinstance(item, PlanEnd) and isinstance(failure, PlanError) and len(item.plan.tasks) == len(kept) > 0:
                        yield Notice(f"The rest of the plan is missing: {failure}")
                        item = replace(item, complete=False)
                    yield item
            return
        except PlanError as error:
            if kept or self._released or context.fallback is context.controller:  # tasks run already: another plan would clash
                raise
            second_error = error
        async with aclosing(self._fall_back(second_error)) as items:
            async for item in items:
                yield item

    async def _fall_back(self, refusal: PlanError) -> AsyncGenerator[PlanItem]:
        """Yield the built-in planner's plan; raise `refusal` where that fails, too."""
        context = self._context
        try:
            async with aclosing(self._read_reply(context.fallback, self._request, ())) as items:
                async for item in items:
                    if isinstance(item, PlanEnd):
                        name = context.controller.name
                        yield Notice(f"{name} made no plan that can be used ({refusal}); this one is built in.")
                    yield item
        except HuggingGPTError:
            raise refusal from None  # its sentence is about the request, the second one's about the fallback

    async def _read_reply(self, controller: Controller, request: PlanRequest, kept: Sequence[Task]) -> AsyncGenerator[PlanItem]:
        """Read one reply to its end."""
        context = self._context
        plan = IncrementalPlan(context.table, request.attached, max_tasks=context.settings.max_tasks, kept=kept)
        self._answer_pieces.clear()  # words of a try that failed are no answer
        async with aclosing(controller.plan(request)) as items:
            while True:
                # not one timeout around all: whoever consumes the items may take its time between two of them
                async with asyncio.timeout_at(self._answer_deadline or self._deadline):
                    item: Any = await anext(items, _END)
                if item is _END:
                    break
                if isinstance(item, Usage | Notice):
                    yield item
                elif isinstance(item, str):
                    if not kept:  # beside tasks that were run, the answer is written from their results
                        yield AnswerDelta(item, restarts=not self._answer_pieces)
                        self._answer_pieces.append(item)
                        self._start_answer_deadline()
                elif task := plan.add(item):
                    self._released = plan.released
                    yield task  # not checked for the end yet: it may run while the model still writes
        yield PlanEnd(plan.finish(), self._answer)

    def _start_answer_deadline(self) -> None:
        """Set the deadline of an answer at its first word; later words don't move it, or a slow stream would never end."""
        if self._answer_deadline is None:
            self._answer_deadline = asyncio.get_running_loop().time() + self._context.settings.respond_seconds

    @property
    def _answer(self) -> str:
        return "".join(self._answer_pieces).strip()

    @property
    def _is_answer_only(self) -> bool:
        return bool(self._answer) and not self._released

    def _end_cut_answer(self, reason: str) -> Sequence[PlanItem]:
        """Return the items that end an answer that broke off; the words that were shown stay."""
        return Notice(f"The answer breaks off: {reason}"), PlanEnd(Plan(()), self._answer, complete=False)


def check_length(text: str, settings: Settings) -> None:
    """Refuse a request that is too long to be planned.

    Raises:
        RequestError: It is.
    """
    if len(text) > settings.max_request_chars:
        raise RequestError(
            f"The request is {len(text):,} characters long and {settings.max_request_chars:,} is the limit: "
            "put the long text into a file and attach it."
        )


def shorten_refused(text: str, settings: Settings) -> str:
    """Return a request as it is kept and shown: whole, or the beginning of one that is too long."""
    return text if len(text) <= settings.max_request_chars else f"{text[:_KEPT_CHARS]} …"


def check_text(request: PlanRequest, settings: Settings) -> None:
    """Refuse a request that can't be planned.

    Raises:
        RequestError: The request is empty or too long.
    """
    if not request.text.strip():
        if request.attached:
            names = ", ".join(resource.origin.label for resource in request.attached)
            raise RequestError(f"What should be done with {names}? Write it in a sentence.")
        raise RequestError("The request is empty: write what you want done.")
    check_length(request.text, settings)
