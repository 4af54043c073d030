"""Diffusion pipelines (https://huggingface.co/docs/diffusers): loaded once, composed anew for each run.

What is loaded and kept warm is the pipeline as its repository has it, the base. A run gets a pipeline of its own around
the same weights: another task of the same base, or one with a ControlNet, costs no second copy, and what a run changes
in its pipeline (the scheduler's place, the options of a step) no other run sees.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from hugginggpt.experts.base import Call
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.runtime.runtime import Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

T = TypeVar("T")

GRID: Final = 32
"""Sides of pictures are multiples of this, in pixels: every autoencoder and patch size divides it."""
_MAX_ASPECT: Final = 4.0  # greatest ratio of the sides of a picture that a model is given
_MAX_CPU_STEPS: Final = 20  # most denoising steps where each takes seconds
_DISTILLED_SETTINGS: Final = {"turbo": (4, 0.0), "schnell": (4, 0.0)}
"""Steps and guidance scale of models that were trained to need few: no configuration says so, but their names do."""


@contextmanager
def hold_diffusion_base(runtime: Runtime, token: CancelToken, checkpoint: Checkpoint | None = None) -> Iterator[Any]:
    """Hold a repository's pipeline in memory: to be given to `compose_pipeline`, not to be run itself.

    Args:
        runtime: Its device runs the pipeline.
        token: Token of the call that waits for it.
        checkpoint: Checkpoint to load; by default the runtime's own.

    Raises:
        ExpertError: It doesn't fit, or its files can't be loaded.
        StoppedError: The call was cancelled.
    """

    def load(which: Checkpoint) -> Any:
        from diffusers import DiffusionPipeline

        pipeline = DiffusionPipeline.from_pretrained(
            which.folder, dtype=_choose_precision(runtime, which), **select_weights(which)
        )
        if runtime.device.uses_half_precision and hasattr(getattr(pipeline, "vae", None), "enable_tiling"):
            pipeline.vae.enable_tiling()  # decodes large pictures in parts, in less memory
        return pipeline.to(runtime.device.name)

    with runtime.load_model("diffusion base", load, token, checkpoint=checkpoint) as base:
        yield base


def _choose_precision(runtime: Runtime, checkpoint: Checkpoint) -> Any:
    """Choose bfloat16 for diffusion transformers: they are trained in it, and some overflow in float16, which is as large."""
    import torch

    return torch.bfloat16 if runtime.device.uses_half_precision and "transformer" in checkpoint.config else runtime.dtype


def compose_pipeline(base: Any, call: Call, task: str = "", **parts: Any) -> Any:
    """Return a pipeline for one run, around the weights of a base.

    Args:
        base: The pipeline of `hold_diffusion_base`.
        call: Call to report each step to; its token stops the run between two steps.
        task: Name in diffusers' ``AutoPipelineFor...``; empty for the base's own task.
        parts: More components, such as ``controlnet``.
    """
    scheduler = type(base.scheduler).from_config(base.scheduler.config)  # it counts the steps of one run
    if task:
        pipeline = _get_pipeline_class(task).from_pipe(base, scheduler=scheduler, **parts)
    else:
        pipeline = copy.copy(base)  # shallow: the weights are shared
        pipeline.scheduler = scheduler
    # not every pipeline has a callback for its steps, but every one draws this bar
    pipeline.progress_bar = functools.partial(_ProgressBar, call)
    return pipeline


def _get_pipeline_class(task: str) -> Any:
    with warnings.catch_warnings():
        # it imports all pipelines, of which Kolors compiles a function in a way that torch calls outdated
        warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)
        import diffusers

        return getattr(diffusers, f"AutoPipelineFor{task}")


class _ProgressBar(Generic[T]):
    """Progress of a run, in the place of a pipeline's own bar (``DiffusionPipeline.progress_bar``)."""

    def __init__(self, call: Call, iterable: Iterable[T] = (), total: int | None = None) -> None:
        self._call = call
        self._items = list(iterable)  # some pipelines count without items, by `total` and `update`
        self._total = len(self._items) if total is None else total
        self._done = 0

    def __enter__(self) -> _ProgressBar[T]:
        self._call.token.check()
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        """Count a step as done, and report it."""
        self._call.token.check()
        self._done = min(self._done + count, self._total)
        self._call.progress(f"step {self._done} of {self._total}", self._done / self._total)


def run(pipeline: Any, **arguments: Any) -> Any:
    """Run a pipeline with those of the arguments that it accepts and that are not None."""
    import torch

    with torch.inference_mode(), warnings.catch_warnings():
        # schedulers turn tensors into arrays in a way that NumPy calls outdated
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        return pipeline(
            **{name: value for name, value in arguments.items() if value is not None and accepts_argument(pipeline, name)}
        )


def accepts_argument(pipeline: Any, name: str) -> bool:
    """Return whether a pipeline has an argument of this name."""
    return name in inspect.signature(pipeline.__call__).parameters  # most pipelines fail on an unknown one


def get_default(pipeline: Any, *names: str) -> Any:
    """Return the default of the first of these arguments that a pipeline has one for; None where it has none."""
    found = (inspect.signature(pipeline.__call__).parameters.get(name) for name in names)
    values = (parameter.default for parameter in found if parameter is not None)
    return next((value for value in values if value not in (None, inspect.Parameter.empty)), None)


def choose_pace(pipeline: Any, runtime: Runtime, checkpoint: Checkpoint, cpu_steps: int = _MAX_CPU_STEPS) -> dict[str, Any]:
    """Choose the number of steps of a run, and the guidance scale where that is not the pipeline's own.

    Args:
        pipeline: Pipeline to run.
        runtime: Its device: a CPU takes fewer steps.
        checkpoint: Checkpoint whose weights remove the noise.
        cpu_steps: Most steps on a CPU.
    """
    for word, (steps, guidance) in _DISTILLED_SETTINGS.items():
        if word in checkpoint.id.lower():
            return {"num_inference_steps": steps, "guidance_scale": guidance}
    steps = get_default(pipeline, "num_inference_steps") or cpu_steps
    return {"num_inference_steps": steps if runtime.device.uses_half_precision else min(steps, cpu_steps)}


def get_native_size(pipeline: Any) -> tuple[int, int]:
    """Return the default width and height of a pipeline's pictures, in pixels."""
    width, height = get_default(pipeline, "width"), get_default(pipeline, "height")
    if width and height:
        return width, height
    config = get_network_config(pipeline)
    scale: Any = getattr(pipeline, "vae_scale_factor", None) or getattr(pipeline, "vae_scale_factor_spatial", 8)
    side: Any = getattr(pipeline, "default_sample_size", None) or config.get("sample_size") or 64
    return (config.get("sample_width") or side) * scale, (config.get("sample_height") or side) * scale


def get_network_config(pipeline: Any) -> Mapping[str, Any]:
    """Return the configuration of the network that removes the noise: a UNet or a transformer."""
    parts = (getattr(pipeline, name, None) for name in ("unet", "transformer"))
    found: Mapping[str, Any] = next((part.config for part in parts if part is not None), {})
    return found


def fit_size(shape: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Return width and height for a model: the proportions of `shape`, about `pixels` pixels, multiples of `GRID`."""
    ratio = min(max(shape[0] / shape[1], 1 / _MAX_ASPECT), _MAX_ASPECT)
    sides = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
    width, height = (max(round(side / GRID), 1) * GRID for side in sides)
    return width, height
