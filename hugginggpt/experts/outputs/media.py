"""Sounds and videos that a model made, as WAV and MP4 files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def build_audio_output(call: Call, samples: NDArray[np.floating[Any]], rate: int) -> Output:
    """Write samples as a WAV file.

    Args:
        call: The call that they are the output of.
        samples: Shape (samples,) or (channels, samples), in -1..1; values beyond are clipped.
        rate: Samples per second.

    Returns:
        Its ``data`` holds seconds (the length) and rate.

    Raises:
        ExpertError: There are no samples, or some are NaN or infinite.
    """
    import numpy as np

    array = np.asarray(samples, np.float32)
    # a WAV writer wants (samples, channels); models give (channels, samples)
    array = array.T if array.ndim == 2 and array.shape[0] > 1 else array.reshape(-1)
    if not array.size or not np.isfinite(array).all():
        raise ExpertError(f"{call.card.id} made no sound of this.")
    path = call.new_path(".wav")
    media.write_wav(path, np.clip(array, -1.0, 1.0), rate)
    return Output(Kind.AUDIO, path=path, data={"seconds": round(len(array) / rate, 2), "rate": rate})


def build_video_result(call: Call, pictures: NDArray[np.uint8], fps: float, note: str = "") -> Result:
    """Write frames as an MP4; ``data`` holds frames (their number), fps (frames per second) and seconds (the length).

    Args:
        call: The call that generated them.
        pictures: Shape (frames, height, width, 3), RGB; an odd last row or column is cut.
        fps: Frames per second.
        note: One sentence for the person.
    """
    path = call.new_path(".mp4")
    write_video(path, pictures, fps)
    data = {"frames": len(pictures), "fps": fps, "seconds": round(len(pictures) / fps, 2)}
    return Result((Output(Kind.VIDEO, path=path, data=data),), note)


def write_video(path: Path, pictures: Iterable[NDArray[np.uint8]], fps: float) -> None:
    """Write frames as an MP4 file that every browser plays, and starts before all is downloaded: H.264, yuv420p.

    Args:
        path: The file to write.
        pictures: Frames of shape (height, width, 3), RGB; an odd last row or column is cut.
        fps: Frames per second.
    """
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            height, width = (side // 2 * 2 for side in picture.shape[:2])  # yuv420p needs even sides
            frame = av.VideoFrame.from_ndarray(picture[:height, :width].copy(), format="rgb24")
            if not stream.codec_context.is_open:
                stream.width, stream.height = width, height
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))  # flushes the frames that the encoder holds back
