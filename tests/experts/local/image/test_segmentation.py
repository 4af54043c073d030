"""Regions of a picture: named, outlined, and as a control image."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import StoppedError
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

APART = ["tiny/mask2former", "tiny/maskformer", "tiny/oneformer", "tiny/detr-panoptic"]


@pytest.mark.parametrize("model", ["tiny/segformer", *APART])
async def test_regions_are_drawn_with_a_legend_and_named_with_their_share(local: LocalBench, model: str) -> None:
    done = await local.run("image-segmentation", model, image=local.demo("coffee.jpg"))
    with Image.open(done.path) as drawn:
        width, height = drawn.size
        drawn.load()
    regions = done.data["regions"]
    assert regions
    assert (width, height > 400) == (600, True)
    assert all(0 <= region["score"] <= 1 and 0 <= region["share"] <= 1 for region in regions)
    shares = [region["share"] for region in regions]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.001
    assert done.text.startswith(f"{len(regions)} region")
    assert regions[0]["label"] in done.text


async def test_every_pixel_has_a_label_of_a_semantic_model(local: LocalBench) -> None:
    done = await local.run("image-segmentation", "tiny/segformer", image=local.demo("coffee.jpg"))
    assert sum(region["share"] for region in done.data["regions"]) == pytest.approx(1, abs=1e-3)
    labels = [region["label"] for region in done.data["regions"]]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (500, 1), (1, 500)])
async def test_pictures_of_any_size_are_cut_up(local: LocalBench, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    done = await local.run("image-segmentation", "tiny/segformer", image=local.file(tmp_path / "odd.png"))
    assert done.data["regions"]


@pytest.mark.parametrize("model", ["tiny/sam", "tiny/sam2", "tiny/sam2.1"])
async def test_every_object_is_outlined(local: LocalBench, model: str) -> None:
    done = await local.run("mask-generation", model, image=local.demo("cat.jpg"))
    with Image.open(done.path) as drawn:
        assert drawn.size == (451, 300)
    objects = done.data["objects"]
    assert objects
    for thing in objects:
        left, top, right, bottom = thing["box"]
        assert 0 <= left < right <= 451
        assert 0 <= top < bottom <= 300
        assert 0 < thing["share"] <= 1
        assert 0.88 <= thing["score"] <= 1
    assert local.progress[-1] == ("asking for objects", 1.0)


async def test_outlining_stops_between_batches_of_points(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("mask-generation", "tiny/sam", StoppedAfter(4), image=local.demo("cat.jpg"))
    assert 0 < len(local.progress) < 4


@pytest.mark.parametrize("model", ["tiny/segformer", "tiny/mask2former", "tiny/oneformer"])
async def test_a_segment_map_is_a_control_image_of_the_pictures_size(local: LocalBench, model: str) -> None:
    done = await local.run("seg-control", model, image=local.demo("coffee.jpg"))
    with Image.open(done.path) as drawn:
        assert (drawn.size, drawn.mode) == ((600, 400), "RGB")


async def test_segments_have_the_colours_of_their_classes_in_ade20k(local: LocalBench) -> None:
    colours = {"wall": (120, 120, 120), "sky-other-merged": (6, 230, 230), "road, route": (140, 140, 140),
               "bed": (204, 5, 255), "spaceship": (0, 0, 0)}  # fmt: skip
    done = await local.run("seg-control", "tiny/segformer", image=local.demo("coffee.jpg"))
    with Image.open(done.path) as drawn:
        seen = set(map(tuple, np.unique(np.asarray(drawn).reshape(-1, 3), axis=0).tolist()))
    assert seen <= {colours[region["label"]] for region in done.data["regions"]}
    unknown = any(region["label"] == "spaceship" for region in done.data["regions"])
    assert ("spaceship" in done.result.note) == unknown
