"""The soft outlines of a picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hugginggpt.core.resources import Resource
from tests.experts.bundled.conftest import Bench, Done


async def draw(bench: Bench, image: Resource) -> Done:
    return await bench.run("hed-control", image=image)


def drawn(done: Done) -> np.ndarray:
    with Image.open(done.path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


async def test_outlines_are_grey_on_black_and_as_large_as_the_picture(bench: Bench) -> None:
    given = bench.demo("cat.jpg")
    done = await draw(bench, given)
    pixels = drawn(done)
    assert f"{pixels.shape[1]} × {pixels.shape[0]}" == given.measure
    assert (pixels == pixels[:, :, :1]).all()
    assert len(np.unique(pixels)) > 100  # soft, unlike Canny's
    assert 0.05 < done.data["outline_share"] < 0.7
    assert not done.note


async def test_a_contour_is_drawn_where_it_is_and_stronger_than_texture(bench: Bench) -> None:
    noise = np.random.default_rng(0).integers(90, 130, (200, 200, 3), np.uint8)
    image = Image.fromarray(noise)
    ImageDraw.Draw(image).ellipse((50, 50, 149, 149), fill="white")
    pixels = drawn(await draw(bench, bench.picture(image)))[:, :, 0].astype(float)
    rows, columns = np.indices(pixels.shape)
    distance = abs(np.hypot(rows - 99.5, columns - 99.5) - 50)
    assert pixels[distance < 2].mean() > 3 * pixels[distance > 15].mean()
    assert pixels[distance < 2].mean() > 80


async def test_two_colours_of_one_brightness_have_an_outline(bench: Bench) -> None:
    image = Image.new("RGB", (120, 120), (200, 60, 60))
    image.paste((60, 131, 60), (60, 0, 120, 120))
    pixels = drawn(await draw(bench, bench.picture(image)))[:, :, 0]
    assert pixels[20:100, 59:61].min() > 80


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (200, 1)])
async def test_a_flat_picture_has_no_outlines_and_the_person_is_told(bench: Bench, size: tuple[int, int]) -> None:
    done = await draw(bench, bench.picture(Image.new("RGB", size, "navy")))
    assert done.note == "There are no outlines in this picture: it is one even area."
    assert drawn(done).shape == (size[1], size[0], 3)


async def test_a_large_picture_is_drawn_smaller_in_its_own_shape(bench: Bench) -> None:
    done = await draw(bench, bench.picture(Image.new("RGB", (4096, 64), "navy")))
    assert drawn(done).shape == (32, 2048, 3)
