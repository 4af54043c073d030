"""What is drawn over a picture."""

import numpy as np
from PIL import Image

from hugginggpt.experts.outputs.drawing import LabelledBox, add_legend, assign_colours, draw_boxes, draw_regions


def test_boxes_are_drawn_in_their_labels_colours_and_captions_stay_inside() -> None:
    picture = Image.new("RGB", (200, 120), "white")
    boxes = [LabelledBox("cat", "cat 90%", (0, 0, 200, 120)), LabelledBox("cup", "cup 50%", (150, 90, 200, 120))]
    drawn = np.asarray(draw_boxes(picture, boxes))
    cat, cup = assign_colours(["cat", "cup"]).values()
    assert cat != cup
    assert tuple(drawn[119, 0]) == cat
    assert tuple(drawn[119, 199]) == cup
    assert (drawn[:20] == cat).all(-1).sum() > 200  # the plate with the caption


def test_captions_do_not_cover_each_other() -> None:
    picture = Image.new("RGB", (200, 120), "white")
    boxes = [LabelledBox(label, "some thing", (0, 0, 100, 100)) for label in ("one", "two", "three")]
    drawn = np.asarray(draw_boxes(picture, boxes)).reshape(-1, 3)
    for colour in assign_colours(["one", "two", "three"]).values():
        assert (drawn == colour).all(-1).sum() > 400


def test_colours_of_many_labels_all_differ() -> None:
    colours = assign_colours(str(number) for number in range(24))
    assert len(set(colours.values())) == 24


def test_regions_are_coloured_and_the_rest_stays_as_it_is() -> None:
    picture = Image.new("RGB", (40, 20), (100, 100, 100))
    number = np.full((10, 20), -1, np.int32)
    number[:, 10:] = 0
    drawn = np.asarray(draw_regions(picture, number, [(255, 0, 0)]))
    assert tuple(drawn[10, 5]) == (100, 100, 100)
    assert drawn[10, 35, 0] > 150 > drawn[10, 35, 1]


def test_a_legend_lies_below_the_picture_and_holds_each_colour() -> None:
    picture = Image.new("RGB", (300, 50), "black")
    colours = {f"label {number}": (number, 200, 10) for number in range(30)}
    canvas = np.asarray(add_legend(picture, colours))
    assert canvas.shape[1] == 300
    assert not canvas[:50].any()
    seen = set(map(tuple, np.unique(canvas[50:].reshape(-1, 3), axis=0).tolist()))
    assert {(number, 200, 10) for number in range(24)} <= seen
