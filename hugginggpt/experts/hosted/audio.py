"""Audio tasks at providers: speech synthesis and recognition, classification, audio-to-audio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hugginggpt.core.errors import ExpertError, InputError, ResourceError
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.hosted.inputs import encode_audio
from hugginggpt.experts.outputs import text as texts
from hugginggpt.experts.outputs.media import build_audio_output
from hugginggpt.experts.outputs.transcripts import build_transcript_result
from hugginggpt.workspace import media

if TYPE_CHECKING:
    from hugginggpt.experts.hosted.pipeline_client import PipelineClient

_MAX_CLASSES = 5
_MAX_CHARS = 5_000  # most characters that one call reads aloud


async def synthesize_speech(call: Call, client: PipelineClient) -> Result:
    """Run text-to-speech: a WAV file, mono, 16 bit, at the rate at which it came; ``data`` has seconds and rate."""
    text = call.text()
    note = f"Only the first {_MAX_CHARS:,} characters are spoken." if len(text) > _MAX_CHARS else ""
    return Result((_decode_sound(call, await client.text_to_speech(text[:_MAX_CHARS])),), note)


async def transcribe(call: Call, client: PipelineClient) -> Result:
    """Run automatic-speech-recognition: the transcript, or subtitles.

    Returns:
        ``data`` has segments (start, end in seconds, text) and seconds.

    Raises:
        InputError: No speech is heard.
    """
    with encode_audio(call) as (path, seconds):
        found = await client.automatic_speech_recognition(path)
    if not (text := found.text.strip()):
        raise InputError("No speech is heard in this recording.")
    segments: list[dict[str, Any]] = [  # empty from providers that give no timestamps; Whisper leaves out the last end
        {"start": chunk.timestamp[0] or 0.0, "end": _get_end(chunk.timestamp[1], seconds), "text": chunk.text.strip()}
        for chunk in found.chunks or ()
    ]
    whole = [{"start": 0.0, "end": round(seconds, 2), "text": text}]
    result = build_transcript_result(call, segments or whole, {"seconds": round(seconds, 2)}, text=text)
    if result.outputs[0].path and not segments:
        return replace(result, note=f"{call.card.id} gave no times: these are estimated by the lengths of the lines.")
    return result


def _get_end(end: float | None, seconds: float) -> float:
    return round(seconds, 2) if end is None else end


async def compose_audio(call: Call, client: PipelineClient) -> Result:
    """Run text-to-audio at an endpoint: a WAV file; ``data`` has seconds and rate."""
    return Result((_decode_sound(call, await client.run_pipeline("text-to-audio", call.text())),))


async def classify(call: Call, client: PipelineClient) -> Result:
    """Run audio-classification: a sentence; label and score (0..1) of the five likeliest classes."""
    with encode_audio(call) as (path, _):
        found = await client.audio_classification(path)
    ranked = sorted(found, key=lambda entry: -entry.score)[:_MAX_CLASSES]  # the order of a reply isn't specified
    return texts.build_classes_result([{"label": entry.label, "score": entry.score} for entry in ranked], shares=True)


async def process_audio(call: Call, client: PipelineClient) -> Result:
    """Run audio-to-audio: a WAV file of the processed recording; the first one where the model separates sources."""
    with encode_audio(call) as (path, _):
        found = await client.audio_to_audio(path)
    if not found:
        raise ExpertError(f"{call.card.id} made no sound of this.")
    return Result((_decode_sound(call, found[0].blob),))


def _decode_sound(call: Call, content: Any) -> Output:
    """Convert a sound file of any format to WAV, at its own rate, mono.

    Raises:
        ExpertError: It is no sound.
    """
    path = call.new_path(".audio")  # which format it is isn't told: it is recognised by content
    try:
        path.write_bytes(bytes(content))
        rate = _read_rate(path)
        samples = media.read_audio(path, rate=rate, max_seconds=call.limits.max_audio_seconds)
    except (ResourceError, ValueError, TypeError) as error:  # PyAV's InvalidDataError is a ValueError
        raise ExpertError(f"{call.card.provider or call.card.id} answered something that is no sound.") from error
    finally:
        path.unlink(missing_ok=True)
    return build_audio_output(call, samples, rate)


def _read_rate(path: Path) -> int:
    """Read the samples per second of a sound file."""
    with media.open_stream(path) as container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:  # of an unknown codec
            raise ValueError("no sound in it")
        return int(container.streams.audio[0].rate)
