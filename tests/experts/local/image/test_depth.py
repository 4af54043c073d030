"""How far away things are, and the control images made from that."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import StoppedError
from hugginggpt.experts.local.image.depth import _Depth, _normals
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

RELATIVE = ["tiny/dpt", "tiny/depth-anything"]
METRIC = ["tiny/glpn", "tiny/zoedepth", "tiny/depth-anything-metric"]


@pytest.mark.parametrize("model", RELATIVE + METRIC)
async def test_depth_is_a_grey_picture_of_the_originals_size(local: LocalBench, model: str) -> None:
    done = await local.run("depth-estimation", model, image=local.demo("rocket.jpg"))
    with Image.open(done.path) as drawn:
        assert (drawn.size, drawn.mode) == ((640, 427), "L")
        assert drawn.getextrema() == (0, 255)
    assert done.data["metric"] == (model in METRIC)
    assert done.data["unit"] == ("m" if model in METRIC else "relative inverse distance")
    assert done.data["min"] <= done.data["max"]


async def test_a_depth_control_image_has_three_equal_channels(local: LocalBench) -> None:
    done = await local.run("depth-control", "tiny/dpt", image=local.demo("rocket.jpg"))
    with Image.open(done.path) as drawn:
        assert (drawn.size, drawn.mode) == ((640, 427), "RGB")
        red, green, blue = (np.asarray(channel) for channel in drawn.split())
    assert np.array_equal(red, green)
    assert np.array_equal(red, blue)


async def test_a_normal_map_holds_unit_vectors_that_face_the_camera(local: LocalBench) -> None:
    done = await local.run("normal-control", "tiny/dpt", image=local.demo("rocket.jpg"))
    with Image.open(done.path) as drawn:
        assert (drawn.size, drawn.mode) == ((640, 427), "RGB")
        vectors = np.asarray(drawn, float) / 127.5 - 1
    assert np.linalg.norm(vectors, axis=2) == pytest.approx(1, abs=0.02)
    assert (vectors[..., 2] > 0).all()


@pytest.mark.parametrize("task", ["depth-estimation", "normal-control"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (500, 1), (1, 500)])
async def test_pictures_of_any_size_have_a_depth(local: LocalBench, tmp_path: Path, size: tuple[int, int], task: str) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    for model in ("tiny/dpt", "tiny/glpn", "tiny/zoedepth"):
        done = await local.run(task, model, image=local.file(tmp_path / "odd.png"))
        with Image.open(done.path) as drawn:
            assert drawn.size == size


async def test_a_stopped_estimate_draws_nothing(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("depth-estimation", "tiny/dpt", StoppedAfter(1), image=local.demo("cat.jpg"))


def test_what_is_near_is_bright_whatever_the_model_gives() -> None:
    inverse = _Depth(np.array([[5.0, 3.0, 1.0]], np.float32), metric=False).inverse_depth
    metres = _Depth(np.array([[1.0, 2.0, 4.0]], np.float32), metric=True).inverse_depth
    assert inverse.tolist() == [[1.0, 0.5, 0.0]]
    assert metres.tolist() == [[1.0, pytest.approx(1 / 3), 0.0]]


def test_a_flat_depth_is_no_division_by_zero() -> None:
    assert not _Depth(np.full((2, 2), 3.0, np.float32), metric=False).inverse_depth.any()


def test_a_hill_is_red_on_its_left_green_on_its_top_and_blue_in_front() -> None:
    y, x = np.mgrid[-1:1:101j, -1:1:101j]
    hill = np.sqrt(np.clip(1.1 - x**2 - y**2, 0.2, None)).astype(np.float32)
    left, up, front = np.moveaxis(_normals(hill), 2, 0)
    assert left[50, 20] > 0.3 > 0 > left[50, 80]
    assert up[20, 50] > 0.3 > 0 > up[80, 50]
    assert front[50, 50] == pytest.approx(1, abs=0.01)
