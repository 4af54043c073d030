"""Builders of image results: detections and segments drawn over the picture, and generated pictures."""

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

_MAX_REGIONS_NAMED: Final = 6  # most regions that the sentence names
_MIN_SHARE_NAMED: Final = 0.005
"""Smallest share of the area (0..1) that the sentence names; smaller regions are still drawn and listed in the data."""

Thing = dict[str, Any]
"""label, score (0..1) and box (left, top, right, bottom in pixels of the original picture)."""
Region = dict[str, Any]
"""label, score (0..1) and share (of the area, 0..1)."""


def rank_things(found: Iterable[Thing]) -> list[Thing]:
    """Return the things with rounded scores, highest first; ties keep their order."""
    rounded = [thing | {"score": round(float(thing["score"]), 4)} for thing in found]
    return sorted(rounded, key=lambda thing: -thing["score"])


def build_detection_result(
    call: Call, picture: Image.Image, found: Sequence[Thing], *, threshold: float = 0.5, missing: Sequence[str] = ()
) -> Result:
    """Draw a box round each thing and count them in a sentence, such as "2 cats and 1 sofa."

    Args:
        call: The call that found them.
        picture: RGB; the result has its size.
        found: Things in any order; boxes may extend beyond the picture and are clipped.
        threshold: Lowest score that counts as sure. If no thing reaches it, all are shown, with a note.
        missing: Labels that were looked for and not found.

    Returns:
        An image and a text. Both hold ``data["objects"]``: label, score and box of each, highest score first; and
        ``data["counts"]``: the number of things per label. Both are empty if nothing was found.
    """
    all_ = rank_things(found)
    sure = [thing for thing in all_ if thing["score"] >= threshold]
    shown = [_clip_box(thing, picture.size) for thing in sure or all_]  # a doubtful finding beats none: the note says so
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


def _clip_box(thing: Thing, size: tuple[int, int]) -> Thing:
    """Return a thing with its box clipped at the picture's edges and rounded to tenths of a pixel."""
    limits = (*size, *size)
    return thing | {"box": [round(min(max(side, 0.0), limit), 1) for side, limit in zip(thing["box"], limits, strict=True)]}


def build_region(label: str, score: float, share: float) -> Region:
    """Return a region with its label stripped; score and share, both 0..1, rounded."""
    return {"label": label.strip(), "score": round(float(score), 4), "share": round(float(share), 4)}


def build_segmentation_result(call: Call, picture: Image.Image, number: NDArray[np.int32], found: Sequence[Region]) -> Result:
    """Draw coloured masks with a legend and name the regions, such as "2 regions: wall (45%) and bed (30%)."

    Args:
        call: The call that found them.
        picture: RGB.
        number: Shape (height, width), in the picture's proportions, any size: each pixel's region number, -1 for none.
        found: The regions by number, as `build_region` returns them.

    Returns:
        An image as wide as the original, or 240 pixels if that is more, with the legend below; and a text. Both hold
        ``data["regions"]``: label, score and share of each, largest first.
    """
    order = sorted(found, key=lambda entry: -entry["share"])
    by_label = assign_colours(entry["label"] for entry in order)  # by share: the largest get the most different colours
    shades = [by_label[entry["label"]] for entry in found]
    path = call.new_path(".png")
    add_legend(draw_regions(picture, number, shades), by_label).save(path)
    data = {"regions": order}
    return Result((Output(Kind.IMAGE, path=path, data=data), Output(Kind.TEXT, text=_describe_regions(order), data=data)))


def _describe_regions(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "No region was recognised."
    # at least one is named, however small
    named = [entry for entry in found if entry["share"] >= _MIN_SHARE_NAMED][:_MAX_REGIONS_NAMED] or found[:1]
    names = [f"{entry['label']} ({entry['share']:.0%})" for entry in named]
    if (left := len(found) - len(named)) > 0:
        names.append(f"{left} smaller")
    return f"{len(found)} region{'s' if len(found) > 1 else ''}: {join_parts(names)}."


def build_image_result(call: Call, picture: Image.Image, note: str = "", models: tuple[str, ...] = ()) -> Result:
    """Write a generated picture as a PNG; ``data`` holds width and height in pixels.

    Args:
        call: The call that generated it.
        picture: Of any mode that PNG supports.
        note: One sentence for the person.
        models: Ids of all models that ran, if there was more than one.
    """
    path = call.new_path(".png")
    picture.save(path)
    return Result((Output(Kind.IMAGE, path=path, data={"width": picture.width, "height": picture.height}),), note, models)
