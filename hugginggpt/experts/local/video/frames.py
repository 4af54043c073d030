"""Frames of a video: a few of them, spread over all of it, upright and no larger than models look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import av.container
    import numpy as np
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_MAX_SIDE: Final = 640  # longest side of a frame after scaling down, in pixels; video classifiers look at 224 to 384
_MAX_DECODED_SECONDS: Final = 300
"""Longest video that is decoded whole; of others only the key frames, every few seconds: the rest takes minutes."""
_MAX_FRAMES: Final = 50_000  # frame at which reading ends, whatever the file says about its length


def read_frames(path: Path, *, count: int, max_pixels: int, token: CancelToken) -> NDArray[np.uint8]:
    """Read `count` frames of a video, evenly spread from beginning to end; some come twice where it has fewer.

    Args:
        path: Any container and codec that FFmpeg knows.
        count: Number of frames.
        max_pixels: Videos with larger frames are refused before one is decoded.
        token: Checked at each frame.

    Returns:
        Shape (count, height, width, 3), RGB in 0..255, upright, the longer side at most 640 pixels.

    Raises:
        InputError: There is no moving picture in it, it can't be decoded, or its frames are too large.
        StoppedError: The call was cancelled.
    """
    import av
    import numpy as np

    try:
        with media.open_stream(path) as container:
            frames = _sample_frames(container, _get_video_stream(container, max_pixels), count, token)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):  # it is a ValueError, too
            raise
        raise InputError("The video can't be decoded: it may be damaged or cut off.") from error
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return np.stack([frames[number] for number in chosen])


def _get_video_stream(container: av.container.InputContainer, max_pixels: int) -> VideoStream:
    """Return the first video stream that is no cover picture."""
    streams = (s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
    if (stream := next(streams, None)) is None:
        raise InputError("There is no picture in this video, only sound.")
    if stream.width * stream.height > max_pixels:  # from the header, before anything is decoded
        raise InputError(
            f"The video has {stream.width:,} × {stream.height:,} pixels, which is too large: attach a smaller copy."
        )
    stream.thread_type = "AUTO"  # several frames at once, too
    if (container.duration or 0) > _MAX_DECODED_SECONDS * 1_000_000:  # in microseconds
        stream.codec_context.skip_frame = "NONKEY"
    return stream


def _sample_frames(
    container: av.container.InputContainer, stream: VideoStream, count: int, token: CancelToken
) -> list[NDArray[np.uint8]]:
    """Return between `count` and twice as many evenly spaced frames, or all where there are fewer.

    How many there are shows only at the end: each time there are too many, every other one is dropped, and from then on
    half as many are kept.
    """
    import av
    import numpy as np

    frames: list[NDArray[np.uint8]] = []
    step, size = 1, (0, 0)
    try:
        for number, frame in enumerate(container.decode(stream)):
            token.check()
            if number >= _MAX_FRAMES:
                break
            if number % step:
                continue
            size = size if any(size) else _fit_size(frame.width, frame.height)  # the first frame's, since all must stack
            picture = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
            frames.append(np.rot90(picture, round(frame.rotation / 90)))  # telephones save them on their side
            if len(frames) > 2 * count:
                frames, step = frames[::2], step * 2  # memory stays within 2 × count frames
    except av.FFmpegError:
        if not frames:  # a file that is cut off still shows what came before
            raise
    if not frames:
        raise InputError("There is no picture in this video.")
    return frames


def _fit_size(width: int, height: int) -> tuple[int, int]:
    """Return the size at which the longer side is no longer than `_MAX_SIDE`."""
    scale = min(1.0, _MAX_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
