"""Voice conversion with SpeechT5 (https://huggingface.co/docs/transformers/model_doc/speecht5).

It is the only architecture of transformers that makes speech from speech. It removes noise because it says everything
again in another voice; where the voice matters, the bundled DeepFilterNet is the better choice.
"""

from collections.abc import Sequence
from typing import Any, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.audio.tts_models import SYNTHETIC_VOICE_NOTE, load_vocoder, make_speaker_embedding
from hugginggpt.experts.local.audio.waveforms import read_recording, save_recording, split_at_silence
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

_WINDOW_SECONDS: Final = 12.0  # longest piece that is converted at once; the model was trained on sentences
_MAX_RATIO: Final = 3.0
"""Most output frames per input frame: speech needs 1.25, and a model that doesn't end is stopped there."""


def convert_voice(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run audio-to-audio: a WAV file, mono, 16 bit, 16 kHz, with the same words in another voice (arXiv 2110.07205).

    Returns:
        ``data["seconds"]``: its length, which may differ from the recording's; ``data["rate"]``: samples per second.

    Raises:
        InputError: The recording is silent or shorter than a tenth of a second.
    """
    import torch

    (call,) = calls

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import SpeechT5FeatureExtractor, SpeechT5ForSpeechToSpeech

        model: Any = SpeechT5ForSpeechToSpeech.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        extractor = SpeechT5FeatureExtractor.from_pretrained(checkpoint.folder, **SAFE)
        return extractor, model.to(runtime.device.name).eval()

    with (
        load_vocoder(runtime, call) as hifigan,  # first: the cache may lack it
        runtime.load_model("voice converter", load, call.token) as (extractor, model),
        make_interruptible(model.speecht5.decoder.wrapped_decoder, call),  # passed once per frame
        torch.inference_mode(),
    ):
        rate = extractor.sampling_rate
        samples = read_recording(call, rate, speech=True)
        voice = make_speaker_embedding(model, model.config.speaker_embedding_dim)
        parts = []
        for start, end in split_at_silence(samples, rate, _WINDOW_SECONDS):  # not in a word: the pieces are joined end to end
            call.progress(f"{start / rate:.0f} of {samples.size / rate:.0f} s", start / samples.size)
            values = extractor(audio=samples[start:end], sampling_rate=rate, return_tensors="pt").input_values
            sound = model.generate_speech(values.to(model.device, model.dtype), voice, vocoder=hifigan, maxlenratio=_MAX_RATIO)
            parts.append(sound.float().cpu())
        return [Result((save_recording(call, torch.cat(parts), hifigan.config.sampling_rate),), note=SYNTHETIC_VOICE_NOTE)]
