"""Findings in a picture, drawn over it and told; and pictures that were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.outputs.drawing import LabelledBox, add_legend, assign_colours, draw_boxes, draw_regions
from hugginggpt.experts.outputs.grammar import format_count, join_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_TOLD: Final = 6
_LEAST_SHARE: Final = 0.005
"""Smaller regions are drawn and listed, but not told in the text."""

Thing = dict[str, Any]
"""label, score (0..1) and box (left, top, right, bottom in pixels of the original picture)."""
Region = dict[str, Any]
"""label, score (0..1) and share (of the area, 0..1)."""


def rank_things(found: Iterable[Thing]) -> list[Thing]:
    """Return the same things with rounded scores, the surest first."""
    rounded = [thing | {"score": round(float(thing["score"]), 4)} for thing in found]
    return sorted(rounded, key=lambda thing: -thing["score"])


def build_detection_result(
    call: Call, picture: Image.Image, found: Sequence[Thing], *, threshold: float = 0.5, missing: Sequence[str] = ()
) -> Result:
    """Return the picture with a box round each thing, and a text that counts them, such as "2 cats and 1 sofa."

    Args:
        call: Gives the picture its place.
        picture: RGB; what is drawn has its size.
        found: In any order; boxes may go beyond the picture, where they are cut off.
        threshold: The score from which on a thing is surely there. Where no thing is, all are shown, with a note.
        missing: Labels that were looked for and not found.

    Returns:
        An image and a text. Both hold ``data["objects"]``: label, score and box of each, the surest first; and
        ``data["counts"]``: how many there are of each label. Both are empty where nothing was found.
    """
    all_ = rank_things(found)
    sure = [thing for thing in all_ if thing["score"] >= threshold]
    shown = [_inside(thing, picture.size) for thing in sure or all_]
    boxes = [LabelledBox(thing["label"], f"{thing['label']} {thing['score']:.0%}", tuple(thing["box"])) for thing in shown]
    path = call.new_path(".png")
    draw_boxes(picture, boxes).save(path)
    counts = dict(Counter(thing["label"] for thing in shown).most_common())
    data = {"objects": shown, "counts": counts}
    text = f"{join_parts(format_count(*pair) for pair in counts.items())}." if counts else "Nothing was found."
    if counts and missing:
        text = f"{text} Not found: {', '.join(missing)}."
    note = "" if sure or not shown else f"The model is less than {threshold:.0%} sure of what it found."
    return Result((Output(Kind.IMAGE, path=path, data=data), Output(Kind.TEXT, text=text, data=data)), note=note)


def _inside(thing: Thing, size: tuple[int, int]) -> Thing:
    """Return the same with its box cut off at the picture's edges, in tenths of a pixel."""
    limits = (*size, *size)
    return thing | {"box": [round(min(max(side, 0.0), limit), 1) for side, limit in zip(thing["box"], limits, strict=True)]}


def build_region(label: str, score: float, share: float) -> Region:
    """Return what is told of a region: its label without white space around it; score and share, both 0..1, rounded."""
    return {"label": label.strip(), "score": round(float(score), 4), "share": round(float(share), 4)}


def build_segmentation_result(call: Call, picture: Image.Image, number: NDArray[np.int32], found: Sequence[Region]) -> Result:
    """Return the picture under coloured masks with a legend, and a text such as "2 regions: wall (45%) and bed (30%)."

    Args:
        call: Gives the picture its place.
        picture: RGB.
        number: Shape (height, width), in the picture's proportions, any size: the region of each pixel, -1 for none.
        found: The regions by their numbers, as `build_region` gives them.

    Returns:
        An image as wide as the original, or 240 pixels if that is more, with the legend below; and a text. Both hold
        ``data["regions"]``: label, score and share of each, the largest first.
    """
    order = sorted(found, key=lambda entry: -entry["share"])
    by_label = assign_colours(entry["label"] for entry in order)
    shades = [by_label[entry["label"]] for entry in found]
    path = call.new_path(".png")
    add_legend(draw_regions(picture, number, shades), by_label).save(path)
    data = {"regions": order}
    return Result((Output(Kind.IMAGE, path=path, data=data), Output(Kind.TEXT, text=_in_words(order), data=data)))


def _in_words(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "No region was recognised."
    named = [entry for entry in found if entry["share"] >= _LEAST_SHARE][:_TOLD] or found[:1]
    names = [f"{entry['label']} ({entry['share']:.0%})" for entry in named]
    if (left := len(found) - len(named)) > 0:
        names.append(f"{left} smaller")
    return f"{len(found)} region{'s' if len(found) > 1 else ''}: {join_parts(names)}."


def build_image_result(call: Call, picture: Image.Image, note: str = "", models: tuple[str, ...] = ()) -> Result:
    """Return a picture that a model made, as a PNG; ``data`` holds width and height in pixels.

    Args:
        call: Gives it its place.
        picture: Of any mode that PNG knows.
        note: One sentence for the person.
        models: The ids of all models that ran, where there was more than one.
    """
    path = call.new_path(".png")
    picture.save(path)
    return Result((Output(Kind.IMAGE, path=path, data={"width": picture.width, "height": picture.height}),), note, models)
