"""Pictures for a language model that sees: small ones, inside the question itself (OpenAI's form, which others read too)."""

from __future__ import annotations

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

_MOST: Final = 4
"""How many pictures are shown."""
_SIDE: Final = 768
"""The longer side of one, in pixels: enough to see what it is, not to read small print."""


async def with_pictures(messages: Sequence[Mapping[str, Any]], attached: Sequence[Resource]) -> Sequence[Mapping[str, Any]]:
    """The messages with the pictures of the request in the last one; the same ones where there are none."""
    paths = [resource.path for resource in attached if resource.kind is Kind.IMAGE and resource.path][:_MOST]
    if not paths:
        return messages
    made = await asyncio.gather(*(asyncio.to_thread(_data_url, path) for path in paths), return_exceptions=True)
    urls = [url for url in made if isinstance(url, str)]
    for failure in made:
        if isinstance(failure, BaseException):  # a picture that can't be read is planned for by its name
            log.info("a picture was not shown", exc_info=failure)
    if not urls:
        return messages
    *before, last = messages
    parts = [{"type": "text", "text": last["content"]}, *({"type": "image_url", "image_url": {"url": url}} for url in urls)]
    return [*before, {**last, "content": parts}]


def _data_url(path: Path) -> str:
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    picture.thumbnail((_SIDE, _SIDE))
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"
