"""Diffusion pipelines, beside diffusers' own with the same seed, number of steps and size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.parity.cases import Case
from benchmarks.parity.pictures import read_pixels
from hugginggpt.experts.base import Result

_PROMPT: Final = {"text": "a red house by the sea"}
_STEPS: Final = 20  # most on a CPU, here


def _load(folder: Path) -> Any:
    import torch
    from diffusers import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _count_steps(pipeline: Any) -> int:
    import inspect

    return min(int(inspect.signature(pipeline.__call__).parameters["num_inference_steps"].default), _STEPS)


def _paint(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch

    pipeline = _load(folder)
    pace = (
        {"num_inference_steps": 4, "guidance_scale": 0.0}
        if "schnell" in str(folder)
        else {"num_inference_steps": _count_steps(pipeline)}
    )
    with torch.inference_mode():
        return np.asarray(pipeline(prompt=inputs["text"], **pace).images[0]) / 255


def _repaint(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Change a square picture, at the pipeline's own size, and return it at the picture's."""
    import torch
    from diffusers import AutoPipelineForImage2Image

    pipeline = AutoPipelineForImage2Image.from_pipe(_load(folder))
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.open(inputs["image"]).convert("RGB")
    side = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    with torch.inference_mode():
        found = pipeline(prompt=inputs["text"], image=small, num_inference_steps=_count_steps(pipeline)).images[0]
    return np.asarray(found.resize(picture.size, Image.Resampling.LANCZOS)) / 255


def _steer(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from diffusers import ControlNetModel, StableDiffusionControlNetPipeline

    base = _load(next(folder.parents[2].glob("models--tiny--sd/snapshots/*")))
    pipeline = StableDiffusionControlNetPipeline.from_pipe(base, controlnet=ControlNetModel.from_pretrained(folder))
    pipeline.set_progress_bar_config(disable=True)
    side = base.unet.config.sample_size * base.vae_scale_factor
    control = Image.open(inputs["image"]).convert("RGB").resize((side, side))
    with torch.inference_mode():
        found = pipeline(
            prompt=inputs["text"], image=control, width=side, height=side, num_inference_steps=_count_steps(pipeline)
        )
    return np.asarray(found.images[0]) / 255


def _film(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Return the mean colour of each frame of a video with our number of frames, steps and pixels on a CPU."""
    import torch

    from hugginggpt.experts.local.image.diffusion import fit_size, get_native_size

    pipeline = _load(folder)
    width, height = fit_size(get_native_size(pipeline), min(int(np.prod(get_native_size(pipeline))), 256 * 256))
    with torch.inference_mode():
        found = pipeline(
            prompt=inputs["text"], width=width, height=height, num_frames=17, num_inference_steps=12, output_type="np"
        )
    return found.frames[0].clip(0, 1).mean(axis=(1, 2))


def _read_film(result: Result) -> Any:
    from hugginggpt.experts.cancel_token import CancelToken
    from hugginggpt.experts.local.video.frames import read_frames

    path = next(output.path for output in result.outputs if output.path is not None)
    return read_frames(path, count=17, max_pixels=10**8, token=CancelToken()).mean(axis=(1, 2)) / 255


_SQUARE: Final = {**_PROMPT, "image": "square.png"}

CASES: Final[tuple[Case, ...]] = (
    *(Case("text-to-image", f"tiny/{m}", _PROMPT, _paint, read_pixels)
      for m in ("sd", "sdxl", "sd3", "flux-schnell", "lcm", "pixart", "pixart-sigma")),
    Case("image-to-image", "tiny/sd", _SQUARE, _repaint, read_pixels),
    Case("text-to-video", "tiny/ltx", _PROMPT, _film, _read_film, tolerance=0.05),  # the file is compressed
    Case("canny-text-to-image", "tiny/controlnet-canny", _SQUARE, _steer, read_pixels, beside=("tiny/sd",)),
)  # fmt: skip
