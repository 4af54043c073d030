"""The seam between the scheduler and whatever runs a model.

A new back end is one class with ``cards`` and ``run``. An expert knows tasks, inputs and outputs; it knows nothing
of plans, of other tasks or of who asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from hugginggpt.core.events import Usage
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hugginggpt.hub.account import Visitor
    from hugginggpt.hub.search import HubModel


class CancelToken:
    """Tells a worker thread that nobody waits for its result any more."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._told: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the worker to stop at its next check."""
        with self._lock:
            self._event.set()
            told, self._told = self._told, []
        for tell in told:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have `tell` called, from whatever thread cancels, if that happens within; for what can't look by itself."""
        with self._lock:
            self._told.append(tell)
            late = self._event.is_set()
        if late:
            tell()
        try:
            yield
        finally:
            with self._lock:
                self._told = [other for other in self._told if other is not tell]

    def sleep(self, seconds: float) -> None:
        """Wait, in a worker thread, but no longer than anybody wants the result.

        Raises:
            StoppedError: Nobody does any more.
        """
        self._event.wait(seconds)
        self.check()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to."""
        return self._event.is_set()

    def check(self) -> None:
        """Call between steps of long work.

        Raises:
            StoppedError: The work is no longer wanted.
        """
        if self.cancelled:
            raise StoppedError("The request was stopped.")


def _no_progress(message: str, fraction: float | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an input may be; what is larger is refused before it is decoded."""

    max_pixels: int = 50_000_000
    """Largest picture, in pixels after decoding."""
    max_audio_seconds: float = 1_800.0
    """Longest recording, in seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of one model: what goes in and where what comes out may lie."""

    card: ModelCard
    inputs: Mapping[str, str | Resource]
    """By argument name: a text by value, everything else as a resource with a file."""
    new_path: Callable[[str], Path]
    """Gives a fresh file in the session's folder for a suffix such as ".wav"."""
    token: CancelToken = field(default_factory=CancelToken)
    seconds: float = 180.0
    """Time that is left until the deadline, which the caller enforces; for what must pass one on (an HTTP client)."""
    progress: Callable[[str, float | None], None] = _no_progress
    """Reports progress: a short message and a fraction 0..1 or None; callable from any thread."""
    limits: Limits = field(default_factory=Limits)
    """How large its inputs may be."""
    others: bool = False
    """Whether another model would be tried if this one failed: then it should leave some of the time."""

    def text(self, name: str = "text") -> str:
        """The text called `name`.

        Raises:
            InputError: It is empty.
        """
        value = self.inputs.get(name, "")
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"The {name.replace('_', ' ')} is empty, so there is nothing to work on.")
        return value.strip()

    def file(self, name: str) -> Path:
        """The file of the resource called `name`.

        Raises:
            InputError: There is none.
        """
        value = self.inputs.get(name)
        if not isinstance(value, Resource) or value.path is None:
            raise InputError(f"There is no {name} to work on.")
        return value.path

    def picture(self, name: str = "image") -> Image.Image:
        """The picture called `name`: RGB, upright, without transparency.

        Raises:
            InputError: There is none.
            ResourceError: It can't be decoded, or has too many pixels.
        """
        return media.open_image(self.file(name), max_pixels=self.limits.max_pixels)

    def sound(self, rate: int, name: str = "audio") -> NDArray[np.float32]:
        """The sound called `name`: mono, shape (samples,), in -1..1, `rate` samples per second.

        Raises:
            InputError: There is none.
            ResourceError: It can't be decoded, or is too long.
        """
        return media.read_audio(self.file(name), rate=rate, max_seconds=self.limits.max_audio_seconds)


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a model made: a text, or a file that lies where the call's `new_path` said."""

    kind: Kind
    text: str | None = None
    path: Path | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """Structured results (boxes in pixels, scores in 0..1, times in seconds); JSON values only."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that one run made."""

    outputs: tuple[Output, ...]
    note: str = ""
    """One sentence that the person should read with the result."""
    models: tuple[str, ...] = ()
    """The ids of all models that ran, in their order; empty where that was the card's model alone."""
    usage: Usage | None = None


class Expert(Protocol):
    """A back end: which models it can run for which tasks, and running one."""

    @property
    def backend(self) -> str:
        """Its name in events and on the page: bundled, local, hosted, cluster, controller."""

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """What it can run here and now, the preferred first.

        May look at the disk or ask a server, within seconds; not for the event loop.

        Args:
            tasks: What is asked about; a back end that knows more without effort may tell more. None: everything.
        """

    async def run(self, call: Call) -> Result:
        """Run one model once.

        Cancelling the coroutine must return at once, whatever the model still does in the background.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model failed; another one may do.
        """


@runtime_checkable
class BatchExpert(Expert, Protocol):
    """A back end that runs several calls of one card at once, where the card's `batch` is more than one."""

    async def run_batch(self, calls: Sequence[Call]) -> Sequence[Result]:
        """One result for each call, in their order; raises like `run`, for all of them."""


@runtime_checkable
class OfferingExpert(Expert, Protocol):
    """A back end that can do more than it does for this session."""

    def offers(self, task: str) -> str:
        """What would make it do a task ("with a token it does it"); empty where nothing would."""


@runtime_checkable
class CacheExpert(Expert, Protocol):
    """A back end that runs what a folder of this machine holds."""

    @property
    def cache(self) -> Path | None:
        """The folder; None for the Hugging Face cache, where ``HF_HOME`` says."""

    def rescan(self) -> None:
        """Look at the folder again at the next need: something has been downloaded."""

    def load(self, model: str) -> None:
        """Load a model of the folder before anybody asks for it. Blocks.

        Raises:
            ExpertError: It is not there, doesn't fit, or can't be loaded.
        """


@runtime_checkable
class AccountExpert(Expert, Protocol):
    """A back end that calls servers on somebody's account."""

    def on_behalf(self, visitor: Visitor) -> Expert:
        """Return one for a visitor, which shares what is known of models and providers."""

    def look_up(self, model: str, token: str) -> HubModel:
        """Return what the Hub knows of a model. Blocks.

        Raises:
            ExpertError: There is no such model, or the Hub can't be asked.
        """

    def serves(self, model: HubModel, task: str) -> bool:
        """Whether anybody serves a model for a task now."""


async def in_thread(function: Callable[[Call], Result], call: Call) -> Result:
    """Run a blocking model function on one call, as `batch_in_thread` does on several."""
    (result,) = await batch_in_thread(lambda calls: [function(calls[0])], [call])
    return result


async def batch_in_thread(function: Callable[[Sequence[Call]], Sequence[Result]], calls: Sequence[Call]) -> Sequence[Result]:
    """Run a blocking model function without blocking the loop.

    On cancellation the tokens are set and this returns at once; the thread ends at the function's next check. Each run
    has a daemon thread of its own: a stuck one holds up neither other runs nor the end of the process.
    """
    card = calls[0].card

    def work() -> Sequence[Result]:
        try:
            return function(calls)
        except StopIteration as stop:  # a future can't carry it
            raise ExpertError(f"{card.id} ended without a result.") from stop

    try:
        return await run_in_daemon_thread(work, f"expert-{card.task}")
    except asyncio.CancelledError:
        for call in calls:
            call.token.cancel()
        raise
