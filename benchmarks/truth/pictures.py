"""Pictures with known contents: textures and drawings in which nothing is written, photographs, writing, pages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageStat
from sklearn.datasets import load_sample_image

_MEDIA: Final = Path(__file__).parents[2] / "demos" / "media"
_SIZE: Final = (480, 320)
_INK: Final = (70, 60, 50)
_MARGIN: Final = 40
_COLUMN: Final = 240
_LINE: Final = 24
_BIG_LINE: Final = 44
"""Sizes in pixels."""


def make_picture(of: str, change: str = "", text: str = "", size: int = 24, turn: int = 0) -> Image.Image:
    """Return one of the pictures or photographs, changed, with a text on it, turned counter-clockwise by some degrees."""
    image = _PICTURES[of]()
    if change:
        image = _CHANGES[change](image)
    if text:
        image = _write_on(image, text, size)
    return image.rotate(turn, expand=True)


def draw_page(rows: Sequence[str | Sequence[str] | Mapping[str, str]], turn: float = 0) -> Image.Image:
    """Draw a page in black on white; a row is one text, several in columns, or `{big: TEXT}`."""
    columns = max(len(row) if isinstance(row, list) else 1 for row in rows)
    size = (2 * _MARGIN + max(3, columns) * _COLUMN, 2 * _MARGIN + 2 * _LINE * len(rows) + _BIG_LINE)
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    top = _MARGIN
    for row in rows:
        height = _BIG_LINE if isinstance(row, Mapping) else _LINE
        cells = [row["big"]] if isinstance(row, Mapping) else [row] if isinstance(row, str) else row
        for column, cell in enumerate(cells):
            draw.text((_MARGIN + column * _COLUMN, top), cell, "black", ImageFont.load_default(height))
        top += round(1.7 * height)
    return page.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def save(path: Path, images: Sequence[Image.Image]) -> None:
    """Write pictures as pages of one file, in the format that its name says."""
    if path.suffix == ".heic":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    first, *others = images
    if others:
        first.save(path, save_all=True, append_images=others)
    else:
        first.save(path)


def _paint(draw_on: Callable[[ImageDraw.ImageDraw], None], background: str = "white") -> Image.Image:
    image = Image.new("RGB", _SIZE, background)
    draw_on(ImageDraw.Draw(image))
    return image


def _draw_bricks(draw: ImageDraw.ImageDraw) -> None:
    for top in range(0, 320, 20):
        for left in range(top % 40 - 40, 480, 42):
            draw.rectangle((left, top, left + 39, top + 17), fill=(150, 70, 50))


def _draw_windows(draw: ImageDraw.ImageDraw) -> None:
    for top in range(20, 300, 36):
        for left in range(20, 460, 28):
            draw.rectangle((left, top, left + 12, top + 20), fill=(40, 50, 70))


def _draw_fence(draw: ImageDraw.ImageDraw) -> None:
    for left in range(0, 480, 16):
        draw.rectangle((left, 80, left + 9, 320), fill=(140, 100, 60))


def _draw_twigs(draw: ImageDraw.ImageDraw) -> None:
    points = np.random.default_rng(5).integers(0, 480, (40, 6))
    for x, y, *moves in points.tolist():
        draw.line([(x, y), (x + moves[0] // 8, y - moves[1] // 8), (x - moves[2] // 8, y + moves[3] // 8)], _INK, 2)


def _draw_keys(draw: ImageDraw.ImageDraw) -> None:
    for top in range(30, 290, 44):
        for left in range(20, 450, 44):
            draw.rounded_rectangle((left, top, left + 36, top + 36), 5, fill=(60, 60, 60), outline=(90, 90, 90))


def _draw_house(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon((100, 160, 240, 60, 380, 160), fill="brown")
    draw.rectangle((130, 160, 350, 290), fill="khaki")
    draw.rectangle((210, 210, 260, 290), fill="sienna")


def _draw_person(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((200, 30, 280, 110), outline="black", width=4)
    for line in ((240, 110, 240, 220), (170, 150, 310, 150), (240, 220, 190, 300), (240, 220, 290, 300)):
        draw.line(line, "black", 4)


def _draw_bars(draw: ImageDraw.ImageDraw) -> None:
    for number, height in enumerate((60, 140, 220, 100, 180)):
        draw.rectangle((60 + number * 80, 300 - height, 110 + number * 80, 300), fill="steelblue")


def _draw_curve(draw: ImageDraw.ImageDraw) -> None:
    draw.line([(x, 160 + round(80 * np.sin(x / 60))) for x in range(20, 460, 10)], "blue", 3)
    draw.line((20, 20, 20, 300, 460, 300), "black", 2)


def _make_noise(cell: int) -> Image.Image:
    values = np.random.default_rng(cell).integers(0, 255, (480 // cell, 480 // cell, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((480, 480), Image.Resampling.BICUBIC)


def _make_wood() -> Image.Image:
    y, x = np.mgrid[0:320, 0:480]
    grain = 120 + 50 * np.sin((y + 10 * np.sin(x / 40)) / 4) + np.random.default_rng(2).normal(0, 8, (320, 480))
    return Image.fromarray(np.stack([grain, grain * 0.7, grain * 0.4], axis=-1).clip(0, 255).astype(np.uint8))


def _open(name: str) -> Image.Image:
    with Image.open(_MEDIA / name) as image:
        return image.convert("RGB")


def _write_on(image: Image.Image, text: str, size: int) -> Image.Image:
    written = image.copy()
    draw, font, place = ImageDraw.Draw(written), ImageFont.load_default(size), (30, image.height - size - 30)
    box = draw.textbbox(place, text, font=font)
    is_bright = ImageStat.Stat(written.convert("L").crop((int(box[0]), int(box[1]), int(box[2]), int(box[3])))).mean[0] > 160
    draw.text(place, text, "black" if is_bright else "white", font)
    return written


def _crop_middle(image: Image.Image) -> Image.Image:
    return image.crop((image.width // 6, image.height // 6, image.width * 5 // 6, image.height * 5 // 6))


_CHANGES: Final[Mapping[str, Callable[[Image.Image], Image.Image]]] = {
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "nearer": _crop_middle,
    "grey": lambda image: image.convert("L").convert("RGB"),
    "small": lambda image: image.resize((image.width // 4, image.height // 4)),
}
_PICTURES: Final[Mapping[str, Callable[[], Image.Image]]] = {
    **{
        name: functools.partial(_paint, draw)
        for name, draw in {
            "bricks": _draw_bricks,
            "windows": _draw_windows,
            "fence": _draw_fence,
            "twigs": _draw_twigs,
            "keys": _draw_keys,
            "house": _draw_house,
            "person": _draw_person,
            "bars": _draw_bars,
            "curve": _draw_curve,
        }.items()
    },
    **{f"noise of {cell} pixels": functools.partial(_make_noise, cell) for cell in (1, 4, 12)},
    "wood": _make_wood,
    "gradient": lambda: Image.linear_gradient("L").resize(_SIZE).convert("RGB"),
    "teal": lambda: Image.new("RGB", _SIZE, "teal"),
    "white": lambda: Image.new("RGB", _SIZE, "white"),
    "cat": lambda: _open("cat.jpg"),
    "coffee": lambda: _open("coffee.jpg"),
    "rocket": lambda: _open("rocket.jpg"),
    "palace": lambda: Image.fromarray(load_sample_image("china.jpg")),
    "flower": lambda: Image.fromarray(load_sample_image("flower.jpg")),
}
