"""Speech recognizers: each turns a recording into timed segments of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.audio.waveforms import split_at_silence
from hugginggpt.experts.local.runtime.cancellation import make_interruptible, make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Rate that all of these models were trained on, in samples per second."""
_WINDOW_SECONDS: Final = 20.0  # sound that a recognizer hears at once; Whisper has a window of its own
_OVERLAP_SECONDS: Final = 3.0  # context on both sides of a window, whose own text is dropped
_MIN_PAUSE_SECONDS: Final = 0.8  # silence between two words that begins a new segment
_MAX_TOKENS_PER_SECOND: Final = 6.5
"""Limit of tokens per second of speech; a model that writes more repeats itself (Moonshine's model card)."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Transcript of a recording: pieces of text with ``start`` and ``end`` in seconds."""

    segments: Sequence[Mapping[str, Any]]
    words: Sequence[Mapping[str, Any]] = ()
    language: str = ""
    """ISO 639-1; empty where the model doesn't tell."""


def transcribe_with_whisper(samples: NDArray[np.float32], runtime: Runtime, call: Call) -> Transcript:
    """Transcribe with Whisper (arXiv 2212.04356): 30-second windows that begin where the last segment ended (section 3.8).

    The text is in the language that is spoken. The thresholds, the paper's own, keep the model from inventing words for
    silence; one temperature is as good on most recordings as the paper's six, and never six times slower.
    """
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        model: Any = WhisperForConditionalGeneration.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        return WhisperProcessor.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    seconds = samples.size / SAMPLE_RATE

    def report(frames: torch.Tensor) -> None:
        call.token.check()
        done, total = frames[0].tolist()  # a frame is 10 ms
        call.progress(f"{min(done / 100, seconds):.0f} of {seconds:.0f} s", min(1.0, done / total))

    with runtime.load_model("recognizer", load, call.token) as (processor, model), torch.inference_mode():
        if not hasattr(model.generation_config, "no_timestamps_token_id"):  # in early fine-tuned checkpoints
            return transcribe_with_seq2seq(samples, runtime, call)  # the pool hands it this very pair: the form is the same
        is_long = samples.size > processor.feature_extractor.n_samples
        inputs = processor(
            samples, sampling_rate=SAMPLE_RATE, return_tensors="pt", return_attention_mask=True,
            **({"truncation": False, "padding": "longest"} if is_long else {}),  # by default cut at 30 s
        ).to(runtime.device.name, runtime.dtype)  # fmt: skip
        language = _detect_language(model, inputs["input_features"])
        found = model.generate(
            **inputs, **({"language": language, "task": "transcribe"} if language else {}), return_timestamps=True,
            return_segments=True, condition_on_prev_tokens=False, temperature=0.0, logprob_threshold=-1.0,
            no_speech_threshold=0.6, monitor_progress=report, stopping_criteria=make_stopping_criteria([call]),
        )  # fmt: skip
        call.token.check()
        segments = [
            _make_segment(segment["start"], min(float(segment["end"]), seconds), processor.tokenizer.decode(segment["tokens"]))
            for segment in found["segments"][0]
            if segment["start"] < seconds  # not in the padding of the last window
        ]
    return Transcript(segments, language=language)


def _detect_language(model: Any, features: Any) -> str:
    """Detect the spoken language; empty for a model of a single language."""
    ids = getattr(model.generation_config, "lang_to_id", None)
    if not ids or not getattr(model.generation_config, "is_multilingual", True):
        return ""
    # two frames per position: the encoder's second convolution has a stride of 2
    detected = model.detect_language(features, num_segment_frames=2 * model.config.max_source_positions).item()
    return next(str(token).strip("<|>") for token, number in ids.items() if number == detected)


def transcribe_with_ctc(samples: NDArray[np.float32], runtime: Runtime, call: Call) -> Transcript:
    """Transcribe with a CTC model, such as wav2vec 2.0 (arXiv 2006.11477): overlapping windows, and times of each word."""

    def load(checkpoint: Checkpoint) -> Any:
        import torch
        from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer
        from transformers.pipelines.automatic_speech_recognition import AutomaticSpeechRecognitionPipeline

        tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForCTC.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        return AutomaticSpeechRecognitionPipeline(
            model=model.to(runtime.device.name).eval(),
            feature_extractor=AutoFeatureExtractor.from_pretrained(checkpoint.folder, **SAFE),
            tokenizer=tokenizer,
            device=torch.device(runtime.device.name),
        )

    seconds = samples.size / SAMPLE_RATE
    with runtime.load_model("recognizer", load, call.token) as pipeline, make_interruptible(pipeline.model, call):
        raw = {"raw": samples, "sampling_rate": SAMPLE_RATE}
        outputs: list[Any] = []
        # the pipeline's three steps one by one, to check the token and report progress between two windows
        for window in pipeline.preprocess(raw, chunk_length_s=_WINDOW_SECONDS, stride_length_s=_OVERLAP_SECONDS):
            call.token.check()
            at = len(outputs) * (_WINDOW_SECONDS - 2 * _OVERLAP_SECONDS)  # neighbours share the overlaps
            call.progress(f"{min(at, seconds):.0f} of {seconds:.0f} s", min(1.0, at / seconds))
            outputs.append(pipeline.forward(window))
        found = pipeline.postprocess(outputs, return_timestamps="word")  # joins the windows, less the overlaps
    words = [_make_segment(word["timestamp"][0], word["timestamp"][1], word["text"]) for word in found["chunks"]]
    return Transcript(_join_words(words), words)


def _join_words(words: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Join words with little silence between them into segments."""
    segments: list[dict[str, Any]] = []
    for word in words:
        if segments and word["start"] - segments[-1]["end"] < _MIN_PAUSE_SECONDS:
            segments[-1] |= {"end": word["end"], "text": f"{segments[-1]['text']} {word['text']}"}
        else:
            segments.append(dict(word))
    return segments


def transcribe_with_seq2seq(samples: NDArray[np.float32], runtime: Runtime, call: Call) -> Transcript:
    """Transcribe with another encoder-decoder, such as Moonshine (arXiv 2410.15608): windows are cut where it is quiet."""
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

        model = AutoModelForSpeechSeq2Seq.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        return AutoProcessor.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    segments = []
    with runtime.load_model("recognizer", load, call.token) as (processor, model), torch.inference_mode():
        for start, end in split_at_silence(samples, SAMPLE_RATE, _WINDOW_SECONDS):
            call.progress(f"{start / SAMPLE_RATE:.0f} of {samples.size / SAMPLE_RATE:.0f} s", start / samples.size)
            inputs = processor(samples[start:end], sampling_rate=SAMPLE_RATE, return_tensors="pt")
            limit = 8 + round((end - start) / SAMPLE_RATE * _MAX_TOKENS_PER_SECOND)
            stop = make_stopping_criteria([call])
            ids = model.generate(**inputs.to(runtime.device.name, runtime.dtype), max_new_tokens=limit, stopping_criteria=stop)
            call.token.check()
            text = processor.decode(ids[0], skip_special_tokens=True)
            segments.append(_make_segment(start / SAMPLE_RATE, end / SAMPLE_RATE, text))
    return Transcript(segments)


def _make_segment(start: Any, end: Any, text: str) -> dict[str, Any]:
    return {"start": round(float(start), 2), "end": round(max(float(start), float(end)), 2), "text": text.strip()}


Recognizer = Callable[["NDArray[np.float32]", Runtime, Call], Transcript]

RECOGNIZERS: Mapping[str, Recognizer] = {"whisper": transcribe_with_whisper, "moonshine": transcribe_with_seq2seq}
"""Recognizers by transformers' model type; all other types have a CTC head."""
