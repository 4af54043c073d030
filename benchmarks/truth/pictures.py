"""Measure the truth of what is said of pictures: ``python -m benchmarks.truth.pictures [--show]``.

Textures, drawings, charts, screens and noise, in which nothing is written and of whose kind ImageNet has no class; photographs
of things that it has; writing on photographs, on signs and on pages, upright and turned. All are made by code or come with
packages. It shows what the thresholds of ``experts/bundled/image_classification.py`` and ``text_certainty.py`` are worth.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from hugginggpt.experts.bundled import image_classification, ocr

_MEDIA: Final = Path(__file__).parents[2] / "demos" / "media"
_SIZE: Final = (480, 320)
_INK: Final = (70, 60, 50)
_VERDICTS: Final = ("right", "hedged", "wrong", "invented")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, and what is true of it."""

    part: str
    name: str
    image: Image.Image
    shows: tuple[str, ...] = ()
    """Words of which one names what is seen; empty if ImageNet has no class for it."""
    says: tuple[str, ...] = ()
    """Lines that are written in it, in their order."""


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


def _write_on(image: Image.Image, text: str, size: int, fill: str = "white") -> Image.Image:
    written = image.copy()
    ImageDraw.Draw(written).text((30, image.height - size - 30), text, fill, ImageFont.load_default(size))
    return written


def _make_page(*lines: str) -> Image.Image:
    def draw_lines(draw: ImageDraw.ImageDraw) -> None:
        for number, line in enumerate(lines):
            draw.text((40, 40 + 60 * number), line, "black", ImageFont.load_default(28))

    return _paint(draw_lines)


def _list_samples() -> Iterator[Sample]:
    drawn = (
        _draw_bricks,
        _draw_windows,
        _draw_fence,
        _draw_twigs,
        _draw_keys,
        _draw_house,
        _draw_person,
        _draw_bars,
        _draw_curve,
    )
    for function in drawn:
        yield Sample("nothing", function.__name__, _paint(function))
    for cell in (1, 4, 12):
        yield Sample("nothing", f"noise of {cell} pixels", _make_noise(cell))
    yield Sample("nothing", "wood", _make_wood())
    yield Sample("nothing", "gradient", Image.linear_gradient("L").resize(_SIZE).convert("RGB"))
    yield Sample("nothing", "one colour", Image.new("RGB", _SIZE, "teal"))
    photos = {
        "cat": (_open("cat.jpg"), ("cat",)),
        "coffee": (_open("coffee.jpg"), ("espresso", "cup")),
        "rocket": (_open("rocket.jpg"), ("missile", "projectile")),
        "palace": (Image.fromarray(load_sample_image("china.jpg")), ("palace", "monastery")),
        "flower": (Image.fromarray(load_sample_image("flower.jpg")), ("daisy", "flower")),
    }
    for name, (image, shows) in photos.items():
        yield Sample("photographs", name, image, shows)
        yield Sample("photographs", f"{name}, mirrored", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), shows)
        middle = image.crop((image.width // 6, image.height // 6, image.width * 5 // 6, image.height * 5 // 6))
        yield Sample("photographs", f"{name}, nearer", middle, shows)
    for name, text, size in (("cat", "STOCKPIX", 22), ("coffee", "www.photos.example", 20), ("palace", "© J. Novak 2019", 26)):
        image, shows = photos[name]
        yield Sample("watermarks", f"{name} {text}", _write_on(image, text, size), shows, (text,))
    notice = ("Swimming pool closed", "Monday to Wednesday", "Reopens Thursday at 8:30")
    for turn in (0, 90, 180, 270):
        yield Sample("pages", f"turned by {turn}", _make_page(*notice).rotate(turn, expand=True), (), notice)
    for text in ("221", "EXIT 42", "€3.50", "OK"):
        yield Sample("pages", text, _write_on(Image.new("RGB", _SIZE, "white"), text, 90, "black"), (), (text,))


def _judge(sample: Sample) -> tuple[str, str]:
    """Return the verdict on what is said of a picture, and the words."""
    page, sight = ocr.read_page_text(sample.image), image_classification.look(sample.image)
    said = " / ".join(filter(None, (page.text.replace("\n", " / "), page.doubtful, sight.describe())))
    if page.rows and not sample.says:
        return "invented", said
    if sample.says and page.text.splitlines() != list(sample.says):
        return "hedged" if any(line in page.doubtful for line in sample.says) else "wrong", said
    if sight.is_sure and not any(word in sight.describe() for word in sample.shows) and not sample.says:
        return "wrong", said
    return ("hedged" if sample.shows and not sight.is_sure else "right"), said


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if anything was invented."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth.pictures", description=__doc__)
    parser.add_argument("--show", action="store_true", help="show what isn't right")
    args: Any = parser.parse_args(argv)
    counts: dict[str, Counter[str]] = {}
    for sample in _list_samples():
        verdict, said = _judge(sample)
        counts.setdefault(sample.part, Counter())[verdict] += 1
        if args.show and verdict != "right":
            print(f"  {verdict}: {sample.name}: {said}", file=sys.stderr)
    print(f"{'':<12}" + "".join(f"{verdict:>10}" for verdict in _VERDICTS))
    for part, found in counts.items():
        print(f"{part:<12}" + "".join(f"{found[verdict]:>10}" for verdict in _VERDICTS))
    return int(any(found["invented"] for found in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
