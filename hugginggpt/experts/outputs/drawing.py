"""Drawing over pictures: boxes with captions, coloured masks, a legend. Line and letter sizes follow the picture's."""

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
_HUE_STEP: Final = 0.381966
"""Golden section of the hue circle (0..1): successive hues stay far apart, however many there are."""
_OPACITY: Final = 0.55  # opacity of a mask over the picture, 0..1
_MIN_LEGEND_WIDTH: Final = 240  # least width of a legend, in pixels
_MAX_LEGEND_ENTRIES: Final = 24


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """One box to draw, with its caption."""

    label: str
    caption: str
    corners: _Corners
    """left, top, right, bottom in pixels."""


def assign_colours(labels: Iterable[str]) -> dict[str, Colour]:
    """Return one colour per label, by first occurrence; successive colours differ most."""
    return dict(zip(dict.fromkeys(labels), _generate_colours(), strict=False))


def _generate_colours() -> Iterable[Colour]:
    """Yield distinct colours without end; lightness changes after every eight hues."""
    for number in itertools.count():
        lightness, saturation = ((0.50, 0.85), (0.62, 0.95), (0.38, 0.75))[number // 8 % 3]
        red, green, blue = colorsys.hls_to_rgb((0.02 + number * _HUE_STEP) % 1, lightness, saturation)
        yield round(red * 255), round(green * 255), round(blue * 255)


def draw_boxes(picture: Image.Image, boxes: Sequence[LabelledBox]) -> Image.Image:
    """Return a copy of an RGB picture with a frame round each box and its caption on a plate of the same colour.

    Large boxes are drawn first, so that small ones stay visible; captions stay inside the picture.
    """
    from PIL import ImageDraw

    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    width = max(1, round(max(picture.size) / 300))
    font = _load_font(picture.size)
    colours = assign_colours(box.label for box in boxes)
    ordered = sorted(boxes, key=lambda box: -(box.corners[2] - box.corners[0]) * (box.corners[3] - box.corners[1]))
    for box in ordered:
        left, top, right, bottom = box.corners
        edges = (left, top, max(left, right - 1), max(top, bottom - 1))  # Pillow draws the end pixels, too
        pen.rectangle(edges, outline=colours[box.label], width=width)
    plates: list[_Corners] = []  # after all frames, so that none crosses a caption
    for box in ordered:
        _, _, right, bottom = pen.textbbox((0, 0), box.caption, font=font)
        margin = max(1, round(bottom * 0.15))
        plate = _place_plate(box.corners, (right + 2 * margin, bottom + 2 * margin), drawn.size, plates)
        plates.append(plate)
        pen.rectangle(plate, fill=colours[box.label])
        pen.text((plate[0] + margin, plate[1] + margin), box.caption, font=font, fill=_choose_ink(colours[box.label]))
    return drawn


def _place_plate(corners: _Corners, plate: tuple[float, float], size: tuple[int, int], others: Sequence[_Corners]) -> _Corners:
    """Return the corners of a caption's plate: above its box if there is room, else inside, below plates that it would cover.

    Args:
        corners: Corners of the box.
        plate: Width and height of the plate.
        size: Width and height of the picture.
        others: Corners of the plates placed before.
    """
    wide, high = plate
    left = max(0.0, min(corners[0], size[0] - wide))
    top = corners[1] - high if corners[1] >= high else corners[1]
    while True:
        top = min(top, max(0.0, size[1] - high))
        placed = (left, top, left + wide, top + high)
        lowest = top + high >= size[1]
        covered = [other for other in others if _overlap(placed, other)]
        if lowest or not covered:  # at the bottom edge overlapping is accepted
            return placed
        top = max(other[3] for other in covered) + 1


def _overlap(one: _Corners, other: _Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def draw_regions(picture: Image.Image, regions: NDArray[np.int32], colours: Sequence[Colour]) -> Image.Image:
    """Return a copy of an RGB picture under coloured masks, with a thin white line where regions meet.

    Args:
        picture: The result has its size.
        regions: Shape (height, width), any size: each pixel's region number, -1 for none.
        colours: One colour per region.
    """
    import numpy as np
    from PIL import Image

    shades = np.array([*colours, (0, 0, 0)], np.uint8)  # index -1 takes the last, which stays invisible
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
    """Return the picture with a strip of coloured squares and their labels below it; unchanged if there are none."""
    from PIL import Image, ImageDraw

    if not entries:
        return picture
    font = _load_font(picture.size)
    line = round(font.size * 1.6)
    width = max(picture.width, _MIN_LEGEND_WIDTH)
    shown = list(entries.items())[:_MAX_LEGEND_ENTRIES]
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


def _load_font(size: tuple[int, int]) -> Any:
    """Return Pillow's own typeface, in a size that stays readable when the picture is shown at page width."""
    from PIL import ImageFont

    return ImageFont.load_default(size=max(11.0, max(size) / 40))


def _choose_ink(colour: Colour) -> str:
    """Return black or white, whichever is readable on a colour (luminance as in https://www.w3.org/TR/WCAG21/)."""
    red, green, blue = ((value / 255) ** 2.2 for value in colour)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "white"
