"""Builder of audio outputs, as WAV files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def build_audio_output(call: Call, samples: NDArray[np.floating[Any]], rate: int) -> Output:
    """Write samples as a WAV file.

    Args:
        call: The call that they are the output of.
        samples: Shape (samples,) or (channels, samples), in -1..1; values beyond are clipped.
        rate: Samples per second.

    Returns:
        Its ``data`` holds seconds (the length) and rate.

    Raises:
        ExpertError: There are no samples, or some are NaN or infinite.
    """
    import numpy as np

    array = np.asarray(samples, np.float32)
    # a WAV writer wants (samples, channels); models give (channels, samples)
    array = array.T if array.ndim == 2 and array.shape[0] > 1 else array.reshape(-1)
    if not array.size or not np.isfinite(array).all():
        raise ExpertError(f"{call.card.id} made no sound of this.")
    path = call.new_path(".wav")
    media.write_wav(path, np.clip(array, -1.0, 1.0), rate)
    return Output(Kind.AUDIO, path=path, data={"seconds": round(len(array) / rate, 2), "rate": rate})
