"""Frames of a video: a few of them, spread over all of it, upright and no larger than models look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import CancelToken
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import av.container
    import numpy as np
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_LONGEST_SIDE: Final = 640
"""Longest side of a frame after scaling down, in pixels; video classifiers look at 224 to 384."""
_LONG_SECONDS: Final = 300
"""Of longer videos only the key frames are decoded: they come every few seconds, and the rest takes minutes."""
_MOST_FRAMES: Final = 50_000
"""Frame at which reading ends, whatever the file says about its length."""


def read_frames(path: Path, *, count: int, max_pixels: int, token: CancelToken) -> NDArray[np.uint8]:
    """So many frames of a video, evenly spread from its beginning to its end; some come twice where it has fewer.

    Args:
        path: Any container and codec that FFmpeg knows.
        count: How many.
        max_pixels: Videos with larger frames are refused before one is decoded.
        token: Looked at with each frame.

    Returns:
        Shape (count, height, width, 3), RGB in 0..255, upright, the longer side at most 640 pixels.

    Raises:
        InputError: There is no moving picture in it, it can't be decoded, or its frames are too large.
        StoppedError: Nobody waits any more.
    """
    import av
    import numpy as np

    try:
        with media.open_stream(path) as container:
            frames = _spread(container, _moving(container, max_pixels), count, token)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("The video can't be decoded: it may be damaged or cut off.") from error
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return np.stack([frames[number] for number in chosen])


def _moving(container: av.container.InputContainer, max_pixels: int) -> VideoStream:
    """Return the first video stream that is no cover picture."""
    streams = (s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
    if (stream := next(streams, None)) is None:
        raise InputError("There is no picture in this video, only sound.")
    if stream.width * stream.height > max_pixels:
        raise InputError(
            f"The video has {stream.width:,} × {stream.height:,} pixels, which is too large: attach a smaller copy."
        )
    stream.thread_type = "AUTO"
    if (container.duration or 0) > _LONG_SECONDS * 1_000_000:
        stream.codec_context.skip_frame = "NONKEY"
    return stream


def _spread(
    container: av.container.InputContainer, stream: VideoStream, count: int, token: CancelToken
) -> list[NDArray[np.uint8]]:
    """Return between `count` and twice as many evenly spaced frames, or all where there are fewer.

    How many there are shows only at the end: each time too many have been kept, every other one goes, and from then on
    half as many are kept.
    """
    import av
    import numpy as np

    kept: list[NDArray[np.uint8]] = []
    step, size = 1, (0, 0)
    try:
        for number, frame in enumerate(container.decode(stream)):
            token.check()
            if number >= _MOST_FRAMES:
                break
            if number % step:
                continue
            size = size if any(size) else _fitting(frame.width, frame.height)
            picture = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
            kept.append(np.rot90(picture, round(frame.rotation / 90)))
            if len(kept) > 2 * count:
                kept, step = kept[::2], step * 2
    except av.FFmpegError:
        if not kept:  # a file that is cut off still shows what came before
            raise
    if not kept:
        raise InputError("There is no picture in this video.")
    return kept


def _fitting(width: int, height: int) -> tuple[int, int]:
    """Return the size at which the longer side is no longer than `_LONGEST_SIDE`."""
    scale = min(1.0, _LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
