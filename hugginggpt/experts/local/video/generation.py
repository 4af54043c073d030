"""Videos from words and from pictures, by diffusion (https://huggingface.co/docs/diffusers/using-diffusers/text-img2vid)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.image.diffusion import (
    accepts_argument,
    choose_pace,
    compose_pipeline,
    fit_size,
    get_default,
    get_native_size,
    get_network_config,
    hold_diffusion_base,
    run,
)
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.outputs.media import build_video_result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRAINED_FPS: Final = {"WanPipeline": 16, "WanImageToVideoPipeline": 16}
"""Pictures per second that a model was trained for, where its pipeline doesn't say."""
_DEFAULT_FPS: Final = 8
_MAX_FRAMES: Final = 161
_MAX_FRAMES_CPU: Final = 17
"""Most pictures of a video: one more than a multiple of eight, as autoencoders that compress time need it."""
_MAX_PIXELS: Final = 1280 * 720
_MAX_PIXELS_CPU: Final = 256 * 256  # most pixels of each picture
_MAX_CPU_STEPS: Final = 12
_DECODE_BATCH_SIZE: Final = 8
"""Pictures that are decoded together, where the autoencoder takes them one by one: more would take more memory."""


def generate_video(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-to-video: an MP4 for the text, as long and large as the pipeline makes it by itself, within bounds.

    At most 161 pictures of 1280 × 720 pixels; on a CPU 17 of about 256 × 256. ``data`` holds the number of frames, the
    frames per second ("fps") and the length in seconds.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    with hold_diffusion_base(runtime, call.token) as base:
        pipeline = compose_pipeline(base, call)
        size = _choose_size(pipeline, runtime, get_native_size(pipeline))
        return [_make_video(call, runtime, pipeline, size, prompt=text)]


def animate_image(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run image-to-video: an MP4 that begins with the picture, as long as the pipeline makes it by itself, within bounds.

    The picture is scaled to about the size that the pipeline makes, and cut at its edges where only one size will do.
    Bounds and ``data`` are those of `generate_video`. Not every pipeline takes a text too; a note says so where one was given.
    """
    from PIL import ImageOps

    (call,) = calls
    picture = call.picture()
    text = call.text() if call.inputs.get("text") else ""
    with hold_diffusion_base(runtime, call.token) as base:
        pipeline = compose_pipeline(base, call)
        size = _choose_size(pipeline, runtime, picture.size)
        note = (
            ""
            if accepts_argument(pipeline, "prompt") or not text
            else "This model takes no text: it moved the picture as it saw fit."
        )
        return [_make_video(call, runtime, pipeline, size, note, prompt=text, image=ImageOps.fit(picture, size))]


def _make_video(call: Call, runtime: Runtime, pipeline: Any, size: tuple[int, int], note: str = "", **inputs: Any) -> Result:
    frames = _choose_frame_count(pipeline, runtime)
    # a pipeline that takes a number per second moves things accordingly
    fps = get_default(pipeline, "fps", "frame_rate") or _TRAINED_FPS.get(type(pipeline).__name__, _DEFAULT_FPS)
    output = run(
        pipeline,
        **inputs,
        width=size[0],
        height=size[1],
        num_frames=frames,
        decode_chunk_size=_DECODE_BATCH_SIZE,  # `run` leaves out what a pipeline doesn't accept
        output_type="np",
        **choose_pace(pipeline, runtime, runtime.checkpoint, _MAX_CPU_STEPS),
    )
    call.token.check()  # the last step was done before the decoding, which takes a while
    pictures: NDArray[np.uint8] = (output.frames[0].clip(0, 1) * 255).round().astype("uint8")
    return build_video_result(call, pictures, fps, note)


def _choose_frame_count(pipeline: Any, runtime: Runtime) -> int:
    """Choose the number of pictures: the pipeline's own, within bounds."""
    config = get_network_config(pipeline)
    own: int = get_default(pipeline, "num_frames") or config.get("num_frames") or config.get("sample_frames") or _MAX_FRAMES_CPU
    return min(own, _MAX_FRAMES if runtime.device.uses_half_precision else _MAX_FRAMES_CPU)


def _choose_size(pipeline: Any, runtime: Runtime, shape: tuple[int, int]) -> tuple[int, int]:
    """Choose the size of the pictures: these proportions and about the pipeline's own area, within bounds."""
    width, height = get_native_size(pipeline)
    if get_network_config(pipeline).get("use_learned_positional_embeddings"):
        return width, height  # it has learnt one place for each patch
    return fit_size(shape, min(width * height, _MAX_PIXELS if runtime.device.uses_half_precision else _MAX_PIXELS_CPU))
