"""The edges of a picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.experts.bundled.conftest import Bench


def drawn(path: object) -> np.ndarray:
    with Image.open(str(path)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", ["cat.jpg", "invoice.png", "rocket.jpg"])
async def test_edges_are_white_on_black_and_as_large_as_the_picture(bench: Bench, name: str) -> None:
    given = bench.demo(name)
    done = await bench.run("canny-control", image=given)
    pixels = drawn(done.path)
    assert set(np.unique(pixels)) == {0, 255}
    assert f"{pixels.shape[1]} × {pixels.shape[0]}" == given.measure
    assert done.data["edge_share"] == pytest.approx((pixels[:, :, 0] > 0).mean(), abs=1e-4)
    assert not done.note


async def test_the_outline_of_a_square_is_found_where_it_is(bench: Bench) -> None:
    image = Image.new("RGB", (100, 80), "white")
    ImageDraw.Draw(image).rectangle((30, 20, 69, 59), fill="black")
    rows, columns = np.nonzero(drawn((await bench.run("canny-control", image=bench.picture(image))).path)[:, :, 0])
    assert (columns.min(), columns.max()) == pytest.approx((30, 69), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((20, 59), abs=2)


async def test_two_colours_of_one_brightness_have_an_edge(bench: Bench) -> None:
    image = Image.new("RGB", (60, 60), (200, 60, 60))
    image.paste((60, 131, 60), (30, 0, 60, 60))
    assert image.convert("L").getextrema()[1] - image.convert("L").getextrema()[0] <= 3
    done = await bench.run("canny-control", image=bench.picture(image))
    assert done.data["edge_share"] > 0


async def test_a_flat_picture_has_no_edges_and_the_person_is_told(bench: Bench) -> None:
    done = await bench.run("canny-control", image=bench.picture(Image.new("RGB", (64, 48), "navy")))
    assert done.note == "There are no edges in this picture: it is one even area."
    assert not drawn(done.path).any()


async def test_a_large_picture_is_drawn_smaller_in_its_own_shape(bench: Bench) -> None:
    done = await bench.run("canny-control", image=bench.picture(Image.new("RGB", (4096, 1024), "navy")))
    assert drawn(done.path).shape == (512, 2048, 3)
