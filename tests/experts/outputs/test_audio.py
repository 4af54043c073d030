"""Sounds as WAV files."""

import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.base import Call
from hugginggpt.experts.outputs.audio import build_audio_output


@pytest.mark.parametrize(
    ("shape", "written"), [((800,), (800,)), ((1, 800), (800,)), ((2, 800), (800, 2))], ids=["plain", "mono", "stereo"]
)
def test_samples_become_a_recording_of_as_many_channels(call: Call, shape: tuple[int, ...], written: tuple[int, ...]) -> None:
    samples = np.linspace(-2, 0.5, 800).astype(np.float32)
    output = build_audio_output(call, np.broadcast_to(samples, shape), 8000)
    assert output.data == {"seconds": 0.1, "rate": 8000}
    read, rate = soundfile.read(output.path)
    assert (read.shape, rate) == (written, 8000)
    assert np.allclose(read.T, samples.clip(-1, 1), atol=1e-3)  # what is too loud is cut off


@pytest.mark.parametrize("samples", [[], [0.1, float("nan")], [float("inf")]])
def test_what_is_no_sound_is_an_error_that_names_the_model(call: Call, samples: list[float]) -> None:
    with pytest.raises(ExpertError, match="some/model made no sound"):
        build_audio_output(call, np.array(samples), 8000)
