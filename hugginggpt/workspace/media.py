"""Safe reading and writing of pictures, sound, video, text and tables, each in one plain form.

Decoders are limited to formats that can't refer to other files, and a picture's size is read from its header before a
pixel is decoded.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.encodings import decode_text
from hugginggpt.workspace.pictures import count_pages as count_pages  # as X: offered here too
from hugginggpt.workspace.pictures import describe_picture
from hugginggpt.workspace.pictures import open_image as open_image
from hugginggpt.workspace.pictures import open_pages as open_pages

if TYPE_CHECKING:
    import av.container
    import numpy as np
    from numpy.typing import NDArray

_CONTAINERS: Final = "wav,mp3,flac,ogg,mov,matroska,webm,aac,aiff,avi,amr,mpeg,mpegts,asf,caf,au"
"""Accepted FFmpeg demuxers: none that opens other files or addresses (no playlists, no concat)."""

MAX_TEXT_BYTES: Final = 16 * 2**20
"""Longest text or table, in bytes: as a `str` it takes up to four times as much, and each step makes copies."""
_MAX_DESCRIBED_PIXELS: Final = 2**31  # its size was checked when it was taken, or a task made it
_MAX_SHOWN_CELLS: Final = 30
_MAX_HEAD_CHARS: Final = 2**20  # among which the first rows are looked for
_MAX_COUNTED_CELLS: Final = 1_000_000
_MIN_MIX_ENERGY, _MIN_CHANNEL_ENERGY = 0.05, 0.001
"""Least energy of the mean of two channels, and of the quieter one, as a share of the louder one's."""


class TextTooLongError(ResourceError):
    """A text is longer than what is read; told apart from a file that is no text."""


def open_stream(path: Path) -> av.container.InputContainer:
    """Open sound or video with decoders that can't reach any other file or address."""
    import av

    return av.open(str(path), options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}, metadata_errors="ignore")


def read_audio(path: Path, *, rate: int, max_seconds: float) -> NDArray[np.float32]:
    """Return the sound of a recording or a video as mono float32 in -1..1.

    Args:
        path: Any container and codec that FFmpeg knows.
        rate: Samples per second wanted; the sound is resampled to it.
        max_seconds: Longer recordings are refused while they are being decoded.

    Returns:
        Shape (samples,).

    Raises:
        ResourceError: There is no sound in it, it can't be decoded, or it is too long.
    """
    import numpy as np

    blocks: list[NDArray[np.float32]] = []
    limit = int(max_seconds * rate)
    for block in _decode_audio(path, rate):
        blocks.append(block)
        if sum(map(len, blocks)) > limit:  # while decoding: what a header says of the length may be wrong
            raise ResourceError(f"The recording is longer than {_format_duration(max_seconds)}: cut it shorter.")
    return np.concatenate(blocks)


def read_audio_windows(path: Path, *, rate: int, window_seconds: float) -> Iterator[NDArray[np.float32]]:
    """Yield a recording piece by piece, each as `read_audio` returns it: of any length, only a window is in memory.

    Each piece is cut at the quietest moment of the last quarter of its window, so hardly any word is cut in two.

    Raises:
        ResourceError: There is no sound in it, or it can't be decoded.
    """
    import numpy as np

    size, grain = int(window_seconds * rate), max(1, rate // 20)  # loudness is compared in grains of 50 ms
    waiting: list[NDArray[np.float32]] = []
    for block in _decode_audio(path, rate):
        waiting.append(block)
        if sum(map(len, waiting)) > size:
            joined = np.concatenate(waiting)
            first = size * 3 // 4
            grains = np.square(joined[first:size][: (size - first) // grain * grain]).reshape(-1, grain).sum(axis=1)
            cut = first + int(grains.argmin()) * grain + grain // 2
            yield joined[:cut]
            waiting = [joined[cut:]]
    yield np.concatenate(waiting)


def measure_seconds(path: Path) -> float | None:
    """Return the length of a recording or a video as its header has it; None where it doesn't say."""
    import av

    try:
        with open_stream(path) as container:
            return container.duration / 1_000_000 if container.duration else None  # FFmpeg counts in µs
    except (av.FFmpegError, ValueError):  # who reads it says so
        return None


def _decode_audio(path: Path, rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield a recording as mono blocks of a second or a little more, at least one."""
    import av
    import numpy as np

    waiting: list[NDArray[Any]] = []  # the resampler's format, float32
    is_empty = True
    try:
        with open_stream(path) as container:
            if not container.streams.audio or (codec := container.streams.audio[0].codec_context) is None:
                raise ResourceError("There is no sound in this file.")
            resampler = av.AudioResampler(format="fltp", layout="mono" if codec.channels == 1 else "stereo", rate=rate)
            for frame in itertools.chain(container.decode(container.streams.audio[0]), [None]):  # None flushes the resampler
                waiting += [piece.to_ndarray() for piece in resampler.resample(frame)]
                if waiting and (frame is None or sum(piece.shape[1] for piece in waiting) >= rate):
                    yield np.clip(_mix_channels(np.concatenate(waiting, axis=1)), -1.0, 1.0)  # lossy codecs overshoot
                    waiting, is_empty = [], False
    except ResourceError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise ResourceError("The recording can't be decoded: it may be damaged or cut off.") from error
    if is_empty:
        raise ResourceError("The recording is empty.")


def _mix_channels(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels, or the loudest alone where the others are silent or cancel it out.

    Some recorders write a single microphone to both channels, one of them inverted: their mean is silence.
    """
    import numpy as np

    mixed: NDArray[np.float32] = block.mean(axis=0)
    energies = np.square(block).mean(axis=1)
    is_lost = np.square(mixed).mean() < _MIN_MIX_ENERGY * energies.max()
    return block[energies.argmax()] if is_lost or energies.min() < _MIN_CHANNEL_ENERGY * energies.max() else mixed


def _format_duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def write_wav(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write mono float samples in -1..1 as a 16-bit PCM WAV file that every browser plays."""
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(encoded, samples, rate, subtype="PCM_16", format="WAV")
    path.write_bytes(encoded.getbuffer())  # libsndfile itself wouldn't say that the disk is full


def read_text(path: Path, name: str) -> str:
    """Return the text of a file, whatever its encoding; see `read_text_file`."""
    return read_text_file(path, name)[0]


def read_text_file(path: Path, name: str) -> tuple[str, str]:
    """Return the text of a file, and the encoding that it was in.

    Raises:
        ResourceError: It is no text.
        TextTooLongError: It is longer than `MAX_TEXT_BYTES`.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_TEXT_BYTES + 1)
    try:
        text, encoding = decode_text(raw)
    except UnicodeDecodeError as error:
        if len(raw) > MAX_TEXT_BYTES and error.end >= MAX_TEXT_BYTES - 3:  # a letter that the limit has cut in two
            raise _make_length_error(name) from error
        raise ResourceError(
            f"“{name}” is not a text in an encoding that is known here: save it as UTF-8 and attach it again."
        ) from error
    if not text.strip() or "\0" in text:
        raise ResourceError(f"“{name}” holds no text.")
    if len(raw) > MAX_TEXT_BYTES:  # only now: a video is no text, however long it is
        raise _make_length_error(name)
    return text, encoding


def _make_length_error(name: str) -> TextTooLongError:
    limit = MAX_TEXT_BYTES >> 20
    return TextTooLongError(f"“{name}” is a text of more than {limit} MB, which is the most that is read: attach a part of it.")


def read_first_rows(path: Path, count: int) -> list[list[str]]:
    """Return the first rows of a CSV or TSV table that hold anything, header included, and of each its first cells.

    Empty when the table can't be read.
    """
    try:
        text = read_text(path, path.name)
        rows = csv.reader(io.StringIO(text[:_MAX_HEAD_CHARS], newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
        return [row[:_MAX_SHOWN_CELLS] for row in itertools.islice(filter(None, rows), count)]  # a row may hold millions
    except (csv.Error, OSError, ResourceError):
        return []


def describe(path: Path, kind: Kind) -> str:
    """Return the measures of a file as a short phrase: "640 × 480, 2 pages", "11.0 s", "6 rows"; empty where unknown."""
    if kind is Kind.IMAGE:
        return describe_picture(path, max_pixels=_MAX_DESCRIBED_PIXELS)
    if kind in {Kind.AUDIO, Kind.VIDEO}:
        with open_stream(path) as container:
            return f"{container.duration / 1_000_000:.1f} s" if container.duration else ""  # FFmpeg counts in µs
    if kind is Kind.TABLE:
        try:
            text = read_text(path, path.name)
            if text.count(",") > _MAX_COUNTED_CELLS:  # all of them may stand in one row, of which a list is made
                return ""
            rows = sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row)
        except (csv.Error, ResourceError):
            return ""
        return "1 row" if rows == 2 else f"{max(rows - 1, 0)} rows"  # the header isn't one
    return ""
