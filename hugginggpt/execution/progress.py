"""Progress of a running task, told as events."""

import asyncio
from collections.abc import Callable

from hugginggpt.core.events import Event, TaskProgress, TaskStarted
from hugginggpt.core.model_card import ModelCard


class ProgressReporter:
    """Reporter of the progress of one task's calls of one model."""

    def __init__(self, emit: Callable[[Event], None], task_id: int, card: ModelCard, count: int) -> None:
        self.finished = False
        self._emit, self._task_id, self._card, self._count = emit, task_id, card, count
        self._started_calls = 0
        self._loop = asyncio.get_running_loop()  # kept, as the models' threads have none

    def report_start(self) -> None:
        """Report that one more call has started."""
        if not self._started_calls:  # one start a task, however many inputs it has
            self._emit(TaskStarted(self._task_id, self._card.ref))
        if self._count > 1:
            self._report(f"{self._started_calls + 1} of {self._count}", self._started_calls / self._count)
        self._started_calls += 1

    def report_progress(self, message: str, fraction: float | None) -> None:
        """Report what a model says of its progress; callable from any thread."""
        if not self.finished:
            self._loop.call_soon_threadsafe(self._report, message, fraction)

    def _report(self, message: str, fraction: float | None) -> None:
        if not self.finished:  # a late word of a thread that nobody waits for
            self._emit(TaskProgress(self._task_id, message, fraction))
