"""Speech recognition and classification of recordings.

The models' use: https://huggingface.co/docs/transformers/tasks/asr and .../audio_classification.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.languages import get_language
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.audio.asr_models import RECOGNIZERS, SAMPLE_RATE, transcribe_with_ctc
from hugginggpt.experts.local.audio.waveforms import read_recording
from hugginggpt.experts.local.class_scores import build_scored_result, compute_class_scores
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.experts.outputs.transcripts import build_transcript_result
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_WINDOW_SECONDS: Final = 10.0  # sound that a classifier hears at once: as long as the clips of AudioSet
_MIN_REST_SECONDS: Final = 1.0  # shortest rest of a long recording that is classified
_BATCH_SIZE: Final = 8  # most windows that go through a classifier at once


def transcribe(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run automatic-speech-recognition: the spoken words as one text, in the language that is spoken, or as subtitles.

    Returns:
        ``data["segments"]``: start and end in seconds, and text; ``data["seconds"]``: the recording's length;
        ``data["words"]``: the same for each word, from CTC models; ``data["language"]``: ISO 639-1, from Whisper.

    Raises:
        InputError: The recording is silent, shorter than a tenth of a second, or without speech.
    """
    (call,) = calls
    samples = read_recording(call, SAMPLE_RATE, speech=True)
    found = RECOGNIZERS.get(runtime.checkpoint.model_type, transcribe_with_ctc)(samples, runtime, call)
    segments = [dict(segment) for segment in found.segments if segment["text"]]  # less windows without speech
    if not segments:
        raise InputError("No speech is heard in this recording.")
    data: dict[str, Any] = {"seconds": round(samples.size / SAMPLE_RATE, 2)}
    more = {"words": [dict(word) for word in found.words], "language": found.language}
    result = build_transcript_result(call, segments, data | {name: value for name, value in more.items() if value})
    spoken = get_language(found.language) if found.language not in {"", "en"} else None
    return [replace(result, note=f"{result.note} What is said is in {spoken.name}.".strip()) if spoken else result]


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run audio-classification: a sentence each; ``data["classes"]`` has label and score (0..1) of the five likeliest.

    A long recording is classified in windows of ten seconds, whose scores are averaged. Models: wav2vec 2.0 and similar
    ones, AST (arXiv 2104.01778), Whisper.

    Raises:
        InputError: The recording is shorter than a tenth of a second.
    """
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="At least one mel filter")  # true of all AST checkpoints
            extractor = AutoFeatureExtractor.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForAudioClassification.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        return extractor, model.to(runtime.device.name).eval()

    with runtime.load_model("audio classifier", load, calls[0].token) as (extractor, model), torch.inference_mode():
        rate = extractor.sampling_rate
        windows = [(i, window) for i, call in enumerate(calls) for window in _cut_windows(read_recording(call, rate), rate)]
        # only windows of one length share a batch: padding would change the scores of models without an attention mask
        groups: dict[tuple[int, ...], list[tuple[int, Any]]] = defaultdict(list)
        for i, window in windows:
            features = extractor(window, sampling_rate=rate, return_tensors="pt")
            groups[tuple(features[extractor.model_input_names[0]].shape)].append((i, features))
        scores: dict[int, list[torch.Tensor]] = defaultdict(list)
        for group in groups.values():
            for start in range(0, len(group), _BATCH_SIZE):
                calls[0].token.check()
                batch = group[start : start + _BATCH_SIZE]
                inputs = {name: torch.cat([features[name] for _, features in batch]) for name in batch[0][1]}
                for (i, _), row in zip(batch, _compute_scores(model, inputs, runtime), strict=True):
                    scores[i].append(row)
        return [build_scored_result(torch.stack(scores[i]).mean(0), model.config) for i in range(len(calls))]


def _cut_windows(samples: NDArray[np.float32], rate: int) -> list[NDArray[np.float32]]:
    size = round(_WINDOW_SECONDS * rate)
    windows = [samples[start : start + size] for start in range(0, samples.size, size)]
    return windows[:-1] if len(windows) > 1 and windows[-1].size < _MIN_REST_SECONDS * rate else windows


def _compute_scores(model: Any, inputs: dict[str, torch.Tensor], runtime: Runtime) -> torch.Tensor:
    """Return the scores of a batch, shape (batch, labels)."""
    placed = {
        name: tensor.to(runtime.device.name, runtime.dtype if tensor.is_floating_point() else None)  # masks stay integers
        for name, tensor in inputs.items()
    }
    return compute_class_scores(model(**placed).logits.float().cpu(), model.config)
