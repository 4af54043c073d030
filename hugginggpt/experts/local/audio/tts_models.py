"""Text-to-speech models: each opens as a voice that says one sentence at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.base import Call
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch

_VOCODER_ARCHITECTURE: Final = "SpeechT5HifiGan"
_VOCODER_ID: Final = "microsoft/speecht5_hifigan"


@dataclass(frozen=True, slots=True)
class Voice:
    """Loaded model that speaks."""

    sample_rate: int
    """Rate of its sound, in samples per second."""
    max_chars: int
    """Longest text that it says at once, in characters."""
    say: Callable[[str], torch.Tensor | None]
    """Function from a sentence to sound, shape (samples,) in -1..1; None where it knows none of the characters."""
    note: str = ""
    """Remark on the voice for the person."""


VoiceOpener = Callable[[Runtime, Call], AbstractContextManager[Voice]]


@contextmanager
def _open_vits(runtime: Runtime, call: Call) -> Iterator[Voice]:
    """Open VITS, also as MMS with its thousand languages (arXiv 2106.06103, 2305.13516)."""
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoTokenizer, VitsModel

        # float32 on every device: the splines that predict durations break in half precision, and the model is small
        model: Any = VitsModel.from_pretrained(checkpoint.folder, dtype=torch.float32, **select_weights(checkpoint))
        return AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    with runtime.load_model("voice", load, call.token) as (tokenizer, model), make_interruptible(model, call):
        _check_phonemizer(tokenizer, runtime.checkpoint.id)
        speaker = {"speaker_id": 0} if model.config.num_speakers > 1 else {}  # any, but one for all sentences

        def say(sentence: str) -> torch.Tensor | None:
            inputs = tokenizer(sentence, return_tensors="pt").to(model.device)
            if inputs["input_ids"].shape[1] <= 1:  # only the blank token that goes between any two characters
                return None
            sound: torch.Tensor = model(**inputs, **speaker).waveform[0]
            return sound

        yield Voice(model.config.sampling_rate, 400, say)


def _check_phonemizer(tokenizer: Any, model_id: str) -> None:
    """Raise `ExpertError` where the tokenizer needs a phonemizer and none is installed."""
    from transformers.utils.import_utils import is_phonemizer_available

    if tokenizer.phonemize and not is_phonemizer_available():  # MMS takes letters and needs none
        raise ExpertError(f"{model_id} reads phonemes: install the package phonemizer and the program espeak-ng for it.")


@contextmanager
def _open_speecht5(runtime: Runtime, call: Call) -> Iterator[Voice]:
    """Open SpeechT5 (arXiv 2110.07205) with its HiFi-GAN vocoder, a separate checkpoint."""

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import SpeechT5ForTextToSpeech, SpeechT5Tokenizer

        model: Any = SpeechT5ForTextToSpeech.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        return SpeechT5Tokenizer.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    with (
        load_vocoder(runtime, call) as hifigan,  # first: the cache may lack it
        runtime.load_model("voice", load, call.token) as (tokenizer, model),
        make_interruptible(model.speecht5.decoder.wrapped_decoder, call),
    ):
        config = model.config

        def say(sentence: str) -> torch.Tensor | None:
            ids = tokenizer(sentence, return_tensors="pt").input_ids[:, : config.max_text_positions]
            sound: torch.Tensor = model.generate_speech(
                ids.to(model.device), make_speaker_embedding(model, config.speaker_embedding_dim), vocoder=hifigan
            )
            return sound

        yield Voice(hifigan.config.sampling_rate, min(300, config.max_text_positions), say, SYNTHETIC_VOICE_NOTE)


SYNTHETIC_VOICE_NOTE: Final = "The voice is made up, because SpeechT5 has none of its own: it may sound unlike a person."


def make_speaker_embedding(model: Any, size: int) -> torch.Tensor:
    """Make a speaker for SpeechT5, which was trained on x-vectors of real speakers (arXiv 2110.07205, section 4.3).

    It belongs to no recorded person: a random direction, always the same, of length one as x-vectors are.

    Returns:
        Shape (1, size), on the model's device and in its precision.
    """
    import torch

    direction = torch.randn(1, size, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(direction).to(model.device, model.dtype)


@contextmanager
def load_vocoder(runtime: Runtime, call: Call) -> Iterator[Any]:
    """Load SpeechT5's vocoder, another checkpoint in the cache.

    Raises:
        ExpertError: The cache has none.
    """
    found = next((other for other in runtime.cached_checkpoints if other.architecture == _VOCODER_ARCHITECTURE), None)
    if found is None:
        raise ExpertError(f"{runtime.checkpoint.id} needs a vocoder, which is not in the cache: get {_VOCODER_ID} too.")

    def load(checkpoint: Checkpoint) -> Any:
        from transformers import SpeechT5HifiGan

        model: Any = SpeechT5HifiGan.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        return model.to(runtime.device.name).eval()

    with runtime.load_model("vocoder", load, call.token, checkpoint=found) as model:
        yield model


@contextmanager
def _open_bark(runtime: Runtime, call: Call) -> Iterator[Voice]:
    """Open Bark (https://github.com/suno-ai/bark), which makes at most about thirteen seconds of sound at once."""

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import BarkModel, BarkProcessor

        model: Any = BarkModel.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        speakers = "speaker_embeddings_path.json"
        file = speakers if (checkpoint.folder / speakers).is_file() else None
        processor = BarkProcessor.from_pretrained(checkpoint.folder, speaker_embeddings_dict_path=file, **SAFE)
        return processor, model.to(runtime.device.name).eval()

    with runtime.load_model("voice", load, call.token) as (processor, model), make_interruptible(model.semantic, call):
        preset = _choose_preset(processor, runtime.checkpoint)
        settings = model.generation_config
        max_tokens = settings.semantic_config["max_input_semantic_length"]

        def say(sentence: str) -> torch.Tensor | None:
            inputs = processor(sentence, voice_preset=preset, max_length=max_tokens).to(model.device)
            with make_interruptible(model.coarse_acoustics, call), make_interruptible(model.fine_acoustics, call):
                sound: torch.Tensor = model.generate(**inputs)[0]
            return sound

        yield Voice(settings.sample_rate, 180, say)  # 180 characters last about thirteen seconds


def _choose_preset(processor: Any, checkpoint: Checkpoint) -> str | None:
    """Choose a voice whose files are there: without one, each sentence would be in another voice."""
    speakers = processor.speaker_embeddings or {}
    usable = [
        name
        for name in processor.available_voice_presets
        if all((checkpoint.folder / file).is_file() for file in speakers[name].values())
    ]
    return next((name for name in usable if name.startswith("v2/en")), next(iter(usable), None))


VOICE_OPENERS: Mapping[str, VoiceOpener] = {"vits": _open_vits, "speecht5": _open_speecht5, "bark": _open_bark}
"""Functions that open a voice, by transformers' model type."""
