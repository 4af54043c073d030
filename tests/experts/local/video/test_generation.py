"""Videos from words and from pictures, by every kind of pipeline."""

from pathlib import Path

import av
import pytest
from PIL import Image

from hugginggpt.core.errors import InputError, StoppedError
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import Done, LocalBench


def check(done: Done) -> None:
    """It is a video that a browser plays, and the numbers beside it are true."""
    with av.open(str(done.path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == done.data["fps"]
        assert stream.width % 2 == stream.height % 2 == 0
    assert len(frames) == done.data["frames"] > 1
    assert done.data["seconds"] == pytest.approx(len(frames) / done.data["fps"], abs=0.01)
    content = done.path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # it starts before all of it has come


@pytest.mark.parametrize(
    ("model", "frames", "fps"),
    [
        ("tiny/wan", 17, 16),
        ("tiny/ltx", 17, 25),
        ("tiny/cogvideox", 9, 8),
        ("tiny/animatediff", 16, 8),
        ("tiny/text-to-video", 16, 8),
    ],
)
async def test_a_text_becomes_a_video(local: LocalBench, model: str, frames: int, fps: int) -> None:
    done = await local.run("text-to-video", model, text="an astronaut waves")
    check(done)
    assert (done.data["frames"], done.data["fps"]) == (frames, fps)
    assert local.progress[-1] == ("step 12 of 12", 1.0)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("tiny/wan-i2v", "it turns round"),
        ("tiny/ltx-i2v", "it turns round"),
        ("tiny/cogvideox-i2v", None),
        ("tiny/svd", "it turns round"),
    ],
)
async def test_a_picture_comes_to_life(local: LocalBench, model: str, text: str | None) -> None:
    wish = {"text": text} if text else {}
    done = await local.run("image-to-video", model, image=local.demo("cat.jpg"), **wish)
    check(done)
    assert bool(done.result.note) == (model == "tiny/svd")  # that one takes no text, and says so


async def test_stop_ends_it_within_a_step(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("image-to-video", "tiny/svd", StoppedAfter(6), image=local.demo("cat.jpg"))
    assert len(local.progress) < 6


async def test_a_picture_of_one_pixel_is_a_picture(local: LocalBench, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    check(await local.run("image-to-video", "tiny/ltx-i2v", image=local.file(tmp_path / "dot.png")))


async def test_an_empty_text_is_no_description(local: LocalBench) -> None:
    with pytest.raises(InputError, match="empty"):
        await local.run("text-to-video", "tiny/wan", text="")
