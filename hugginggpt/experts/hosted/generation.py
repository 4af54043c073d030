"""Pictures and videos made at providers: fal-ai, replicate, together, wavespeed, nscale, hf-inference and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError, ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.outputs import images
from hugginggpt.hub.account import is_url
from hugginggpt.workspace import media

if TYPE_CHECKING:
    from PIL import Image

    from hugginggpt.experts.hosted.pipeline_client import PipelineClient


_BLANK: Final = (
    "The picture is black all over, as providers send one that their content filter has flagged: if you did not ask for that, "
    "say it in other words, or choose another model."
)
_MAX_BLACK: Final = 2  # of 255: a JPEG's black isn't quite


async def generate_image(call: Call, client: PipelineClient) -> Result:
    """Run text-to-image: a PNG for the text; ``data`` holds width and height in pixels."""
    picture = decode_picture(call, await client.text_to_image(call.text()))
    return images.build_image_result(call, picture, _explain_blank(picture))


async def edit_image(call: Call, client: PipelineClient) -> Result:
    """Run image-to-image: a PNG of the picture, changed as the text says; ``data`` holds width and height in pixels."""
    prompt = call.text() if call.inputs.get("text") else None  # optional; `call.text` refuses an empty one
    with encode_image(call) as sent:
        picture = decode_picture(call, await client.image_to_image(sent.path, prompt))
    return images.build_image_result(call, picture, _explain_blank(picture))


async def generate_video(call: Call, client: PipelineClient) -> Result:
    """Run text-to-video: an MP4 for the text; ``data`` holds frames (their number), fps and seconds."""
    if is_url(call.card.id):  # the client has no method for that
        return _save_video(call, await client.run_pipeline("text-to-video", call.text()))
    return _save_video(call, await client.text_to_video(call.text()))


async def animate_image(call: Call, client: PipelineClient) -> Result:
    """Run image-to-video: an MP4 that begins with the picture; ``data`` as `generate_video` has it."""
    prompt = call.text() if call.inputs.get("text") else None
    with encode_image(call) as sent:
        if is_url(call.card.id):
            parameters = {"prompt": prompt} if prompt else {}
            return _save_video(call, await client.run_pipeline("image-to-video", sent.as_base64, parameters))
        video = await client.image_to_video(sent.path, prompt=prompt)
    return _save_video(call, video)


def decode_picture(call: Call, image: Image.Image) -> Image.Image:
    """Decode a picture that the client has only opened so far, as RGB.

    Raises:
        ExpertError: It has too many pixels, or can't be decoded.
    """
    if image.width * image.height > call.limits.max_pixels:  # both are known from the header: nothing is unpacked yet
        raise ExpertError(f"{call.card.id} made a picture of {image.width} × {image.height} pixels, more than is taken here.")
    try:
        return image.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises any of them for broken data
        raise ExpertError(f"{call.card.provider or call.card.id} answered a picture that is broken.") from error


def _explain_blank(picture: Image.Image) -> str:
    """Return the note for a picture that is black all over; empty for any other."""
    return "" if any(picture.convert("L").histogram()[_MAX_BLACK + 1 :]) else _BLANK


def _save_video(call: Call, content: bytes) -> Result:
    path = call.new_path(".mp4")  # kept as it came, whatever container that is
    path.write_bytes(content)
    try:
        data = _measure_video(path)
    except (ResourceError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise ExpertError(f"{call.card.provider or call.card.id} answered something that is no video.") from error
    return Result((Output(Kind.VIDEO, path=path, data=data),))


def _measure_video(path: Any) -> dict[str, Any]:
    """Measure a video: number of frames, frames per second, length in seconds."""
    with media.open_stream(path) as container:
        if not container.streams.video or container.streams.video[0].codec_context is None:  # of an unknown codec
            raise ValueError("no pictures in it")
        stream = container.streams.video[0]
        fps = float(stream.average_rate or 0)  # None where the container doesn't tell
        frames = stream.frames or sum(1 for _ in container.decode(stream))  # 0 where the container doesn't tell
    return {"frames": frames, "fps": round(fps, 3), "seconds": round(frames / fps, 2) if fps else 0.0}
