"""Inputs as they are sent: pictures as JPEG, recordings as WAV, in files of the session that are gone after the call."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call
from hugginggpt.workspace import media

if TYPE_CHECKING:
    from PIL import Image

_MAX_SIDE: Final = 2_048  # most pixels a side of a picture that is sent: no hosted model looks at more
_JPEG_QUALITY: Final = 92
_SAMPLE_RATE: Final = 16_000
"""Samples per second of recordings that are sent, which is what models for speech and sounds take."""
_MIN_PEAK: Final = 1e-4  # of full scale: -80 dB


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture as it is sent, with its original."""

    original: Image.Image
    path: str
    """Path of the JPEG that is sent."""
    scale: float
    """Pixels of the original per pixel of the JPEG, along each side."""

    @property
    def as_url(self) -> str:
        """The JPEG as a data URL, for chats."""
        return f"data:image/jpeg;base64,{self.as_base64}"

    @property
    def as_base64(self) -> str:
        """The JPEG in base64, for pipelines."""
        return base64.b64encode(Path(self.path).read_bytes()).decode("ascii")


@contextmanager
def encode_image(call: Call, name: str = "image") -> Iterator[SentPicture]:
    """Write the picture called `name` as a JPEG: RGB, upright, at most 2,048 pixels a side."""
    original = call.picture(name)
    small = original.copy()  # `thumbnail` works in place, and results are drawn on the original
    small.thumbnail((_MAX_SIDE, _MAX_SIDE))
    with _temporary_file(call, ".jpg") as path:
        small.save(path, quality=_JPEG_QUALITY)
        yield SentPicture(original, str(path), original.width / small.width)  # one factor: proportions stay


@contextmanager
def encode_audio(call: Call, name: str = "audio") -> Iterator[tuple[str, float]]:
    """Write the recording called `name` as a WAV file, mono, 16 kHz; yield its path, and its length in seconds.

    Raises:
        InputError: It is silent.
    """
    samples = call.sound(_SAMPLE_RATE, name)
    if not samples.size or float(abs(samples).max()) < _MIN_PEAK:
        raise InputError("The recording is silent.")
    with _temporary_file(call, ".wav") as path:
        media.write_wav(path, samples, _SAMPLE_RATE)
        yield str(path), samples.size / _SAMPLE_RATE


@contextmanager
def _temporary_file(call: Call, suffix: str) -> Iterator[Path]:
    path = call.new_path(suffix)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)  # after a failure, too: the session's folder lives on
