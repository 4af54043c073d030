"""Classes of a video, and the frames that are looked at."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from hugginggpt.core.errors import InputError, StoppedError
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.video.frames import read_frames
from tests.checkpoints.videos import LABELS
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

MODELS = ("tiny/videomae", "tiny/timesformer", "tiny/vivit", "tiny/vjepa2")
PIXELS = 50_000_000


def film(path: Path, pictures: Sequence[np.ndarray]) -> Path:
    """A video of these pictures, each of shape (height, width, 3), eight a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def greys(count: int, *, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Pictures that go from black to white."""
    return [np.full((height, width, 3), round(level), np.uint8) for level in np.linspace(0, 255, count)]


def frames(path: Path, count: int, token: CancelToken | None = None, max_pixels: int = PIXELS) -> np.ndarray:
    return read_frames(path, count=count, max_pixels=max_pixels, token=token or CancelToken())


@pytest.mark.parametrize("model", MODELS)
async def test_a_video_gets_labels_of_the_model_the_likeliest_first(local: LocalBench, model: str) -> None:
    done = await local.run("video-classification", model, video=local.demo("clip.mp4"))
    classes = done.data["classes"]
    assert len(classes) == 5
    assert {entry["label"] for entry in classes} <= set(LABELS.values())
    scores = [entry["score"] for entry in classes]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert done.text.startswith(f"{classes[0]['label']} (")


async def test_a_video_shorter_than_the_model_looks_at_is_classified_too(local: LocalBench, tmp_path: Path) -> None:
    video = local.file(film(tmp_path / "one.mp4", greys(1)))
    done = await local.run("video-classification", "tiny/videomae", video=video)
    assert len(done.data["classes"]) == 5


async def test_stop_reaches_into_the_reading_of_a_video(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("video-classification", "tiny/videomae", StoppedAfter(20), video=local.demo("clip.mp4"))


@pytest.mark.parametrize("there", [1, 3, 8, 9, 16, 17, 40])
def test_frames_come_evenly_from_the_whole_video(tmp_path: Path, there: int) -> None:
    found = frames(film(tmp_path / "greys.mp4", greys(there)), 8)
    assert found.shape == (8, 48, 64, 3)
    assert found.dtype == np.uint8
    levels = found.mean(axis=(1, 2, 3))
    expected = np.linspace(0, 255, 8) if there > 1 else np.zeros(8)
    assert np.abs(levels - expected).max() <= 255 / min(there, 8) + 8


def test_frames_are_scaled_down(tmp_path: Path) -> None:
    large = film(tmp_path / "large.mp4", greys(2, height=700, width=1400))
    assert frames(large, 2).shape == (2, 320, 640, 3)


def test_frames_are_turned_upright(tmp_path: Path) -> None:
    """As a telephone films: the picture lies on its side in the file, which says how to turn it."""
    upright = np.zeros((64, 48, 3), np.uint8)
    upright[:32] = 255  # the sky is above
    lying = film(tmp_path / "lying.mp4", [np.ascontiguousarray(np.rot90(upright))] * 2)
    turned = tmp_path / "turned.mp4"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", "-90", "-i", str(lying)]
    subprocess.run([*ffmpeg, "-c", "copy", str(turned)], check=True)
    found = frames(turned, 2)
    assert found.shape == (2, 64, 48, 3)
    assert found[0, :24].mean() > 200
    assert found[0, -24:].mean() < 50


def test_a_video_that_is_cut_off_shows_what_is_left_of_it(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mpg", greys(40)).read_bytes()
    part = tmp_path / "part.mpg"
    part.write_bytes(whole[: len(whole) * 2 // 3])
    assert frames(part, 4).shape == (4, 48, 64, 3)


def test_what_shows_nothing_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only sound"):
        frames(MEDIA / "speech.flac", 4)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes((MEDIA / "clip.mp4").read_bytes()[:2000])
    with pytest.raises(InputError, match="can't be decoded"):
        frames(broken, 4)
    with pytest.raises(InputError, match="480 × 360"):
        frames(MEDIA / "clip.mp4", 4, max_pixels=100_000)
