"""Models of sound, beside transformers' pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks.parity.cases import Case
from benchmarks.parity.texts import read_classes, read_text, run_pipeline, score_classes
from hugginggpt.experts.base import Result

_SPEECH: Final = {"audio": "speech.flac"}
_SENTENCE: Final = {"text": "Good morning."}


def _hear(inputs: Mapping[str, Any]) -> dict[str, Any]:
    samples, rate = soundfile.read(inputs["audio"], dtype="float32")
    return {"raw": samples, "sampling_rate": rate}


def _transcribe(folder: Path, inputs: Mapping[str, Any]) -> Any:
    return run_pipeline("automatic-speech-recognition", folder, _hear(inputs))["text"].strip()


def _transcribe_in_tokens(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Transcribe as Moonshine's model card has it: greedily, with a limit of tokens for each second."""
    heard = _hear(inputs)
    tokens = 8 + round(len(heard["raw"]) / heard["sampling_rate"] * 6.5)
    greedy = {"max_new_tokens": tokens, "num_beams": 1}  # the pipeline's own default is five beams
    return run_pipeline("automatic-speech-recognition", folder, heard, generate_kwargs=greedy)["text"].strip()


def _classify(folder: Path, inputs: Mapping[str, Any]) -> Any:
    return score_classes(run_pipeline("audio-classification", folder, _hear(inputs), top_k=5))


def _speak(folder: Path, inputs: Mapping[str, Any]) -> Any:
    return np.asarray(run_pipeline("text-to-audio", folder, inputs["text"])["audio"]).reshape(-1).clip(-1, 1)


def _speak_by_vocoder(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch

    from hugginggpt.experts.local.audio.tts_models import make_speaker_embedding

    vocoder = next(folder.parents[2].glob("models--tiny--speecht5-hifigan/snapshots/*"))
    from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

    model: Any = SpeechT5ForTextToSpeech.from_pretrained(folder).eval()
    ids = SpeechT5Tokenizer.from_pretrained(folder)(inputs["text"], return_tensors="pt").input_ids
    voice = make_speaker_embedding(model, model.config.speaker_embedding_dim)
    with torch.inference_mode():
        sound = model.generate_speech(ids, voice, vocoder=SpeechT5HifiGan.from_pretrained(vocoder).eval())
    return sound.numpy().reshape(-1).clip(-1, 1)


def _convert(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import SpeechT5FeatureExtractor, SpeechT5ForSpeechToSpeech, SpeechT5HifiGan

    from hugginggpt.experts.local.audio.tts_models import make_speaker_embedding

    vocoder: Any = SpeechT5HifiGan.from_pretrained(next(folder.parents[2].glob("models--tiny--speecht5-hifigan/snapshots/*")))
    model: Any = SpeechT5ForSpeechToSpeech.from_pretrained(folder).eval()
    heard = _hear(inputs)
    values = SpeechT5FeatureExtractor.from_pretrained(folder)(audio=heard["raw"], sampling_rate=16_000, return_tensors="pt")
    voice = make_speaker_embedding(model, model.config.speaker_embedding_dim)
    with torch.inference_mode():
        sound = model.generate_speech(values.input_values, voice, vocoder=vocoder.eval(), maxlenratio=3.0)
    return sound.numpy().reshape(-1).clip(-1, 1)


def _compose(folder: Path, inputs: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    codec: Any = AutoConfig.from_pretrained(folder)
    tokens = round(8 * codec.audio_encoder.frame_rate) + codec.decoder.num_codebooks
    found = run_pipeline("text-to-audio", folder, inputs["text"], generate_kwargs={"max_new_tokens": tokens})
    return np.asarray(found["audio"]).reshape(-1).clip(-1, 1)


def _read_sound(result: Result) -> Any:
    samples, _ = soundfile.read(result.outputs[0].path, dtype="float32")
    return samples.T.reshape(-1)


_ONE_LABEL: Final = "the pipeline shares out 1 among one label, which says 100 % of all; here it is scored by itself"
_WHISPER: Final = "segments with timestamps and the paper's thresholds, which drop what is likely no speech"

_VOCODER: Final = ("tiny/speecht5-hifigan",)
_CLASSIFIERS: Final = "wav2vec2-classifier ast whisper-classifier wav2vec2-classifier-tags wav2vec2-classifier-values"

CASES: Final[tuple[Case, ...]] = (
    *(Case("automatic-speech-recognition", f"tiny/{m}", _SPEECH, _transcribe, read_text)
      for m in ("wav2vec2-ctc", "hubert-ctc", "wav2vec2-bert-ctc")),
    Case("automatic-speech-recognition", "tiny/whisper", _SPEECH, _transcribe, read_text, _WHISPER),
    Case("automatic-speech-recognition", "tiny/moonshine", _SPEECH, _transcribe_in_tokens, read_text),
    *(Case("audio-classification", f"tiny/{m}", _SPEECH, _classify, read_classes) for m in _CLASSIFIERS.split()),
    Case("audio-classification", "tiny/wav2vec2-classifier-one-label", _SPEECH, _classify, read_classes, _ONE_LABEL),
    Case("text-to-speech", "tiny/vits", _SENTENCE, _speak, _read_sound),
    Case("text-to-speech", "tiny/speecht5-tts", _SENTENCE, _speak_by_vocoder, _read_sound, beside=_VOCODER),
    Case("audio-to-audio", "tiny/speecht5-vc", _SPEECH, _convert, _read_sound, beside=_VOCODER),
    Case("text-to-audio", "tiny/musicgen", _SENTENCE, _compose, _read_sound),
)  # fmt: skip
