"""Models that compose music and sounds from a description."""

import itertools
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.image.diffusion import choose_pace, compose_pipeline, hold_diffusion_base, run
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

_SECONDS: Final = 8.0  # length of a piece: a minute or two of work for a small model on a CPU
_LENGTH_ARGUMENTS: Final = ("audio_length_in_s", "audio_end_in_s", "audio_duration_s", "audio_duration", "duration")
"""Names of the length in pipelines."""
_CPU_STEPS: Final = 50  # most denoising steps on a CPU; sound needs more of them than images

Composer = Callable[[str, Runtime, Call], tuple[Any, int]]
"""Function from a description to sound, shape (channels, samples) in -1..1, and its samples per second."""


def _compose_with_musicgen(text: str, runtime: Runtime, call: Call) -> tuple[Any, int]:
    """Compose with MusicGen (arXiv 2306.05284): one step per frame of its codec, 50 a second."""
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForTextToWaveform, AutoTokenizer

        model = AutoModelForTextToWaveform.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        return AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE), model.to(runtime.device.name).eval()

    with runtime.load_model("composer", load, call.token) as (tokenizer, model), torch.inference_mode():
        codec = model.config.audio_encoder
        steps = round(_SECONDS * codec.frame_rate)
        done = itertools.count()
        inputs = tokenizer([text], return_tensors="pt", truncation=True).to(model.device)

        def step() -> None:
            number = next(done)
            call.progress(f"{number / codec.frame_rate:.1f} of {_SECONDS:.0f} s", min(1.0, number / steps))

        # no stopping criteria: `generate` can't decode a piece that they cut off
        with make_interruptible(model.decoder, call, on_pass=step):
            # each codebook lags one step behind the one before, so the last needs extra steps
            sound = model.generate(**inputs, max_new_tokens=steps + model.config.decoder.num_codebooks)
    return sound[0], codec.sampling_rate


def compose_by_diffusion(text: str, runtime: Runtime, call: Call) -> tuple[Any, int]:
    """Compose with a diffusion pipeline, such as Stable Audio (arXiv 2407.14358)."""
    import torch

    with ExitStack() as stack:  # it outlives the block that silences warnings of loading
        with warnings.catch_warnings():
            # Stable Audio's decoder uses torch's deprecated weight_norm
            warnings.filterwarnings("ignore", ".*weight_norm", FutureWarning)
            base = stack.enter_context(hold_diffusion_base(runtime, call.token))
        pipeline = compose_pipeline(base, call)
        arguments = choose_pace(pipeline, runtime, runtime.checkpoint, _CPU_STEPS) | dict.fromkeys(_LENGTH_ARGUMENTS, _SECONDS)
        found = run(pipeline, prompt=text, output_type="np", **arguments).audios[0]
        decoder = getattr(base, "vocoder", None) or base.vae  # Stable Audio has no vocoder
        return torch.as_tensor(found), decoder.config.sampling_rate


COMPOSERS: Mapping[str, Composer] = {"musicgen": _compose_with_musicgen, "musicgen_melody": _compose_with_musicgen}
"""Composers by transformers' model type; all others are diffusion pipelines."""
