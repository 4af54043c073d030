"""ZeroGPU (https://huggingface.co/docs/hub/spaces-zerogpu): a GPU is lent to a process of its own, for one run at a time.

What goes there and back is pickled: plain data, files by their paths, errors as their words. A run can't be looked into
there, so nobody is told its steps, and one that is stopped ends by itself within the time that it asked for. That process
is a copy of this one: what has been loaded here before the page was up, for a GPU that ``spaces`` only pretends to have,
it moves to the real one and needn't load. Any other model it loads itself, and keeps warm as long as it lives.
"""

import functools
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hugginggpt.core import errors
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.experts.base import Call, Limits, Result
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.experts.local.preloading import load_models

_MOST_SECONDS: Final = 120.0
"""The longest time that is asked for: who asks for more waits longer for a GPU."""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """Calls of one card, as they travel."""

    cache: Path | None
    card: ModelCard
    inputs: tuple[Mapping[str, str | Resource], ...]
    folder: Path
    """Folder for what is made."""
    limits: Limits
    seconds: float


@dataclass(frozen=True, slots=True)
class RemoteFailure:
    """An error, as it travels: its class in ``errors`` and its sentence."""

    name: str
    message: str


def is_zero_gpu_space() -> bool:
    """Return whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in {"1", "t", "true"}


def send_calls(
    calls: Sequence[Call], cache: Path | None, run: Callable[[RemoteJob], Sequence[Result] | RemoteFailure]
) -> Sequence[Result]:
    """Run calls elsewhere.

    Args:
        calls: Of one card.
        cache: The Hugging Face cache that the models are in.
        run: `run_job`, as ``spaces.GPU`` wraps it.

    Raises:
        HuggingGPTError: What failed there.
    """
    first = calls[0]
    inputs = tuple({name: _plain(value) for name, value in call.inputs.items()} for call in calls)
    folder = first.new_path("").parent
    done = run(RemoteJob(cache, first.card, inputs, folder, first.limits, min(first.seconds, _MOST_SECONDS)))
    if isinstance(done, RemoteFailure):
        raise getattr(errors, done.name, errors.ExpertError)(done.message)
    return done


def run_job(errand: RemoteJob) -> Sequence[Result] | RemoteFailure:
    """Return what the process with the GPU does."""

    def new_path(suffix: str) -> Path:
        return errand.folder / f"{secrets.token_hex(12)}{suffix}"

    calls = [Call(errand.card, given, new_path, seconds=errand.seconds, limits=errand.limits) for given in errand.inputs]
    expert = _expert(errand.cache)
    expert.cards()
    try:
        return expert.run_here(calls)
    except errors.HuggingGPTError as error:
        return RemoteFailure(type(error).__name__, str(error))


def preload_models(models: Sequence[str], cache: Path | None = None) -> Sequence[str]:
    """Load cached models into this process, from which those with a GPU are copied; to be called as the Space starts.

    Returns:
        Those that are loaded; the log says what is wrong with the others.
    """
    return load_models(_expert(cache), models)


@functools.cache
def get_gpu_function() -> Callable[[RemoteJob], Sequence[Result] | RemoteFailure]:
    """`run_job` on a GPU that is asked for; to be called once as the Space starts, which refuses to start without."""
    import spaces  # type: ignore[import-untyped]

    found: Callable[[RemoteJob], Sequence[Result] | RemoteFailure] = spaces.GPU(
        run_job, duration=lambda errand: round(errand.seconds)
    )
    return found


def run_remotely(calls: Sequence[Call], cache: Path | None) -> Sequence[Result]:
    """Run calls of one card in a process that is lent a GPU. Raises like `send_calls`."""
    return send_calls(calls, cache, get_gpu_function())


@functools.cache
def _expert(cache: Path | None) -> LocalExpert:
    """Return the back end of the process with the GPU, and of the one that it is a copy of."""
    return LocalExpert(cache)


def _plain(value: str | Resource) -> str | Resource:
    """Return them without the read-only views, which can't be pickled."""
    return replace(value, data=dict(value.data)) if isinstance(value, Resource) else value
