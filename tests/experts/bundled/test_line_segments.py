"""The straight lines of a picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hugginggpt.experts.bundled.line_segments import detect_segments
from tests.experts.bundled.conftest import Bench


def drawn(path: object) -> np.ndarray:
    with Image.open(str(path)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", ["sign.jpg", "rocket.jpg", "invoice.png"])
async def test_lines_are_white_on_black_and_as_large_as_the_picture(bench: Bench, name: str) -> None:
    given = bench.demo(name)
    done = await bench.run("mlsd-control", image=given)
    pixels = drawn(done.path)
    assert set(np.unique(pixels)) == {0, 255}
    assert f"{pixels.shape[1]} × {pixels.shape[0]}" == given.measure
    assert 10 <= done.data["lines"] <= 200
    assert not done.note


def test_a_line_is_found_where_it_is_and_the_longest_comes_first() -> None:
    image = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, 100), (399, 200), (399, 299), (0, 299)], fill="black")  # its upper side runs across
    pen.rectangle((300, 20, 340, 60), fill="black")
    x1, y1, x2, y2 = sorted(map(tuple, detect_segments(np.asarray(image))[0].reshape(2, 2).tolist()))[0] + (399, 200)
    assert (x1, y1, x2, y2) == pytest.approx((0, 100, 399, 200), abs=4)


async def test_what_is_short_or_round_is_left_out(bench: Bench) -> None:
    image = Image.new("RGB", (400, 400), "white")
    for x in range(20, 400, 40):
        ImageDraw.Draw(image).ellipse((x, 180, x + 8, 188), fill="black")
    done = await bench.run("mlsd-control", image=bench.picture(image))
    assert done.data["lines"] == 0


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (300, 1)])
async def test_a_flat_picture_has_no_lines_and_the_person_is_told(bench: Bench, size: tuple[int, int]) -> None:
    done = await bench.run("mlsd-control", image=bench.picture(Image.new("RGB", size, "navy")))
    assert done.note == "There are no straight lines in this picture."
    assert not drawn(done.path).any()


async def test_a_large_picture_is_drawn_smaller_with_thicker_lines(bench: Bench) -> None:
    image = Image.new("RGB", (4096, 2048), "navy")
    image.paste("white", (0, 1024, 4096, 2048))
    pixels = drawn((await bench.run("mlsd-control", image=bench.picture(image))).path)
    assert pixels.shape == (1024, 2048, 3)
    assert (pixels[:, 1024, 0] > 0).sum() >= 2
