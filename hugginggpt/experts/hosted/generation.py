"""Pictures and videos made at providers: fal-ai, replicate, together, wavespeed, nscale, hf-inference and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hugginggpt.core.errors import ExpertError, ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.outputs import images
from hugginggpt.workspace import media

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient
    from PIL import Image


async def paint(call: Call, client: AsyncInferenceClient) -> Result:
    """Run text-to-image: a PNG for the text; ``data`` holds width and height in pixels."""
    return images.build_image_result(call, _checked(call, await client.text_to_image(call.text())))


async def repaint(call: Call, client: AsyncInferenceClient) -> Result:
    """Run image-to-image: a PNG of the picture as the text wants it; ``data`` holds width and height in pixels."""
    wish = call.text() if call.inputs.get("text") else None
    with encode_image(call) as sent:
        made = await client.image_to_image(sent.path, wish)
    return images.build_image_result(call, _checked(call, made))


async def film(call: Call, client: AsyncInferenceClient) -> Result:
    """Run text-to-video: an MP4 for the text; ``data`` holds frames (their number), fps and seconds."""
    return _filmed(call, await client.text_to_video(call.text()))


async def animate(call: Call, client: AsyncInferenceClient) -> Result:
    """Run image-to-video: an MP4 that begins with the picture; ``data`` as `film` has it."""
    wish = call.text() if call.inputs.get("text") else None
    with encode_image(call) as sent:
        made = await client.image_to_video(sent.path, prompt=wish)
    return _filmed(call, made)


def _checked(call: Call, made: Image.Image) -> Image.Image:
    """Return a picture that is opened but not decoded yet, as RGB.

    Raises:
        ExpertError: It has too many pixels, or can't be decoded.
    """
    if made.width * made.height > call.limits.max_pixels:
        raise ExpertError(f"{call.card.id} made a picture of {made.width} × {made.height} pixels, more than is taken here.")
    try:
        return made.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise ExpertError(f"{call.card.provider or call.card.id} answered a picture that is broken.") from error


def _filmed(call: Call, content: bytes) -> Result:
    path = call.new_path(".mp4")
    path.write_bytes(content)
    try:
        data = _measured(path)
    except (ResourceError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise ExpertError(f"{call.card.provider or call.card.id} answered something that is no video.") from error
    return Result((Output(Kind.VIDEO, path=path, data=data),))


def _measured(path: Any) -> dict[str, Any]:
    """Return number of frames, frames per second and length of a video."""
    with media.open_stream(path) as container:
        if not container.streams.video:
            raise ValueError("no pictures in it")
        stream = container.streams.video[0]
        fps = float(stream.average_rate or 0)
        frames = stream.frames or sum(1 for _ in container.decode(stream))
    return {"frames": frames, "fps": round(fps, 3), "seconds": round(frames / fps, 2) if fps else 0.0}
