"""Sounds as WAV files, videos from pictures as MP4."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.base import Call
from hugginggpt.experts.outputs.media import build_audio_output, build_video_result, write_video


def test_odd_sides_are_made_even(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    write_video(path, np.zeros((3, 33, 47, 3), np.uint8), 7.5)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (46, 32, 7.5)
        assert len(list(container.decode(stream))) == 3


def test_a_film_is_told_with_its_length_and_shows_its_pictures_in_order(call: Call) -> None:
    shades = np.array([0, 90, 180, 250], np.uint8)
    result = build_video_result(call, np.broadcast_to(shades[:, None, None, None], (4, 32, 48, 3)), 8, "It is short.")
    (output,) = result.outputs
    assert (output.data, result.note) == ({"frames": 4, "fps": 8, "seconds": 0.5}, "It is short.")
    with av.open(str(output.path)) as container:
        seen = [float(frame.to_ndarray(format="rgb24").mean()) for frame in container.decode(video=0)]
    assert np.allclose(seen, shades, atol=4)


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
