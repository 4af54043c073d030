"""The seam between the scheduler and the back ends that run models.

A new back end is one class with ``cards`` and ``run``. An expert knows tasks, inputs and outputs, but no plans, no
other tasks and not who asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.events import Usage
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hugginggpt.hub.account import Visitor
    from hugginggpt.hub.cache_faults import UnusableModel
    from hugginggpt.hub.search import HubModel


def _keep_deadline(seconds: float) -> None:
    return None


def _ignore_progress(message: str, fraction: float | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper limits on inputs; larger ones are refused before they are decoded."""

    max_pixels: int = 50_000_000
    """Largest picture, in pixels after decoding."""
    max_audio_seconds: float = 1_800.0
    """Longest recording, in seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of one model: its inputs, its deadline and where its files go."""

    card: ModelCard
    inputs: Mapping[str, str | Resource]
    """Inputs by argument name: texts by value, everything else as a resource with a file."""
    new_path: Callable[[str], Path]
    """Returns the path of a new file in the session's folder, for a suffix such as ".wav"."""
    token: CancelToken = field(default_factory=CancelToken)
    seconds: float = 180.0
    """Seconds left until the deadline, for clients that need a timeout; the caller enforces the deadline itself."""
    progress: Callable[[str, float | None], None] = _ignore_progress
    """Reports progress: a short message and a fraction 0..1 or None; callable from any thread."""
    extend_deadline: Callable[[float], None] = _keep_deadline
    """Moves the deadline by some seconds, for a server that must be started first; callable from any thread."""
    limits: Limits = field(default_factory=Limits)
    """Upper limits on the inputs."""
    has_fallback: bool = False
    """True if another model is tried where this one fails; then this one must leave it a part of the time."""

    def text(self, name: str = "text") -> str:
        """Return the text input `name`, stripped.

        Raises:
            InputError: It is missing or empty.
        """
        value = self.inputs.get(name, "")
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"The {name.replace('_', ' ')} is empty, so there is nothing to work on.")
        return value.strip()

    def file(self, name: str) -> Path:
        """Return the path of the file input `name`.

        Raises:
            InputError: There is no such file.
        """
        value = self.inputs.get(name)
        if not isinstance(value, Resource) or value.path is None:
            raise InputError(f"There is no {name} to work on.")
        return value.path

    def picture(self, name: str = "image") -> Image.Image:
        """Decode the image input `name`: RGB, upright, without transparency.

        Raises:
            InputError: There is no such file.
            ResourceError: It can't be decoded, or has too many pixels.
        """
        return media.open_image(self.file(name), max_pixels=self.limits.max_pixels)

    def sound(self, rate: int, name: str = "audio") -> NDArray[np.float32]:
        """Decode the audio input `name`: mono, shape (samples,), in -1..1, `rate` samples per second.

        Raises:
            InputError: There is no such file.
            ResourceError: It can't be decoded, or is too long.
        """
        return media.read_audio(self.file(name), rate=rate, max_seconds=self.limits.max_audio_seconds)


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a model: a text, or a file at a path from the call's `new_path`."""

    kind: Kind
    text: str | None = None
    path: Path | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """Structured results (boxes in pixels, scores in 0..1, times in seconds); JSON values only."""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that one run produced."""

    outputs: tuple[Output, ...]
    note: str = ""
    """One sentence for the person to read beside the result."""
    models: tuple[str, ...] = ()
    """Ids of all models that ran, in order; empty if only the card's model ran."""
    usage: Usage | None = None


class Expert(Protocol):
    """A back end: lists the models it can run for each task, and runs them."""

    @property
    def backend(self) -> str:
        """Name in events and on the page: bundled, local, hosted, cluster or controller."""

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return the models that can run here and now, preferred first.

        May read the disk or ask a server, within seconds: don't call it on the event loop.

        Args:
            tasks: Tasks to list models for, None for all; cards of other tasks may be included where they cost nothing.
        """

    async def run(self, call: Call) -> Result:
        """Run one model once.

        Cancelling the coroutine must return at once, whatever the model still does in the background.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model failed; another one may succeed.
        """


@runtime_checkable
class BatchExpert(Expert, Protocol):
    """A back end that runs several calls of one card at once, if the card's `batch` is more than one."""

    async def run_batch(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Return one result per call, in order; raise as `run` does if the whole batch fails."""


@runtime_checkable
class ConditionalExpert(Expert, Protocol):
    """A back end that would run more tasks on a condition, such as a token."""

    def describe_condition(self, task: str) -> str:
        """Return the condition on which it would run a task ("with a token …"); empty if there is none."""


@runtime_checkable
class CacheExpert(Expert, Protocol):
    """A back end that runs the models in a folder of this machine."""

    @property
    def cache(self) -> Path | None:
        """The folder; None for the Hugging Face cache, as set by ``HF_HOME``."""

    def rescan(self) -> None:
        """Mark the folder for reading again when next needed, after a download."""

    def load(self, model: str) -> None:
        """Load a model of the folder ahead of its first call. Blocks.

        Raises:
            ExpertError: It is missing, doesn't fit into memory, or can't be loaded.
        """


@runtime_checkable
class CacheLister(Protocol):
    """A back end that tells which models of its folder can't be used."""

    def list_unusable(self) -> Sequence[UnusableModel]:
        """Return them, each with its reason. Reads the disk, so not for the event loop."""


@runtime_checkable
class AccountExpert(Expert, Protocol):
    """A back end that calls servers on a visitor's account."""

    def bind_visitor(self, visitor: Visitor) -> Expert:
        """Return an expert that calls on a visitor's account; both share what is known of models and providers."""

    def look_up(self, model: str, token: str) -> HubModel:
        """Return the Hub's entry for a model. Blocks.

        Raises:
            ExpertError: There is no such model, or the Hub can't be asked.
        """

    def serves(self, model: HubModel, task: str) -> bool:
        """Return whether any provider serves a model for a task now."""


async def run_in_thread(function: Callable[[Call], Result], call: Call) -> Result:
    """Run a blocking model function on one call; see `run_batch_in_thread`."""
    (result,) = await run_batch_in_thread(lambda calls: [function(calls[0])], [call])
    return result


async def run_batch_in_thread(
    function: Callable[[Sequence[Call]], Sequence[Result]], calls: Sequence[Call]
) -> Sequence[Result]:
    """Run a blocking model function without blocking the loop.

    On cancellation the tokens are cancelled and this returns at once; the thread ends at the function's next check. Each
    run has its own daemon thread: a stuck one blocks neither other runs nor the exit of the process.
    """
    card = calls[0].card

    def run_function() -> Sequence[Result]:
        try:
            return function(calls)
        except StopIteration as stop:  # asyncio refuses to set it as a future's exception
            raise ExpertError(f"{card.id} ended without a result.") from stop

    try:
        return await run_in_daemon_thread(run_function, f"expert-{card.task}")
    except asyncio.CancelledError:
        for call in calls:
            call.token.cancel()
        raise
