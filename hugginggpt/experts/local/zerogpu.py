"""Runs on ZeroGPU (https://huggingface.co/docs/hub/spaces-zerogpu): a GPU is lent to a separate process, one run at a time.

Calls and results are pickled: plain data, files by their paths, errors as class name and message. A run there reports no
progress, and one that is stopped ends by itself within the time that it asked for. That process is a fork of this one: models
that were loaded before the page was up, for a GPU that ``spaces`` only emulates, are moved to the real GPU and needn't be
loaded again. It loads any other model itself, and keeps it as long as it lives.
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

_MAX_SECONDS: Final = 120.0
"""Longest GPU time that is requested, in seconds: a longer request waits longer in ZeroGPU's queue."""


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """Calls of one card, in a form that can be pickled."""

    cache: Path | None
    card: ModelCard
    inputs: tuple[Mapping[str, str | Resource], ...]
    folder: Path
    """Folder for the files that the run creates."""
    limits: Limits
    seconds: float  # GPU time that is requested


@dataclass(frozen=True, slots=True)
class RemoteFailure:
    """Error in a form that can be pickled: the name of its class in ``errors``, and its message."""

    name: str
    message: str


def is_zero_gpu_space() -> bool:
    """Return whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in {"1", "t", "true"}  # as the package spaces reads it


def send_calls(
    calls: Sequence[Call], cache: Path | None, run: Callable[[RemoteJob], Sequence[Result] | RemoteFailure]
) -> Sequence[Result]:
    """Run calls of one card in another process.

    Args:
        calls: The calls.
        cache: The Hugging Face cache that the models are in.
        run: `run_job`, wrapped so that it runs there.

    Raises:
        HuggingGPTError: The run failed there; raised again with its class and message.
    """
    first = calls[0]
    inputs = tuple({name: _make_picklable(value) for name, value in call.inputs.items()} for call in calls)
    folder = first.new_path("").parent  # the other process makes its own names in this folder
    done = run(RemoteJob(cache, first.card, inputs, folder, first.limits, min(first.seconds, _MAX_SECONDS)))
    if isinstance(done, RemoteFailure):
        raise getattr(errors, done.name, errors.ExpertError)(done.message)  # the class decides whether others are tried
    return done


def run_job(job: RemoteJob) -> Sequence[Result] | RemoteFailure:
    """Run a job in this process; called in the process with the GPU."""

    def new_path(suffix: str) -> Path:
        return job.folder / f"{secrets.token_hex(12)}{suffix}"  # random: this process can't see which names are taken

    calls = [Call(job.card, inputs, new_path, seconds=job.seconds, limits=job.limits) for inputs in job.inputs]
    expert = _get_expert(job.cache)
    expert.cards()  # scans the cache
    try:
        return expert.run_here(calls)
    except errors.HuggingGPTError as error:
        return RemoteFailure(type(error).__name__, str(error))


def preload_models(models: Sequence[str], cache: Path | None = None) -> Sequence[str]:
    """Load cached models into this process, from which those with a GPU are forked; call it as the Space starts.

    Returns:
        The models that are loaded; the log has the reasons for the others.
    """
    return load_models(_get_expert(cache), models)


@functools.cache
def get_gpu_function() -> Callable[[RemoteJob], Sequence[Result] | RemoteFailure]:
    """Return `run_job` as a ``spaces.GPU`` function; call it as the Space starts, which fails where there is none."""
    import spaces  # type: ignore[import-untyped]

    # the requested seconds are compared with what is left of the visitor's quota
    gpu_function: Callable[[RemoteJob], Sequence[Result] | RemoteFailure] = spaces.GPU(
        run_job, duration=lambda job: round(job.seconds)
    )
    return gpu_function


def run_remotely(calls: Sequence[Call], cache: Path | None) -> Sequence[Result]:
    """Run calls of one card in a process that is lent a GPU. Raises like `send_calls`."""
    return send_calls(calls, cache, get_gpu_function())


@functools.cache
def _get_expert(cache: Path | None) -> LocalExpert:
    """Return the back end of the process with the GPU, and of the one that it is forked from."""
    return LocalExpert(cache)


def _make_picklable(value: str | Resource) -> str | Resource:
    """Replace a resource's read-only view by a dict, because a ``mappingproxy`` can't be pickled."""
    return replace(value, data=dict(value.data)) if isinstance(value, Resource) else value
