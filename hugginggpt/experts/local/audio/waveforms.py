"""Recordings as the input and output of models."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call, Output
from hugginggpt.experts.outputs.media import build_audio_output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MIN_SECONDS: Final = 0.1
"""Shortest recording: shorter ones have no recognizable sound, and several models fail on them."""
_MAX_SILENT_AMPLITUDE: Final = 1e-4  # amplitude up to which a recording counts as silent: −80 dB of full scale


def read_recording(call: Call, rate: int, *, speech: bool = False) -> NDArray[np.float32]:
    """Read the call's recording.

    Args:
        call: Its ``audio`` may have any format, rate and number of channels.
        rate: Rate of the result, in samples per second.
        speech: Whether to refuse silence.

    Returns:
        Shape (samples,), mono, in -1..1, at least a tenth of a second.

    Raises:
        InputError: It is too short, or silent where speech is wanted.
        ResourceError: It can't be decoded, or is too long.
    """
    import numpy as np

    samples = np.nan_to_num(call.sound(rate))  # a float WAV may hold NaN, which spreads through a network
    if samples.size < _MIN_SECONDS * rate:
        raise InputError("The recording is shorter than a tenth of a second: there is nothing to hear in it.")
    if speech and np.abs(samples).max() <= _MAX_SILENT_AMPLITUDE:
        raise InputError("The recording is silent.")
    return samples


def split_at_silence(samples: NDArray[np.float32], rate: int, max_seconds: float) -> list[tuple[int, int]]:
    """Cut a recording between words: at the quietest moment in the last quarter of each piece.

    Args:
        samples: Shape (n,).
        rate: Samples per second.
        max_seconds: Longest piece, in seconds.

    Returns:
        Start and end of each piece, in samples; together they cover the recording.
    """
    import numpy as np

    size, grain = round(max_seconds * rate), max(1, rate // 20)  # loudness is compared in grains of 50 ms
    cuts = [0]
    while (left := samples.size - cuts[-1]) > size:
        last = cuts[-1] + min(size, left - rate // 2)  # leaves half a second at least
        first = cuts[-1] + (last - cuts[-1]) * 3 // 4
        loudness = np.square(samples[first:last]).astype(np.float64)
        grains = loudness[: loudness.size // grain * grain].reshape(-1, grain).sum(axis=1)
        cuts.append(first + int(grains.argmin()) * grain + grain // 2)
    return list(itertools.pairwise([*cuts, samples.size]))


def save_recording(call: Call, samples: Any, rate: int) -> Output:
    """Save samples as the output of a call; an array, or a tensor of any type on any device.

    Raises:
        ExpertError: There are no samples, or they are not finite.
    """
    import torch

    return build_audio_output(call, torch.as_tensor(samples).detach().float().cpu().numpy(), rate)
