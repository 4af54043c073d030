"""Pictures for a language model that takes them: scaled down, inside the message (OpenAI's form, which others read too)."""

import asyncio
import base64
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

log = logging.getLogger(__name__)

_MAX_IMAGES: Final = 4  # number of pictures shown
_MAX_SIDE: Final = 768  # longer side of a picture, in pixels: enough to see what it is, not to read small print


async def attach_images(messages: Sequence[Mapping[str, Any]], attached: Sequence[Resource]) -> Sequence[Mapping[str, Any]]:
    """Return the messages with the request's pictures in the last one; the same object where there are none."""
    paths = [resource.path for resource in attached if resource.kind is Kind.IMAGE and resource.path][:_MAX_IMAGES]
    if not paths:
        return messages
    encoded = await asyncio.gather(*(asyncio.to_thread(_encode_data_url, path) for path in paths), return_exceptions=True)
    urls = [url for url in encoded if isinstance(url, str)]
    for failure in encoded:
        if isinstance(failure, BaseException):  # a picture that can't be read is planned for by its name
            log.info("a picture was not shown", exc_info=failure)
    if not urls:
        return messages
    *before, last = messages  # the last one is the user's: OpenAI takes pictures in no other
    parts = [{"type": "text", "text": last["content"]}, *({"type": "image_url", "image_url": {"url": url}} for url in urls)]
    return [*before, {**last, "content": parts}]


def _encode_data_url(path: Path) -> str:
    from PIL import Image, ImageOps  # here, not above: only controllers that are shown pictures need it

    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file).convert("RGB")  # cameras store photos unturned; JPEG has no transparency
    picture.thumbnail((_MAX_SIDE, _MAX_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)  # a photo as PNG has several times the bytes
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
