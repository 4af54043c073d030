"""Results that are files, or about pictures and recordings."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hugginggpt.experts.hosted.shapes.common import AnswerShapeError, get_first, is_number, list_rows, unwrap, zip_columns

_MIN_FILE_CHARS: Final = 32  # shortest base64 that counts as a file: labels and ids may be base64, too
_SOUND_KEYS: Final = ("audio", "waveform", "speech")
_RATE_KEYS: Final = ("sampling_rate", "sample_rate")
_SOUND_STARTS: Final = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\x1aE\xdf\xa3")
"""Signatures of WAV, FLAC, Ogg, MP3, AAC and WebM."""
_MAX_PEAK: Final = 8.0  # largest sample that floats of sound may have; integers that are taken for floats are far beyond
_FULL_SCALE: Final = 32_768.0  # of 16-bit samples
_SIDES: Final = ("xmin", "ymin", "xmax", "ymax")


def read_file(value: Any, _: Any) -> bytes:
    """Read a file: as it is, or as base64 or a data URL somewhere in JSON.

    Raises:
        AnswerShapeError: There is none.
    """
    if isinstance(value, bytes):
        return value
    for text in _walk_texts(value):
        if (content := _decode(text)) is not None:
            return content
    raise AnswerShapeError("a file was expected")


def _walk_texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case [*several]:
            for each in several[:1] if several and is_number(several[0]) else several:
                yield from _walk_texts(each)
        case {**fields}:
            for each in fields.values():
                yield from _walk_texts(each)


def _decode(text: str) -> bytes | None:
    """Return the bytes behind base64 or a data URL; None where it is neither."""
    encoded = "".join(_strip_data_url(text).split())
    if len(encoded) < _MIN_FILE_CHARS:
        return None
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return None


def _strip_data_url(text: str) -> str:
    return text.partition(",")[2] if text.startswith("data:") else text


def read_sound(value: Any, asked: Any) -> bytes:
    """Read a sound file, or samples with their rate, which the pipeline returns."""
    if isinstance(value, bytes):
        return value
    value = unwrap(value)
    row = value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else value
    samples = get_first(row, _SOUND_KEYS) if isinstance(row, Mapping) else None
    if isinstance(samples, list):
        return _encode_wav(samples, get_first(row, _RATE_KEYS))
    content = read_file(value, asked)
    rate = get_first(row, _RATE_KEYS) if isinstance(row, Mapping) else None
    return content if rate is None or _is_sound_file(content) else _encode_wav(_read_samples(content), rate)


def _is_sound_file(content: bytes) -> bool:
    return content.startswith(_SOUND_STARTS) or content[4:8] == b"ftyp"  # MP4 has its length first


def _read_samples(content: bytes) -> Any:
    """Return the samples of sound without a header: 32-bit floats, or 16-bit integers where they can't be those."""
    import numpy as np

    if len(content) % 4 == 0:
        floats = np.frombuffer(content, "<f4")
        if np.isfinite(floats).all() and abs(floats).max(initial=0) <= _MAX_PEAK:
            return floats
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2")


def _encode_wav(samples: Any, rate: Any) -> bytes:
    import numpy as np
    import soundfile

    if not is_number(rate) or rate <= 0:
        raise AnswerShapeError("a sampling rate was expected")
    array = np.squeeze(np.asarray(samples))
    scaled = array / _FULL_SCALE if array.dtype.kind == "i" and abs(array).max(initial=0) > 1 else array
    if scaled.ndim > 2:
        raise AnswerShapeError("samples were expected")
    if scaled.ndim == 2 and scaled.shape[0] < scaled.shape[1]:
        scaled = scaled.T  # a WAV writer wants (samples, channels); models give (channels, samples)
    encoded = io.BytesIO()
    soundfile.write(encoded, np.atleast_1d(scaled).clip(-1.0, 1.0), int(rate), subtype="PCM_16", format="WAV")
    return encoded.getvalue()


def read_sounds(value: Any, asked: Any) -> Any:
    """Read the recordings that audio-to-audio gives, as the API has them: each in base64, with a label."""
    value = value if isinstance(value, bytes) else unwrap(value)
    several = value if isinstance(value, list) and value and isinstance(value[0], Mapping) else [value]
    return [_read_labelled_sound(each, asked) for each in several]


def _read_labelled_sound(value: Any, asked: Any) -> dict[str, Any]:
    named = value if isinstance(value, Mapping) else {}
    blob = base64.b64encode(read_sound(value, asked)).decode("ascii")
    return {"label": named.get("label") or "", "content-type": named.get("content-type") or "audio/wav", "blob": blob}


def read_transcript(value: Any, _: Any) -> Any:
    """Read a transcript with its segments, where there are any."""
    value = unwrap(value)
    if isinstance(value, str):
        return {"text": value}
    row = list_rows(value)[0]
    texts: list[str] = []
    times: list[Any] = []
    for chunk in row.get("chunks") or row.get("segments") or ():
        texts.append(str(chunk.get("text") or ""))
        times.append(chunk.get("timestamp") or [chunk.get("start"), chunk.get("end")])
    text = get_first(row, ("text", "transcription", "generated_text"))
    if text is None and not texts:
        raise AnswerShapeError("a transcript was expected")
    chunks = [{"text": said, "timestamp": time} for said, time in zip(texts, times, strict=True)]
    return {"text": "".join(texts) if text is None else text, "chunks": chunks or None}


def read_objects(value: Any, _: Any) -> Any:
    """Read things with their boxes, whose sides have names or stand in a list: left, top, right, bottom."""
    columns = {"labels": "label", "scores": "score", "boxes": "box"}
    rows = [row for entry in list_rows(value) for row in zip_columns(entry, columns)]
    return [{"label": str(row["label"]), "score": float(row["score"]), "box": _read_box(row["box"])} for row in rows]


def _read_box(box: Any) -> dict[str, Any]:
    return {side: box[side] for side in _SIDES} if isinstance(box, Mapping) else dict(zip(_SIDES, box, strict=True))


def read_regions(value: Any, _: Any) -> Any:
    """Read regions with their masks, which the API has as PNGs in base64; a mask may also be a table of numbers."""
    rows = [row for entry in list_rows(value) for row in zip_columns(entry, {"masks": "mask", "scores": "score"})]
    return [{**row, "label": str(row.get("label") or ""), "mask": _read_mask(row["mask"])} for row in rows]


def _read_mask(mask: Any) -> str:
    if isinstance(mask, str):
        return _strip_data_url(mask)
    import numpy as np
    from PIL import Image

    values = np.squeeze(np.asarray(mask))
    if values.ndim != 2:
        raise AnswerShapeError("a mask was expected")
    encoded = io.BytesIO()
    Image.fromarray(((values > 0) * 255).astype(np.uint8)).save(encoded, "PNG")
    return base64.b64encode(encoded.getvalue()).decode("ascii")


def read_depth(value: Any, asked: Any) -> Any:
    """Read a depth map: a picture in base64 as ``depth``, and as ``predicted_depth`` what the model gave, if it is told."""
    if isinstance(value, bytes):
        return {"depth": base64.b64encode(value).decode("ascii"), "predicted_depth": None}
    row = list_rows(value)[0] if not isinstance(unwrap(value), str) else {"depth": value}
    depth, predicted = row.get("depth"), row.get("predicted_depth")
    if isinstance(depth, list):  # numbers in place of a picture
        depth, predicted = None, depth
    content = base64.b64encode(read_file(depth, asked)).decode("ascii") if depth is not None else None
    if content is None and not isinstance(predicted, list):
        raise AnswerShapeError("a depth map was expected")
    return {"depth": content, "predicted_depth": predicted if isinstance(predicted, list) else None}
