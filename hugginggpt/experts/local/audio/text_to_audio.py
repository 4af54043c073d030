"""Models that make music and sounds from a description."""

import itertools
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.image.diffusion import choose_pace, compose_pipeline, hold_diffusion_base, run
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.hub.cache import Checkpoint

_SECONDS: Final = 8.0
"""Length of a piece, in seconds: a minute or two of work for a small model on a CPU."""
_LENGTHS: Final = ("audio_length_in_s", "audio_end_in_s", "audio_duration_s", "audio_duration", "duration")
"""Names of the length argument in pipelines."""
_CPU_STEPS: Final = 50
"""Most denoising steps on a CPU; sound needs more of them than pictures."""

Composer = Callable[[str, Runtime, Call], tuple[Any, int]]
"""From a description to sound of shape (channels, samples) in -1..1, and its samples per second."""


def _musicgen(text: str, runtime: Runtime, call: Call) -> tuple[Any, int]:
    """MusicGen (arXiv 2306.05284): one step for each frame of its codec, 50 a second."""
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForTextToWaveform, AutoTokenizer

        model = AutoModelForTextToWaveform.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        return AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    with runtime.load_model("composer", load, call.token) as (tokenizer, model), torch.inference_mode():
        codec = model.config.audio_encoder
        steps = round(_SECONDS * codec.frame_rate)
        done = itertools.count()
        inputs = tokenizer([text], return_tensors="pt", truncation=True).to(model.device)

        def step() -> None:
            number = next(done)
            call.progress(f"{number / codec.frame_rate:.1f} of {_SECONDS:.0f} s", min(1.0, number / steps))

        # stopped from within: what `generate` returns of a piece that stopping criteria cut off can't be decoded
        with make_interruptible(model.decoder, call, at=step):
            # the codebooks lag behind each other by a step each
            sound = model.generate(**inputs, max_new_tokens=steps + model.config.decoder.num_codebooks)
    return sound[0], codec.sampling_rate


def compose_by_diffusion(text: str, runtime: Runtime, call: Call) -> tuple[Any, int]:
    """Return any diffusion pipeline that makes sound from a prompt, such as Stable Audio (arXiv 2407.14358)."""
    import torch

    with ExitStack() as held:
        with warnings.catch_warnings():
            # Stable Audio's decoder is made of layers that torch has better ones of by now
            warnings.filterwarnings("ignore", ".*weight_norm", FutureWarning)
            base = held.enter_context(hold_diffusion_base(runtime, call.token))
        pipeline = compose_pipeline(base, call)
        arguments = choose_pace(pipeline, runtime, runtime.checkpoint, _CPU_STEPS) | dict.fromkeys(_LENGTHS, _SECONDS)
        found = run(pipeline, prompt=text, output_type="np", **arguments).audios[0]
        maker = getattr(base, "vocoder", None) or base.vae
        return torch.as_tensor(found), maker.config.sampling_rate


COMPOSERS: Mapping[str, Composer] = {"musicgen": _musicgen, "musicgen_melody": _musicgen}
"""By transformers' model type; the rest are diffusion pipelines."""
