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

_SIDE: Final = 2_048
"""Pictures are sent with at most so many pixels a side: no model that is hosted looks at more."""
_QUALITY: Final = 92
_RATE: Final = 16_000
"""Samples per second of what is sent to be heard, which is what models for speech and sounds take."""
_AUDIBLE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture on its way."""

    original: Image.Image
    path: str
    """Of the JPEG that is sent."""
    scale: float
    """Pixels of the original that one of its pixels stands for."""

    @property
    def as_url(self) -> str:
        """It as a data URL, for chats."""
        return f"data:image/jpeg;base64,{base64.b64encode(Path(self.path).read_bytes()).decode('ascii')}"


@contextmanager
def encode_image(call: Call, name: str = "image") -> Iterator[SentPicture]:
    """The picture called `name`: RGB, upright, at most 2,048 pixels a side."""
    original = call.picture(name)
    small = original.copy()
    small.thumbnail((_SIDE, _SIDE))
    with _file(call, ".jpg") as path:
        small.save(path, quality=_QUALITY)
        yield SentPicture(original, str(path), original.width / small.width)


@contextmanager
def encode_audio(call: Call, name: str = "audio") -> Iterator[tuple[str, float]]:
    """The recording called `name` as a WAV file, mono, 16 kHz: its path, and its length in seconds.

    Raises:
        InputError: It is silent.
    """
    samples = call.sound(_RATE, name)
    if not samples.size or float(abs(samples).max()) < _AUDIBLE:
        raise InputError("The recording is silent.")
    with _file(call, ".wav") as path:
        media.write_wav(path, samples, _RATE)
        yield str(path), samples.size / _RATE


@contextmanager
def _file(call: Call, suffix: str) -> Iterator[Path]:
    path = call.new_path(suffix)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
