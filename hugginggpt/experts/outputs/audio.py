"""Sounds that a model made, as WAV files."""

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
    """Return a WAV file of what a model made.

    Args:
        call: Gives the file its place.
        samples: Shape (samples,) or (channels, samples), in -1..1; what is beyond is cut off.
        rate: Samples per second.

    Returns:
        With ``data["seconds"]``, its length, and ``data["rate"]``.

    Raises:
        ExpertError: There are none, or they are no numbers.
    """
    import numpy as np

    array = np.asarray(samples, np.float32)
    array = array.T if array.ndim == 2 and array.shape[0] > 1 else array.reshape(-1)
    if not array.size or not np.isfinite(array).all():
        raise ExpertError(f"{call.card.id} made no sound of this.")
    path = call.new_path(".wav")
    media.write_wav(path, np.clip(array, -1.0, 1.0), rate)
    return Output(Kind.AUDIO, path=path, data={"seconds": round(len(array) / rate, 2), "rate": rate})
