"""Findings in a picture, drawn and told."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.outputs.drawing import assign_colours
from hugginggpt.experts.outputs.images import (
    build_detection_result,
    build_image_result,
    build_region,
    build_segmentation_result,
    rank_things,
)


@pytest.fixture
def picture() -> Image.Image:
    return Image.new("RGB", (200, 120), "white")


def drawn(result: Result) -> np.ndarray:
    """Return the picture of a result, after a check that image and text hold the same data."""
    image, text = result.outputs
    assert image.data == text.data
    assert image.path is not None
    with Image.open(image.path) as opened:
        return np.asarray(opened)


def thing(label: str, score: float, *box: float) -> dict[str, Any]:
    return {"label": label, "score": score, "box": list(box or (10, 10, 50, 50))}


def test_things_are_marked_and_counted_the_surest_first(call: Call, picture: Image.Image) -> None:
    found = [thing("cup", 0.7), thing("cat", 0.91238, -5, 60, 150.04, 130), thing("cup", 0.6), thing("dog", 0.4)]
    result = build_detection_result(call, picture, found, missing=["cow", "sheep"])
    assert result.outputs[1].text == "2 cups and 1 cat. Not found: cow, sheep."
    assert result.note == ""
    objects = result.outputs[0].data["objects"]
    assert [entry["score"] for entry in objects] == [0.9124, 0.7, 0.6]
    assert objects[0]["box"] == [0.0, 60, 150.0, 120]  # inside the picture
    assert result.outputs[0].data["counts"] == {"cup": 2, "cat": 1}
    seen = drawn(result)
    assert seen.shape == (120, 200, 3)
    assert tuple(seen[119, 100]) == assign_colours(["cat"])["cat"]


def test_where_nothing_is_sure_all_is_shown_with_a_note(call: Call, picture: Image.Image) -> None:
    result = build_detection_result(call, picture, [thing("cup", 0.3), thing("cat", 0.2)], threshold=0.35)
    assert result.outputs[1].text == "1 cup and 1 cat."
    assert "less than 35% sure" in result.note


def test_where_nothing_is_found_the_picture_stays_as_it_is(call: Call, picture: Image.Image) -> None:
    result = build_detection_result(call, picture, [], missing=["cow"])
    assert (result.outputs[1].text, result.note) == ("Nothing was found.", "")
    assert result.outputs[0].data == {"objects": [], "counts": {}}
    assert (drawn(result) == 255).all()


def test_things_that_are_as_sure_as_others_stay_in_their_order() -> None:
    found = [thing("a", 0.50001), thing("b", 0.50002), thing("c", 0.6)]
    assert [entry["label"] for entry in rank_things(found)] == ["c", "a", "b"]


def test_regions_are_coloured_listed_and_told_by_their_size(call: Call, picture: Image.Image) -> None:
    number = np.full((12, 20), -1, np.int32)
    number[:, :4], number[:, 4:14] = 0, 1
    found = [
        build_region(" bed ", 0.80004, 0.2),
        build_region("wall", np.float32(0.9), np.float64(0.5)),
        build_region("pin", 0.7, 0.001),
    ]
    result = build_segmentation_result(call, picture, number, found)
    assert result.outputs[1].text == "3 regions: wall (50%), bed (20%) and 1 smaller."
    assert result.outputs[0].data["regions"] == [
        {"label": "wall", "score": 0.9, "share": 0.5},
        {"label": "bed", "score": 0.8, "share": 0.2},
        {"label": "pin", "score": 0.7, "share": 0.001},
    ]
    seen = drawn(result).astype(int)
    assert seen.shape[1] == 240  # with a legend
    assert (seen[60, 190] == 255).all()
    for colour, x in zip(assign_colours(["wall", "bed"]).values(), (100, 20), strict=True):
        film = 255 - seen[60, x]
        assert np.allclose(film / film.max(), (255 - np.array(colour)) / (255 - min(colour)), atol=0.05)


def test_a_picture_without_regions_says_so(call: Call, picture: Image.Image) -> None:
    result = build_segmentation_result(call, picture, np.full((6, 10), -1, np.int32), [])
    assert result.outputs[1].text == "No region was recognised."
    assert (drawn(result) == 255).all()


def test_a_painted_picture_is_a_png_with_its_measures(call: Call, picture: Image.Image) -> None:
    result = build_image_result(call, picture, "A note.", ("one/model", "another/model"))
    (output,) = result.outputs
    assert (output.data, result.note, result.models) == (
        {"width": 200, "height": 120}, "A note.", ("one/model", "another/model")
    )  # fmt: skip
    assert output.path is not None
    with Image.open(output.path) as image:
        assert (image.format, image.size) == ("PNG", (200, 120))
