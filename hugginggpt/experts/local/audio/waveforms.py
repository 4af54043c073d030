"""Recordings as models take them, and as they make them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call, Output
from hugginggpt.experts.outputs.media import build_audio_output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHORTEST: Final = 0.1
"""Shorter recordings hold no sound that could be told, in seconds; several models can't take them."""
_SILENT: Final = 1e-4
"""Amplitude up to which a recording counts as silent: −80 dB of full scale."""


def read_recording(call: Call, rate: int, *, speech: bool = False) -> NDArray[np.float32]:
    """Return the call's recording.

    Args:
        call: Its ``audio``: any format, rate and number of channels.
        rate: Samples per second wanted.
        speech: Whether silence is of no use.

    Returns:
        Shape (samples,), mono, in -1..1, at least a tenth of a second.

    Raises:
        InputError: It is too short, or silent where speech is wanted.
        ResourceError: It can't be decoded, or is too long.
    """
    import numpy as np

    samples = np.nan_to_num(call.sound(rate))
    if samples.size < _SHORTEST * rate:
        raise InputError("The recording is shorter than a tenth of a second: there is nothing to hear in it.")
    if speech and np.abs(samples).max() <= _SILENT:
        raise InputError("The recording is silent.")
    return samples


def cut_where_quiet(samples: NDArray[np.float32], rate: int, longest: float) -> list[tuple[int, int]]:
    """Return where to cut a recording so that no word is cut in two: the quietest moment in the last quarter of each piece.

    Args:
        samples: Shape (n,).
        rate: Samples per second.
        longest: The most that a piece may last, in seconds.

    Returns:
        Beginning and end of each piece, in samples; together they are the whole.
    """
    import numpy as np

    size, grain = round(longest * rate), max(1, rate // 20)
    cuts = [0]
    while (left := samples.size - cuts[-1]) > size:
        last = cuts[-1] + min(size, left - rate // 2)  # half a second at least is left over
        first = cuts[-1] + (last - cuts[-1]) * 3 // 4
        loudness = np.square(samples[first:last]).astype(np.float64)
        grains = loudness[: loudness.size // grain * grain].reshape(-1, grain).sum(axis=1)
        cuts.append(first + int(grains.argmin()) * grain + grain // 2)
    return list(itertools.pairwise([*cuts, samples.size]))


def save_recording(call: Call, samples: Any, rate: int) -> Output:
    """As `results.sounds.recorded`, of an array or of a tensor of any type on any device.

    Raises:
        ExpertError: There are no samples, or they are no numbers.
    """
    import torch

    return build_audio_output(call, torch.as_tensor(samples).detach().float().cpu().numpy(), rate)
