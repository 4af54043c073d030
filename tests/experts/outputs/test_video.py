"""Videos from pictures."""

from pathlib import Path

import av
import numpy as np

from hugginggpt.experts.base import Call
from hugginggpt.experts.outputs.video import build_video_result, write_video


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
