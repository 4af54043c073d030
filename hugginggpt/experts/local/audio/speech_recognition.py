"""Transcripts of recordings, and classes of sounds.

https://huggingface.co/docs/transformers/tasks/asr and .../audio_classification say how the models are meant to be used.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.audio.asr_models import RECOGNIZERS, SAMPLE_RATE, transcribe_with_ctc
from hugginggpt.experts.local.audio.waveforms import read_recording
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.experts.outputs.text import build_classes_result
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_KEPT: Final = 5
_WINDOW: Final = 10.0
"""Length that a classifier hears at once, in seconds: as long as the clips of AudioSet."""
_LEAST: Final = 1.0
"""A shorter rest of a long recording says nothing, in seconds."""
_TOGETHER: Final = 8
"""Windows that go through a classifier at once."""


def transcribe(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run automatic-speech-recognition: what is said, as one text, in the language in which it is said.

    Returns:
        ``data["segments"]``: start and end in seconds, and text; ``data["seconds"]``: the recording's length;
        ``data["words"]``: the same of each word, from CTC models; ``data["language"]``: ISO 639-1, from Whisper.

    Raises:
        InputError: The recording is silent, shorter than a tenth of a second, or no speech is heard in it.
    """
    (call,) = calls
    samples = read_recording(call, SAMPLE_RATE, speech=True)
    found = RECOGNIZERS.get(runtime.checkpoint.model_type, transcribe_with_ctc)(samples, runtime, call)
    segments = [dict(segment) for segment in found.segments if segment["text"]]
    if not (text := " ".join(segment["text"] for segment in segments)):
        raise InputError("No speech is heard in this recording.")
    data: dict[str, Any] = {"segments": segments, "seconds": round(samples.size / SAMPLE_RATE, 2)}
    more = {"words": [dict(word) for word in found.words], "language": found.language}
    return [Result((Output(Kind.TEXT, text=text, data=data | {name: value for name, value in more.items() if value}),))]


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run audio-classification: a sentence each; ``data["classes"]`` holds label and score (0..1) of the five likeliest.

    A long recording is heard in windows of ten seconds, whose scores are averaged. wav2vec 2.0 and its kin, AST
    (arXiv 2104.01778), Whisper.

    Raises:
        InputError: The recording is shorter than a tenth of a second.
    """
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="At least one mel filter")  # so it is in all of AST's checkpoints
            extractor = AutoFeatureExtractor.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForAudioClassification.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        return extractor, model.to(runtime.device.name).eval()

    with runtime.load_model("audio classifier", load, calls[0].token) as (extractor, model), torch.inference_mode():
        rate = extractor.sampling_rate
        windows = [(which, window) for which, call in enumerate(calls) for window in _windows(read_recording(call, rate), rate)]
        # windows of one length go through together: some models hear the silence that others would be padded with
        groups: dict[tuple[int, ...], list[tuple[int, Any]]] = defaultdict(list)
        for which, window in windows:
            features = extractor(window, sampling_rate=rate, return_tensors="pt")
            groups[tuple(features[extractor.model_input_names[0]].shape)].append((which, features))
        sums: dict[int, list[torch.Tensor]] = defaultdict(list)
        for group in groups.values():
            for start in range(0, len(group), _TOGETHER):
                calls[0].token.check()
                batch = group[start : start + _TOGETHER]
                inputs = {name: torch.cat([features[name] for _, features in batch]) for name in batch[0][1]}
                for (which, _), row in zip(batch, _scores(model, inputs, runtime), strict=True):
                    sums[which].append(row)
        return [_classes(torch.stack(sums[which]).mean(0), model.config.id2label) for which in range(len(calls))]


def _windows(samples: NDArray[np.float32], rate: int) -> list[NDArray[np.float32]]:
    size = round(_WINDOW * rate)
    cut = [samples[start : start + size] for start in range(0, samples.size, size)]
    return cut[:-1] if len(cut) > 1 and cut[-1].size < _LEAST * rate else cut


def _scores(model: Any, inputs: dict[str, torch.Tensor], runtime: Runtime) -> torch.Tensor:
    """Shape (batch, labels), in 0..1."""
    placed = {
        name: tensor.to(runtime.device.name, runtime.dtype if tensor.is_floating_point() else None)
        for name, tensor in inputs.items()
    }
    logits: torch.Tensor = model(**placed).logits.float().cpu()
    return logits.sigmoid() if model.config.problem_type == "multi_label_classification" else logits.softmax(-1)


def _classes(scores: torch.Tensor, labels: dict[int, str]) -> Result:
    values, indices = scores.topk(min(_KEPT, len(scores)))
    found = [{"label": labels[i], "score": v} for v, i in zip(values.tolist(), indices.tolist(), strict=True)]
    return build_classes_result(found, shares=True)
