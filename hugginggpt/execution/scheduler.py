"""Stage 3: runs tasks, each in a coroutine that awaits what the task names: no polling, no thread a task.

A task starts when its inputs are there and its device slot is free; a failed task's dependents are skipped and say
so; every task has a deadline; a failed model is followed by the next candidate. Nothing an expert raises gets out.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import DeadlineError, ExpertError, HuggingGPTError, InputError, explain_environment_error
from hugginggpt.core.events import AttemptFailed, ModelRef, ModelSelected, Step, TaskDone, TaskFailed, TaskSkipped, Usage
from hugginggpt.core.model_card import Assignment, ModelCard
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.threads import extend_timeout
from hugginggpt.execution.device_queue import DeviceQueue, DeviceSlots, QueuedCall, TaskClock
from hugginggpt.execution.fallback import RefusedAccounts, rule_out
from hugginggpt.execution.inputs import TaskInputs
from hugginggpt.execution.progress import ProgressReporter
from hugginggpt.execution.results import join_notes, mark_unsure, name_models
from hugginggpt.experts.base import BatchExpert, Call, Limits, Output, Result
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.workspace.workspace import is_long_text

log = logging.getLogger(__name__)

Assign = Callable[[Task], Awaitable[Assignment]]
"""Function that selects a task's models; it may wait for the controller, and may raise a HuggingGPTError."""


class Scheduler:
    """Scheduler of one request's tasks, of a plan that may still be written meanwhile.

    To be entered with ``async with``: at the end of the block it waits for all tasks; where the block is left by an
    exception, it cancels them.
    """

    def __init__(self, context: RequestContext, slots: DeviceSlots) -> None:
        """Create a scheduler without tasks.

        Args:
            context: Names experts, workspace and limits; is told what happens.
            slots: The devices, shared with all other requests.
        """
        self._context = context
        self._experts = {expert.backend: expert for expert in context.experts}  # a session's own stands last, and wins
        self._limits = Limits(context.settings.max_pixels, context.settings.max_audio_seconds)
        self._tasks: dict[int, Task] = {}
        self._outcomes: dict[int, asyncio.Future[tuple[Resource, ...] | None]] = {}
        """Outputs of each task; None where it failed or was skipped."""
        self._running: list[asyncio.Task[None]] = []
        session = context.session
        self._queue = DeviceQueue(slots, self._run_calls, visitor=session.visitor or session.workspace.folder.name)
        self._refused_accounts = RefusedAccounts()
        self.usages: list[Usage] = []
        """Usage by language-model experts."""

    def __contains__(self, task_id: int) -> bool:
        """Return whether the task of that id was started or restored."""
        return task_id in self._tasks

    def start(self, task: Task, assign: Assign) -> None:
        """Start a task; its dependencies must be started before it, or before the event loop goes on.

        Args:
            task: One of a valid plan.
            assign: Gives it its models.
        """
        self._tasks[task.id] = task
        self._outcomes[task.id] = asyncio.get_running_loop().create_future()
        self._running.append(asyncio.create_task(self._run_task(task, assign)))  # kept: asyncio holds tasks weakly

    def restore(self, steps: Iterable[Step]) -> None:
        """Restore tasks that are done already, with their outputs."""
        for step in steps:
            self._tasks[step.task.id] = step.task
            self._outcomes[step.task.id] = asyncio.get_running_loop().create_future()
            self._outcomes[step.task.id].set_result(step.outputs)

    async def wait(self) -> None:
        """Wait until all tasks that were started are done, failed or skipped."""
        if self._running:
            await asyncio.wait(self._running)
        for running in self._running:
            running.result()  # a cancelled one must not pass for done

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self.wait()
        finally:
            for running in self._running:
                running.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)  # until threads are told to stop

    async def _run_task(self, task: Task, assign: Assign) -> None:
        """Run one task until it is done, failed or skipped; raise nothing but a cancellation."""
        outcome = self._outcomes[task.id]
        clock = TaskClock(self._context.settings.task_seconds)
        try:
            assignment = await self._select(task, assign)  # first, while the tasks that it waits for still run
            if (missing := await self._find_missing_dependency(task)) is not None:
                self._skip(task, missing)
                outcome.set_result(None)
                return
            done = await self._try_candidates(task, assignment, clock)
            self._context.emit(done)
            outcome.set_result(done.outputs)
        except HuggingGPTError as error:
            self._fail(task, str(error), clock)
        except Exception:  # the seam: a fault in our own code or in an expert fails one task, not the request
            log.exception("task %d (%s) broke", task.id, task.task)
            self._fail(task, "Something broke inside this program; the log says what.", clock)
        finally:
            if not outcome.done():  # cancelled, too: whoever awaits it must not hang
                outcome.set_result(None)

    def _fail(self, task: Task, error: str, clock: TaskClock) -> None:
        self._context.emit(TaskFailed(task.id, error, clock.used))

    def _skip(self, task: Task, missing: int) -> None:
        table = self._context.table
        reason = f"I could not {table[task.task].act}, because {table[self._tasks[missing].task].undone}."
        self._context.emit(TaskSkipped(task.id, reason, missing))

    async def _select(self, task: Task, assign: Assign) -> Assignment:
        assignment = await assign(task)
        refs = tuple(card.ref for card in assignment.candidates)
        self._context.emit(ModelSelected(task.id, refs[0], assignment.reason, refs, assignment.source))
        return assignment

    async def _find_missing_dependency(self, task: Task) -> int | None:
        for dependency in task.dep:
            if await self._outcomes[dependency] is None:
                return dependency
        return None

    async def _try_candidates(self, task: Task, assignment: Assignment, clock: TaskClock) -> TaskDone:
        inputs = await self._gather_inputs(task, clock)
        remaining = list(assignment.candidates)
        while remaining:
            card = remaining.pop(0)
            try:
                self._refused_accounts.check(card)
                return await self._try_model(task, card, inputs, clock, has_fallback=bool(remaining))
            except InputError:
                raise  # no other model would do better
            except (ExpertError, DeadlineError) as error:
                self._refused_accounts.note(card, error)
                remaining = rule_out(remaining, card, error)
                if not remaining or clock.seconds_left <= 0:  # the deadline is the task's, over all its models
                    raise
                self._context.emit(AttemptFailed(task.id, card.ref, str(error)))
        raise ExpertError(f"No model for {task.task} could be run.")

    async def _gather_inputs(self, task: Task, clock: TaskClock) -> Sequence[Mapping[str, str | Resource]]:
        """Return the inputs of each call; addresses are fetched in the task's own time."""
        gathering = TaskInputs(self._context.session.workspace, self._get_outputs).resolve(task, self._context.table[task.task])
        try:
            with clock.measure():
                async with asyncio.timeout(clock.seconds_left) as deadline:
                    return await gathering
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise DeadlineError(f"The inputs of {task.task} were not there within the {clock.limit:g} s of a task.") from error

    async def _try_model(
        self,
        task: Task,
        card: ModelCard,
        inputs: Sequence[Mapping[str, str | Resource]],
        clock: TaskClock,
        *,
        has_fallback: bool,
    ) -> TaskDone:
        reporter = ProgressReporter(self._context.emit, task.id, card, len(inputs))
        calls = [
            Call(
                card,
                values,
                self._context.session.workspace.new_path,
                progress=reporter.report_progress,
                limits=self._limits,
                has_fallback=has_fallback,
            )
            for values in inputs
        ]
        # lazy, so that none is left unawaited
        queued = (self._queue.run(QueuedCall(call, clock, reporter.report_start)) for call in calls)
        try:
            results = await _gather_results(queued) if card.batch > 1 else [await each for each in queued]
        finally:
            reporter.finished = True
        doubt = self._describe_doubt(task)
        if doubt:
            results = [mark_unsure(result) for result in results]
        outputs_by_run = await self._store_outputs(task, card, results)
        self.usages += [result.usage for result in results if result.usage]
        model = ModelRef(name_models(results, card), card.backend, card.provider)
        outputs = tuple(resource for resources in outputs_by_run for resource in resources)
        return TaskDone(task.id, model, outputs, clock.used, f"{join_notes(results, outputs_by_run)} {doubt}".strip())

    def _describe_doubt(self, task: Task) -> str:
        """Return a note where the task's material is itself unsure, such as words that were hardly heard."""
        sources = TaskInputs(self._context.session.workspace, self._get_outputs).list_sources(task)
        unsure = [resource for resource in sources if resource.data.get("unsure")]
        nouns = dict.fromkeys(self._context.table[r.origin.label].noun for r in unsure if r.origin.source == "task")
        return f"It rests on an unsure result ({', '.join(nouns)}), so it may be wrong, too." if nouns else ""

    async def _run_calls(self, calls: Sequence[Call], seconds_left: float) -> Sequence[Result]:
        """Run calls of one card: the seam to third-party models, whatever they raise is the failure of these calls."""
        card, deadline = calls[0].card, asyncio.timeout(seconds_left)
        # a second try has a token of its own
        extend = functools.partial(extend_timeout, asyncio.get_running_loop(), deadline)
        calls = [replace(call, seconds=seconds_left, token=CancelToken(), extend_deadline=extend) for call in calls]
        expert = self._experts[card.backend]
        try:
            async with deadline:
                if isinstance(expert, BatchExpert):
                    return await expert.run_batch(calls)
                return [await expert.run(call) for call in calls]
        except HuggingGPTError:
            raise
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # sys.exit() too
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():  # a library's own cancellation is a failure
                raise
            if isinstance(error, TimeoutError) and deadline.expired():  # else it is a time-out of the library's own
                limit = self._context.settings.task_seconds
                raise DeadlineError(f"{card.id} took longer than the {limit:g} s that a task may take.") from error
            log.exception("%s failed on %s", card.id, card.task)
            unexpected = f"{card.id} failed unexpectedly ({type(error).__name__}); the log says more."
            raise ExpertError(explain_environment_error(error) or unexpected) from error
        finally:
            for call in calls:
                call.token.cancel()  # a thread past its deadline runs on until it checks it

    async def _store_outputs(self, task: Task, card: ModelCard, results: Sequence[Result]) -> Sequence[tuple[Resource, ...]]:
        """Store the outputs of each call; in a thread where they are long texts, which are written to files."""

        def store() -> Sequence[tuple[Resource, ...]]:
            return [tuple(self._store_output(task, card, output) for output in result.outputs) for result in results]

        takes_long = any(is_long_text(output.text or "") for result in results for output in result.outputs)
        return await asyncio.to_thread(store) if takes_long else store()

    def _store_output(self, task: Task, card: ModelCard, output: Output) -> Resource:
        try:
            return self._context.session.workspace.add_output(
                output.kind, Origin("task", task.task, task.id), path=output.path, text=output.text, data=output.data
            )
        except HuggingGPTError:
            raise
        except Exception as error:
            log.exception("%s made something unreadable", card.id)
            raise ExpertError(f"{card.id} made a {output.kind.value} that can't be read.") from error

    def _get_outputs(self, task_id: int) -> tuple[Resource, ...]:
        return self._outcomes[task_id].result() or ()


async def _gather_results(results: Iterable[Awaitable[Result]]) -> list[Result]:
    """Await all; raise the first failure only once every one is over, so that none is left running behind."""
    outcomes = await asyncio.gather(*results, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _is_being_cancelled() -> bool:
    """Return whether the request is being stopped, rather than an expert's own coroutine cancelled behind our back."""
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0
