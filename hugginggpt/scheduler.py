"""Stage 3: runs a plan. One coroutine a task, which awaits what the task names: no polling, no thread a task.

A task starts when its inputs are there and its device slot is free; a failed task's dependents are skipped and say
so; every task has a deadline; a failed model is followed by the next candidate. Nothing an expert raises gets out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from hugginggpt.catalog.cards import ModelCard
from hugginggpt.errors import DeadlineError, ExpertError, HuggingGPTError, InputError
from hugginggpt.events import (
    AttemptFailed,
    Event,
    ModelRef,
    ModelSelected,
    TaskDone,
    TaskFailed,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
    Usage,
)
from hugginggpt.experts.base import Call, CancelToken, Expert, Limits, Output, Result
from hugginggpt.plan import Plan, Task
from hugginggpt.resources import Origin, Resource, Workspace
from hugginggpt.task_inputs import TaskInputs
from hugginggpt.tasks import TaskTable

log = logging.getLogger(__name__)

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The models a task may run on, the chosen one first, and why it was chosen."""

    candidates: tuple[ModelCard, ...]
    reason: str


class Slots:
    """Device slots shared by all requests of one process: each is held by one run at a time."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, slot: str | None) -> AsyncIterator[None]:
        """Wait for the slot's turn and hold it; None needs no turn."""
        if slot is None:
            yield
            return
        async with self._locks.setdefault(slot, asyncio.Lock()):
            yield


class Scheduler:
    """Runs plans on experts."""

    def __init__(
        self,
        experts: Sequence[Expert],
        table: TaskTable,
        *,
        task_seconds: float,
        slots: Slots,
        limits: Limits | None = None,
    ) -> None:
        self._experts = {expert.backend: expert for expert in experts}
        self._table = table
        self._task_seconds = task_seconds
        self._slots = slots
        self._limits = limits or Limits()

    async def run(
        self, plan: Plan, workspace: Workspace, assign: Callable[[Task], Awaitable[Assignment]], emit: Emit
    ) -> tuple[Usage, ...]:
        """Run all tasks of `plan`; what happens is told through `emit`.

        Args:
            plan: A valid plan.
            workspace: Where inputs are found and outputs are put.
            assign: Gives each task its models; may take its time, and may raise a HuggingGPTError.
            emit: Called in the event loop with every event.

        Returns:
            What language-model experts used.
        """
        run = _Run(self, workspace, assign, emit, {task.id: task for task in plan.tasks})
        loop = asyncio.get_running_loop()
        run.outcomes.update({task.id: loop.create_future() for task in plan.tasks})
        async with asyncio.TaskGroup() as group:
            for task in plan.tasks:
                group.create_task(run.step(task))
        return tuple(run.usages)

    def expert(self, backend: str) -> Expert:
        """The back end of that name."""
        return self._experts[backend]


@dataclass
class _Clock:
    """How long a task has run, over all its models and inputs; waiting for a slot doesn't count."""

    limit: float
    used: float = 0.0

    @property
    def left(self) -> float:
        return self.limit - self.used

    @contextmanager
    def running(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.used += time.monotonic() - begun


class _Run:
    """One plan being run."""

    def __init__(
        self,
        scheduler: Scheduler,
        workspace: Workspace,
        assign: Callable[[Task], Awaitable[Assignment]],
        emit: Emit,
        tasks: Mapping[int, Task],
    ) -> None:
        self._scheduler = scheduler
        self._workspace = workspace
        self._assign = assign
        self._emit = emit
        self._tasks = tasks
        self.outcomes: dict[int, asyncio.Future[tuple[Resource, ...] | None]] = {}
        self.usages: list[Usage] = []

    async def step(self, task: Task) -> None:
        """Take one task from waiting to done, failed or skipped; never raises but for cancellation."""
        outcome = self.outcomes[task.id]
        clock = _Clock(self._scheduler._task_seconds)
        try:
            assignment = await self._assigned(task)
            if (missing := await self._first_missing(task)) is not None:
                self._skip(task, missing)
                outcome.set_result(None)
                return
            done = await self._attempts(task, assignment, clock)
            self._emit(done)
            outcome.set_result(done.outputs)
        except HuggingGPTError as error:
            self._fail(task, str(error), clock)
        except Exception:  # the seam: a fault in our own code or in an expert fails one task, not the request
            log.exception("task %d (%s) broke", task.id, task.task)
            self._fail(task, "Something broke inside this program; the log says what.", clock)
        finally:
            if not outcome.done():
                outcome.set_result(None)

    def _fail(self, task: Task, error: str, clock: _Clock) -> None:
        self._emit(TaskFailed(task.id, error, clock.used))

    def _skip(self, task: Task, missing: int) -> None:
        reason = f"Skipped, because task {missing} ({self._tasks[missing].task}), whose result it needs, gave none."
        self._emit(TaskSkipped(task.id, reason, missing))

    async def _assigned(self, task: Task) -> Assignment:
        assignment = await self._assign(task)
        refs = tuple(card.ref for card in assignment.candidates)
        self._emit(ModelSelected(task.id, refs[0], assignment.reason, refs))
        return assignment

    async def _first_missing(self, task: Task) -> int | None:
        for dependency in task.dep:
            if await self.outcomes[dependency] is None:
                return dependency
        return None

    async def _attempts(self, task: Task, assignment: Assignment, clock: _Clock) -> TaskDone:
        calls = await TaskInputs(self._workspace, self._made).of(task, self._scheduler._table[task.task])
        for position, card in enumerate(assignment.candidates):
            try:
                return await self._attempt(task, card, calls, clock)
            except InputError:
                raise  # no other model would do better
            except (ExpertError, DeadlineError) as error:
                if position + 1 == len(assignment.candidates) or clock.left <= 0:
                    raise
                self._emit(AttemptFailed(task.id, card.ref, str(error)))
        raise ExpertError(f"No model for {task.task} could be run.")

    async def _attempt(
        self, task: Task, card: ModelCard, calls: Sequence[Mapping[str, str | Resource]], clock: _Clock
    ) -> TaskDone:
        results: list[Result] = []
        for number, inputs in enumerate(calls):
            async with self._scheduler._slots.hold(card.slot):
                if not results:
                    self._emit(TaskStarted(task.id, card.ref))
                if len(calls) > 1:
                    self._emit(TaskProgress(task.id, f"{number + 1} of {len(calls)}", number / len(calls)))
                with clock.running():
                    results.append(await self._call(task, card, inputs, clock.left))
        made = [tuple(self._keep(task, card, output) for output in result.outputs) for result in results]
        self.usages += [result.usage for result in results if result.usage]
        ran = ModelRef(_credited(results, card), card.backend)
        outputs = tuple(resource for resources in made for resource in resources)
        return TaskDone(task.id, ran, outputs, clock.used, _noted(results, made))

    async def _call(self, task: Task, card: ModelCard, inputs: Mapping[str, str | Resource], left: float) -> Result:
        loop = asyncio.get_running_loop()
        token = CancelToken()

        def tell(event: TaskProgress) -> None:
            if not token.cancelled:  # a late word of a thread that nobody waits for
                self._emit(event)

        def progress(message: str, fraction: float | None) -> None:
            if not token.cancelled:
                loop.call_soon_threadsafe(tell, TaskProgress(task.id, message, fraction))

        call = Call(card, inputs, self._workspace.new_path, token, left, progress, self._scheduler._limits)
        deadline = asyncio.timeout(left)
        try:
            async with deadline:
                return await self._scheduler.expert(card.backend).run(call)
        except HuggingGPTError:
            raise
        # the seam to third-party models: whatever they raise is this task's failure, sys.exit() too
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _being_cancelled():
                raise
            if isinstance(error, TimeoutError) and deadline.expired():
                limit = self._scheduler._task_seconds
                raise DeadlineError(f"{card.id} took longer than the {limit:g} s that a task may take.") from error
            log.exception("%s failed on %s", card.id, task.task)
            raise ExpertError(f"{card.id} failed unexpectedly ({type(error).__name__}); the log says more.") from error
        finally:
            token.cancel()

    def _keep(self, task: Task, card: ModelCard, output: Output) -> Resource:
        try:
            return self._workspace.add_output(
                output.kind, Origin("task", task.task, task.id), path=output.path, text=output.text, data=output.data
            )
        except HuggingGPTError:
            raise
        except Exception as error:
            log.exception("%s made something unreadable", card.id)
            raise ExpertError(f"{card.id} made a {output.kind.value} that can't be read.") from error

    def _made(self, task_id: int) -> tuple[Resource, ...]:
        return self.outcomes[task_id].result() or ()


def _being_cancelled() -> bool:
    """Whether the request is being stopped, rather than an expert's own coroutine cancelled behind our back."""
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def _credited(results: Sequence[Result], card: ModelCard) -> str:
    """All models that ran for any of the inputs, each once."""
    return " + ".join(dict.fromkeys(model for result in results for model in result.models or (card.id,)))


def _noted(results: Sequence[Result], made: Sequence[Sequence[Resource]]) -> str:
    """What the person should read with the results, and with which of them where there were several inputs."""
    about: dict[str, list[str]] = {}
    for result, resources in zip(results, made, strict=True):
        if result.note:
            about.setdefault(result.note, []).extend(resource.name for resource in resources)
    if len(results) == 1:
        return " ".join(about)
    return " ".join(f"{', '.join(names)}: {note}" if names else note for note, names in about.items())
