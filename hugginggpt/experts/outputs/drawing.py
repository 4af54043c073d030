"""Findings drawn over a picture: boxes with labels, coloured masks, a legend. Sizes follow the picture's."""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

Colour = tuple[int, int, int]
"""Red, green, blue in 0..255."""

_Corners = tuple[float, float, float, float]
_GOLDEN: Final = 0.381966
"""The golden section of the colour circle: colours that follow each other are far apart, however many there are."""
_OPACITY: Final = 0.55
_LEGEND_WIDTH: Final = 240
"""A legend is at least as wide, in pixels."""
_LEGEND_ENTRIES: Final = 24


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """Something to mark."""

    label: str
    caption: str
    corners: _Corners
    """left, top, right, bottom in pixels."""


def assign_colours(labels: Iterable[str]) -> dict[str, Colour]:
    """Return one colour for each label, in the order in which they first come; those that follow each other differ most."""
    return dict(zip(dict.fromkeys(labels), _colours(), strict=False))


def _colours() -> Iterable[Colour]:
    for number in itertools.count():
        lightness, saturation = ((0.50, 0.85), (0.62, 0.95), (0.38, 0.75))[number // 8 % 3]
        red, green, blue = colorsys.hls_to_rgb((0.02 + number * _GOLDEN) % 1, lightness, saturation)
        yield round(red * 255), round(green * 255), round(blue * 255)


def draw_boxes(picture: Image.Image, boxes: Sequence[LabelledBox]) -> Image.Image:
    """Return a copy of an RGB picture with a frame round each thing and its caption on a plate of the same colour.

    Large boxes are drawn first, so that small ones stay visible; captions stay inside the picture.
    """
    from PIL import ImageDraw

    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    width = max(1, round(max(picture.size) / 300))
    font = _font(picture.size)
    colours = assign_colours(box.label for box in boxes)
    ordered = sorted(boxes, key=lambda box: -(box.corners[2] - box.corners[0]) * (box.corners[3] - box.corners[1]))
    for box in ordered:
        left, top, right, bottom = box.corners
        edges = (left, top, max(left, right - 1), max(top, bottom - 1))
        pen.rectangle(edges, outline=colours[box.label], width=width)
    taken: list[_Corners] = []
    for box in ordered:
        _, _, right, bottom = pen.textbbox((0, 0), box.caption, font=font)
        margin = max(1, round(bottom * 0.15))
        plate = _free_place(box.corners, (right + 2 * margin, bottom + 2 * margin), drawn.size, taken)
        taken.append(plate)
        pen.rectangle(plate, fill=colours[box.label])
        pen.text((plate[0] + margin, plate[1] + margin), box.caption, font=font, fill=_ink(colours[box.label]))
    return drawn


def _free_place(corners: _Corners, plate: tuple[float, float], size: tuple[int, int], taken: Sequence[_Corners]) -> _Corners:
    """Return where a plate goes: on top of its box where there is room, else inside; farther down until no other is covered.

    Args:
        corners: The box.
        plate: Width and height.
        size: The picture's.
        taken: Where other plates are.
    """
    wide, high = plate
    left = max(0.0, min(corners[0], size[0] - wide))
    top = corners[1] - high if corners[1] >= high else corners[1]
    while True:
        top = min(top, max(0.0, size[1] - high))
        place = (left, top, left + wide, top + high)
        lowest = top + high >= size[1]
        covered = [other for other in taken if _meet(place, other)]
        if lowest or not covered:
            return place
        top = max(other[3] for other in covered) + 1


def _meet(one: _Corners, other: _Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def draw_regions(picture: Image.Image, regions: NDArray[np.int32], colours: Sequence[Colour]) -> Image.Image:
    """Return a copy of an RGB picture under a coloured film, with a thin line where regions meet.

    Args:
        picture: Its size is what is returned.
        regions: Shape (height, width), any size: the number of the region that each pixel lies in, -1 for none.
        colours: One for each region.
    """
    import numpy as np
    from PIL import Image

    shades = np.array([*colours, (0, 0, 0)], np.uint8)
    number = np.asarray(Image.fromarray(regions.astype(np.int32), "I").resize(picture.size, Image.Resampling.NEAREST), np.int32)
    film = Image.fromarray(shades[number])
    strength = np.where(number >= 0, round(_OPACITY * 255), 0).astype(np.uint8)
    edges = np.zeros(number.shape, bool)
    edges[:, 1:] |= number[:, 1:] != number[:, :-1]
    edges[1:, :] |= number[1:, :] != number[:-1, :]
    strength[edges] = 255
    film.paste((255, 255, 255), mask=Image.fromarray(edges))
    return Image.composite(film, picture, Image.fromarray(strength))


def add_legend(picture: Image.Image, entries: Mapping[str, Colour]) -> Image.Image:
    """Return the picture with a strip of coloured squares and what they stand for below it; as it is where there are none."""
    from PIL import Image, ImageDraw

    if not entries:
        return picture
    font = _font(picture.size)
    line = round(font.size * 1.6)
    width = max(picture.width, _LEGEND_WIDTH)
    shown = list(entries.items())[:_LEGEND_ENTRIES]
    if len(entries) > len(shown):
        shown.append((f"and {len(entries) - len(shown)} more", (255, 255, 255)))
    places: list[tuple[int, int]] = []
    x, y = 0, 0
    for label, _ in shown:
        wide = round(font.getlength(label)) + 2 * line
        if x and x + wide > width:
            x, y = 0, y + line
        places.append((x, y))
        x += wide
    canvas = Image.new("RGB", (width, picture.height + y + 2 * line), "white")
    canvas.paste(picture, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for (label, colour), (x, y) in zip(shown, places, strict=True):
        x, y = x + line // 2, y + picture.height + line // 2
        side = round(font.size)
        pen.rectangle((x, y, x + side, y + side), fill=colour)
        pen.text((x + side + line // 4, y + side / 2), label, font=font, fill="black", anchor="lm")
    return canvas


def _font(size: tuple[int, int]) -> Any:
    """Return Pillow's own typeface, as large as the picture needs to be read at the size of a page."""
    from PIL import ImageFont

    return ImageFont.load_default(size=max(11.0, max(size) / 40))


def _ink(colour: Colour) -> str:
    """Return black or white, whichever can be read on a colour (luminance as in https://www.w3.org/TR/WCAG21/)."""
    red, green, blue = ((value / 255) ** 2.2 for value in colour)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "white"
