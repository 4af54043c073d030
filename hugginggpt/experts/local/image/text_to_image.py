"""Pictures from words and from pictures, by diffusion (https://huggingface.co/docs/diffusers/using-diffusers/overview)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.image.diffusion import (
    choose_pace,
    compose_pipeline,
    fit_size,
    get_native_size,
    hold_diffusion_base,
    run,
)
from hugginggpt.experts.local.image.super_resolution import upscale
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.outputs import images

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS: Final = 1024 * 1024
"""Most pixels of a generated picture."""
_MAX_GROWTH: Final = 4
"""Most times that the number of a result's pixels grows when it is enlarged to its original's size."""
_EDITING_PIPELINES: Final = frozenset({"StableDiffusionInstructPix2PixPipeline"})
"""Pipelines that change pictures and that diffusers' table of tasks doesn't know."""


def generate_image(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-to-image: a PNG for the text, in the size that the pipeline makes by itself, at most about 1024 × 1024 pixels.

    ``data`` holds width and height in pixels. Any pipeline of diffusers' table of text-to-image pipelines.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    with hold_diffusion_base(runtime, call.token) as base:
        pipeline = compose_pipeline(base, call)
        width, height = get_native_size(pipeline)
        size: dict[str, int] = {}
        if width * height > MAX_PIXELS:
            size = dict(zip(("width", "height"), fit_size((width, height), MAX_PIXELS), strict=True))
        output = run(pipeline, prompt=text, **size, **choose_pace(pipeline, runtime, runtime.checkpoint))
    return [build_result(call, output.images[0], output)]


def edit_image(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run image-to-image: a PNG of the picture as the text wants it; without a text a variation, or an enlargement.

    The picture goes in at about the size that the pipeline makes, and comes out at its own, if that isn't far larger.
    ``data`` holds width and height in pixels. Pipelines of diffusers' table, InstructPix2Pix
    (https://arxiv.org/abs/2211.09800), and super-resolution models of transformers.
    """
    (call,) = calls
    if runtime.checkpoint.library == "transformers":  # super resolution, which takes no text
        return [upscale(call, runtime)]
    picture = call.picture()
    with hold_diffusion_base(runtime, call.token) as base:
        pipeline = compose_pipeline(base, call, "" if runtime.checkpoint.architecture in _EDITING_PIPELINES else "Image2Image")
        size = _choose_size(base, picture)
        output = run(
            pipeline,
            prompt=_get_prompt(call),
            image=_resize(picture, size),
            width=size[0],  # `run` leaves out what a pipeline doesn't accept
            height=size[1],
            **choose_pace(pipeline, runtime, runtime.checkpoint),
        )
    return [build_result(call, _resize_like(output.images[0], picture), output)]


def inpaint(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run inpainting: a PNG of the picture, painted anew where the mask is white, as the text wants it.

    The mask is a picture of any size, stretched over the image; what is lighter than mid-grey counts as white. All else
    stays as it was, pixel by pixel. ``data`` holds width and height in pixels. Pipelines of diffusers' table; one that
    wasn't trained for it blends in the noised image at each step (https://arxiv.org/abs/2206.02779).

    Raises:
        InputError: Nothing in the mask is white.
    """
    from PIL import Image

    (call,) = calls
    picture = call.picture()
    mask = call.picture("mask").convert("L").resize(picture.size).point(lambda value: 255 if value > 127 else 0)
    if mask.getbbox() is None:  # before the model is loaded
        raise InputError("The mask is dark all over: make white what is to be painted over.")
    with hold_diffusion_base(runtime, call.token) as base:
        pipeline = compose_pipeline(base, call, "Inpainting")
        size = _choose_size(base, picture)
        output = run(
            pipeline,
            prompt=_get_prompt(call),
            image=_resize(picture, size),
            mask_image=mask.resize(size),
            width=size[0],
            height=size[1],
            **choose_pace(pipeline, runtime, runtime.checkpoint),
        )
    patched = Image.composite(_resize(output.images[0], picture.size), picture, mask)  # the autoencoder changes every pixel
    return [build_result(call, patched, output)]


def build_result(call: Call, picture: Image.Image, pipeline_output: Any, models: tuple[str, ...] = ()) -> Result:
    """Return the result of a pipeline's run: the picture as a PNG, and a note if the model's own filter has blacked it out."""
    flagged = any(getattr(pipeline_output, "nsfw_content_detected", None) or ())
    note = "The model's own filter took the picture for unsuitable and blacked it out." if flagged else ""
    return images.build_image_result(call, picture, note, models)


def _get_prompt(call: Call) -> str:
    """Return the person's text; empty where there is none."""
    return call.text() if call.inputs.get("text") else ""


def _choose_size(base: Any, picture: Image.Image) -> tuple[int, int]:
    width, height = get_native_size(base)
    return fit_size(picture.size, min(width * height, MAX_PIXELS))


def _resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    from PIL import Image

    return picture.resize(size, Image.Resampling.LANCZOS)


def _resize_like(result: Image.Image, original: Image.Image) -> Image.Image:
    """Return a result in its original's proportions and size, unless that would blow it up too far."""
    factor = min(1.0, (_MAX_GROWTH * result.width * result.height / (original.width * original.height)) ** 0.5)  # of a side
    return _resize(result, (max(round(original.width * factor), 1), max(round(original.height * factor), 1)))
