"""Make the drawn and synthesised demo files in ``demos/media``.

Draws ``invoice.png``, ``example.jpg`` and ``sign.jpg``, speaks
``complaint.wav``, mixes ``noisy-speech.wav`` from ``speech.flac`` and films
``clip.mp4`` from ``cat.jpg``. The photographs and ``speech.flac`` come from
elsewhere (see ``media/LICENCES.md``) and are only read.

Run it with ``python demos/make_media.py``. It needs pillow, numpy, soundfile,
hibari-tts and imageio-ffmpeg; the letters come from the font inside Pillow.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import soundfile
from hibari import Hibari
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

MEDIA = Path(__file__).resolve().parent / "media"

Colour = tuple[int, int, int]
Point = tuple[float, float]
Floats = npt.NDArray[np.float64]

INK: Colour = (31, 41, 51)
GREY: Colour = (107, 118, 130)
RULE: Colour = (217, 222, 228)
PAPER: Colour = (255, 255, 255)
ACCENT: Colour = (22, 94, 90)
PALE: Colour = (236, 244, 243)


def font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own scalable font at the given size."""
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size=size))


# --------------------------------------------------------------------------
# The invoice
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One line of the invoice; the price is in cents."""

    name: str
    note: str
    count: int
    price: int

    @property
    def amount(self) -> int:
        return self.count * self.price


ITEMS = (
    Item("Oak reading desk", "120 x 60 cm, oiled", 2, 28900),
    Item("Brass desk lamp", "with linen shade", 4, 6450),
    Item("Felt chair pad", "charcoal, round", 6, 1857),
    Item("Delivery and assembly", "within 40 km", 1, 12300),
)
VAT_PERCENT = 20


def money(cents: int) -> str:
    """Cents as a sum of dollars."""
    return f"${cents / 100:,.2f}"


class Sheet:
    """A page measured in its final pixels and drawn several times as large."""

    FACTOR = 3

    def __init__(self, width: int, height: int, paper: Colour) -> None:
        self.size = (width, height)
        big = (width * self.FACTOR, height * self.FACTOR)
        self.image = Image.new("RGB", big, paper)
        self.pen = ImageDraw.Draw(self.image)

    def text(self, at: Point, text: str, size: float, colour: Colour = INK, anchor: str = "ls", bold: bool = False) -> None:
        """Write a line; the anchor is Pillow's, by default left on the baseline."""
        weight = round(size * self.FACTOR / 42) if bold else 0
        self.pen.text(
            (at[0] * self.FACTOR, at[1] * self.FACTOR),
            text,
            fill=colour,
            font=font(size * self.FACTOR),
            anchor=anchor,
            stroke_width=weight,
            stroke_fill=colour,
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, radius: float = 0) -> None:
        """Fill a rectangle, with round corners if asked."""
        edges = [value * self.FACTOR for value in (left, top, right, bottom)]
        self.pen.rounded_rectangle(edges, radius * self.FACTOR, fill=colour)

    def finish(self) -> Image.Image:
        """The page at its final size."""
        return self.image.resize(self.size, Image.Resampling.LANCZOS)


def draw_logo(sheet: Sheet, left: float, top: float) -> None:
    """A small tree on a rounded tile."""
    sheet.box(left, top, left + 56, top + 56, ACCENT, radius=12)
    factor = sheet.FACTOR
    for peak, base, half in ((10, 27, 10), (18, 36, 14), (26, 45, 18)):
        corners = [(left + 28, top + peak), (left + 28 - half, top + base), (left + 28 + half, top + base)]
        sheet.pen.polygon([(x * factor, y * factor) for x, y in corners], fill=PAPER)
    sheet.box(left + 26, top + 44, left + 30, top + 50, PAPER)


def draw_heading(sheet: Sheet) -> None:
    """The sender and the title."""
    sheet.box(0, 0, 880, 10, ACCENT)
    draw_logo(sheet, 64, 58)
    sheet.text((136, 84), "Willowmere Joinery", 25, bold=True)
    sheet.text((136, 108), "Furniture made to be read at", 14.5, GREY)
    sheet.text((816, 96), "INVOICE", 42, ACCENT, anchor="rs", bold=True)
    sender = ("14 Tanner's Yard, Eastbrook", "accounts@willowmere.example", "VAT no. WJ 4471 902")
    for row, line in enumerate(sender):
        sheet.text((64, 158 + 22 * row), line, 14.5, GREY)


def draw_parties(sheet: Sheet) -> None:
    """Whom it is for, its number and its dates."""
    sheet.box(64, 236, 816, 376, PALE, radius=10)
    sheet.text((88, 268), "BILL TO", 13, ACCENT, bold=True)
    sheet.text((88, 296), "Maren Oduya", 18, bold=True)
    sheet.text((88, 322), "Lantern Street Reading Room", 15.5)
    sheet.text((88, 346), "8 Lantern Street, Port Alder", 15.5)
    sheet.text((792, 282), "Invoice No. 20417", 22, anchor="rs", bold=True)
    facts = (("Date", "14 March 2025"), ("Payment due", "13 April 2025"))
    for row, (label, value) in enumerate(facts):
        base = 318 + 28 * row
        sheet.text((652, base), label, 15.5, GREY, anchor="rs")
        sheet.text((792, base), value, 15.5, anchor="rs")


def draw_items(sheet: Sheet) -> None:
    """The table of goods."""
    columns = (540.0, 672.0, 792.0)
    sheet.box(64, 412, 816, 452, ACCENT, radius=6)
    sheet.text((88, 438), "Description", 15.5, PAPER, bold=True)
    for right, title in zip(columns, ("Quantity", "Unit price", "Amount"), strict=True):
        sheet.text((right, 438), title, 15.5, PAPER, anchor="rs", bold=True)
    for row, item in enumerate(ITEMS):
        base = 484 + 66 * row
        sheet.text((88, base), item.name, 17)
        sheet.text((88, base + 22), item.note, 13.5, GREY)
        values = (str(item.count), money(item.price), money(item.amount))
        for right, value in zip(columns, values, strict=True):
            sheet.text((right, base + 8), value, 17, anchor="rs")
        sheet.box(64, base + 37, 816, base + 38, RULE)


def draw_totals(sheet: Sheet) -> None:
    """Subtotal, tax and the sum to pay."""
    subtotal = sum(item.amount for item in ITEMS)
    vat = round(subtotal * VAT_PERCENT / 100)
    rows = (("Subtotal", money(subtotal)), (f"VAT {VAT_PERCENT}%", money(vat)))
    for row, (label, value) in enumerate(rows):
        base = 764 + 32 * row
        sheet.text((532, base), label, 17, GREY)
        sheet.text((792, base), value, 17, anchor="rs")
    sheet.box(508, 820, 816, 876, ACCENT, radius=8)
    sheet.text((532, 856), "Total due", 21, PAPER)
    sheet.text((792, 856), money(subtotal + vat), 22, PAPER, anchor="rs", bold=True)


def draw_footer(sheet: Sheet) -> None:
    """How to pay, and thanks."""
    sheet.text((64, 764), "How to pay", 15.5, ACCENT, bold=True)
    lines = ("Bank transfer to Eastbrook Savings", "Account 0072 5518 30", "Please quote 20417 with your payment.")
    for row, line in enumerate(lines):
        sheet.text((64, 792 + 24 * row), line, 14.5)
    sheet.box(64, 926, 816, 927, RULE)
    sheet.text((440, 962), "Thank you for sitting at our tables.", 15.5, GREY, anchor="ms")


def make_invoice() -> None:
    """Draw the invoice; save it as PNG and as JPEG."""
    sheet = Sheet(880, 1000, PAPER)
    for part in (draw_heading, draw_parties, draw_items, draw_totals, draw_footer):
        part(sheet)
    page = sheet.finish()
    page.quantize(64, dither=Image.Dither.NONE).save(MEDIA / "invoice.png", optimize=True)
    page.save(MEDIA / "example.jpg", quality=92, subsampling=0, optimize=True)


# --------------------------------------------------------------------------
# The beach sign
# --------------------------------------------------------------------------

WIDE, HIGH = 800, 600
HORIZON, SHORE = 268, 372
BOARD = (420, 330)
CORNERS: tuple[Point, ...] = ((208, 92), (604, 122), (600, 398), (210, 424))


def cloud_noise(rng: np.random.Generator, size: tuple[int, int], cell: tuple[float, float], octaves: int) -> Floats:
    """Soft noise from 0 to 1: grids of ever finer cells, added up."""
    wide, high = size
    total = np.zeros((high, wide))
    for octave in range(octaves):
        scale = 2.0**octave
        across = max(2, round(wide * scale / cell[0]))
        down = max(2, round(high * scale / cell[1]))
        grid = Image.fromarray(rng.random((down, across)).astype(np.float32))
        total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC)) / scale
    low, peak = float(total.min()), float(total.max())
    return (total - low) / (peak - low)


def blend(low: Colour, high: Colour, amount: Floats) -> Floats:
    """Mix two colours pixel by pixel."""
    share = np.clip(amount, 0, 1)[..., None]
    return np.array(low) * (1 - share) + np.array(high) * share


def to_image(pixels: Floats) -> Image.Image:
    """Floating-point pixels as a picture."""
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def sky(rng: np.random.Generator) -> Floats:
    """Evening sky with thin clouds."""
    fade = np.linspace(0, 1, HORIZON)[:, None].repeat(WIDE, axis=1)
    clear = blend((104, 152, 196), (244, 214, 184), fade**1.25)
    cover = np.clip(cloud_noise(rng, (WIDE, HORIZON), (330, 110), 5) - 0.48, 0, 1) * 2.1
    return clear + (np.array((252, 240, 228)) - clear) * np.clip(cover, 0, 0.85)[..., None]


def sea(rng: np.random.Generator) -> Floats:
    """Water with waves that grow towards the shore."""
    high = SHORE - HORIZON
    depth = np.linspace(0, 1, high)[:, None].repeat(WIDE, axis=1)
    water = blend((88, 124, 146), (104, 152, 154), depth)
    ripples = cloud_noise(rng, (WIDE, high), (140, 9), 4)
    water += ((ripples - 0.5) * (24 + 46 * depth))[..., None]
    lines = np.arange(high)[:, None] + 14 * (cloud_noise(rng, (WIDE, high), (420, 260), 3) - 0.5)
    for row, strength in ((58, 0.5), (88, 0.9), (101, 1.0)):
        foam = np.exp(-(((lines - row) / (1.2 + 3.2 * row / high)) ** 2)) * strength
        foam *= 0.35 + 0.9 * cloud_noise(rng, (WIDE, high), (60, 12), 3)
        water += (np.array((248, 246, 240)) - water) * np.clip(foam, 0, 0.92)[..., None]
    return water


def sand(rng: np.random.Generator) -> Floats:
    """Sand, wet and dark at the water's edge."""
    high = HIGH - SHORE
    near = np.linspace(0, 1, high)[:, None].repeat(WIDE, axis=1)
    grains = blend((196, 168, 128), (226, 200, 158), near)
    dunes = cloud_noise(rng, (WIDE, high), (260, 60), 5) - 0.5
    grains += (dunes * 58)[..., None] + rng.normal(0, 7, (high, WIDE, 1)) * (0.4 + near[..., None])
    edge = np.clip(1 - near * 5 + dunes * 0.6, 0, 1)
    return grains * (1 - 0.3 * edge[..., None])


def draw_grass(picture: Image.Image, rng: np.random.Generator) -> None:
    """Tufts of beach grass in both lower corners."""
    pen = ImageDraw.Draw(picture)
    for centre, spread, blades in ((60, 75, 260), (730, 85, 300)):
        for _ in range(blades):
            foot = rng.normal(centre, spread * 0.55)
            rise = abs(rng.normal(95, 38)) * math.exp(-(((foot - centre) / spread) ** 2))
            lean = rng.normal(16, 26)
            steps = [step / 8 for step in range(9)]
            blade = [(foot + lean * t * t, HIGH + 6 - rise * t * (1.25 - 0.25 * t)) for t in steps]
            shade = rng.uniform(0.55, 1.1)
            tint = (int(128 * shade), int(134 * shade), int(78 * shade))
            pen.line(blade, fill=tint, width=int(rng.integers(1, 4)), joint="curve")


def scenery(rng: np.random.Generator) -> Image.Image:
    """The beach behind the sign, a little out of focus."""
    picture = to_image(np.vstack((sky(rng), sea(rng), sand(rng))))
    far = picture.filter(ImageFilter.GaussianBlur(2.4))
    near = picture.filter(ImageFilter.GaussianBlur(0.9))
    ramp = np.clip((np.arange(HIGH) - SHORE) / 150, 0, 1)[:, None].repeat(WIDE, axis=1)
    return Image.composite(near, far, to_image(ramp * 255))


def draw_swimmer(pen: ImageDraw.ImageDraw, centre: Point, radius: float) -> None:
    """A 'no swimming' pictogram: a swimmer over waves, crossed out."""
    x, y = centre
    black, red = (36, 36, 38), (190, 30, 38)
    head = radius * 0.17
    pen.circle((x + radius * 0.2, y - radius * 0.28), head, fill=black)
    body = [(x - radius * 0.5, y + radius * 0.1), (x - radius * 0.12, y - radius * 0.3), (x + radius * 0.2, y + radius * 0.08)]
    pen.line(body, fill=black, width=round(radius * 0.17), joint="curve")
    for row in (0.28, 0.5):
        span = [step / 20 - 1 for step in range(41)]
        wave = [(x + radius * 0.6 * t, y + radius * (row + 0.07 * math.sin(t * 9))) for t in span]
        pen.line(wave, fill=black, width=round(radius * 0.11), joint="curve")
    slash = radius * 0.66
    pen.line((x - slash, y - slash, x + slash, y + slash), fill=red, width=round(radius * 0.17))
    pen.circle(centre, radius, outline=red, width=round(radius * 0.19))


def letter_board(scale: int) -> Image.Image:
    """The clean face of the sign, transparent outside its round corners."""
    wide, high = BOARD[0] * scale, BOARD[1] * scale
    board = Image.new("RGBA", (wide, high), (0, 0, 0, 0))
    pen = ImageDraw.Draw(board)
    red, white = (190, 30, 38), (243, 241, 234)
    pen.rounded_rectangle((0, 0, wide - 1, high - 1), 22 * scale, fill=white)
    edges = (9 * scale, 9 * scale, wide - 9 * scale, high - 9 * scale)
    pen.rounded_rectangle(edges, 15 * scale, outline=red, width=5 * scale)
    pen.rounded_rectangle((9 * scale, 9 * scale, wide - 9 * scale, 118 * scale), 15 * scale, fill=red)
    pen.rectangle((9 * scale, 90 * scale, wide - 9 * scale, 118 * scale), fill=red)
    lines = ((210, 64, "BEACH CLOSED", 50, white), (264, 184, "NO SWIMMING", 34, INK), (264, 254, "AFTER  6 PM", 41, INK))
    for x, y, text, size, colour in lines:
        weight = round(size * scale / 26)
        pen.text((x * scale, y * scale), text, fill=colour, font=font(size * scale), anchor="mm", stroke_width=weight)
    draw_swimmer(pen, (83 * scale, 218 * scale), 54 * scale)
    for x, y in ((26, 26), (394, 26), (26, 304), (394, 304)):
        spot = (x * scale, y * scale)
        pen.circle(spot, 5 * scale, fill=(120, 122, 126))
        pen.circle((spot[0] - scale, spot[1] - scale), 2.6 * scale, fill=(206, 208, 210))
    return board


def weather(board: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Dirt, rust runs and evening light on the face of the sign."""
    pixels = np.asarray(board.convert("RGB")).astype(np.float64)
    size = board.size
    dirt = np.clip(cloud_noise(rng, size, (size[0] / 3, size[1] / 3), 6) - 0.45, 0, 1)
    runs = np.clip(cloud_noise(rng, size, (size[0] / 38, size[1] * 1.4), 3) - 0.55, 0, 1)
    stain = np.clip(dirt * 0.42 + runs * 0.5, 0, 0.4)[..., None]
    pixels += (np.array((128, 108, 84)) - pixels) * stain
    light = np.linspace(1.03, 0.84, size[0])[None, :, None] * np.linspace(1.02, 0.93, size[1])[:, None, None]
    worn = to_image(pixels * light * np.array((1.0, 0.98, 0.93)))
    worn.putalpha(board.getchannel("A"))
    return worn


def perspective(source: Sequence[Point], target: Sequence[Point]) -> list[float]:
    """Coefficients that map the target's corners back to the source's."""
    rows: list[list[float]] = []
    for (u, v), (x, y) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    answer = np.linalg.solve(np.array(rows), np.array(source).reshape(-1))
    return [float(value) for value in answer]


def hang(board: Image.Image) -> Image.Image:
    """The board seen from a little to its left, on an empty canvas."""
    wide, high = board.size
    corners = [(0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high)]
    scale = 2  # drawn large, then shrunk: smoother edges
    target = [(x * scale, y * scale) for x, y in CORNERS]
    shape = (WIDE * scale, HIGH * scale)
    seen = board.transform(shape, Image.Transform.PERSPECTIVE, perspective(corners, target), Image.Resampling.BICUBIC)
    return seen.resize((WIDE, HIGH), Image.Resampling.LANCZOS)


def draw_post(picture: Image.Image, rng: np.random.Generator, left: int, top: int, foot: int, wide: int) -> None:
    """A round wooden post, with its shadow on the sand."""
    shadow = Image.new("L", picture.size, 0)
    reach = [(left, foot), (left + wide, foot + 4), (left + wide + 190, foot + 58), (left + 178, foot + 60)]
    ImageDraw.Draw(shadow).polygon(reach, fill=115)
    picture.paste((70, 54, 40), mask=shadow.filter(ImageFilter.GaussianBlur(5)))
    high = foot - top
    across = np.linspace(-1, 1, wide)[None, :].repeat(high, axis=0)
    shade = 0.55 + 0.5 * np.sqrt(np.clip(1 - (across + 0.35) ** 2 / 1.9, 0, 1))
    grain = cloud_noise(rng, (wide, high), (5, 170), 4) - 0.5
    wood = (np.array((150, 122, 92)) + (grain * 62)[..., None]) * shade[..., None]
    mask = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, wide - 1, high + 9), 7, fill=255)
    picture.paste(to_image(wood), (left, top), mask.filter(ImageFilter.GaussianBlur(0.6)))
    drift = Image.new("L", picture.size, 0)
    ImageDraw.Draw(drift).ellipse((left - 20, foot - 6, left + wide + 16, foot + 12), fill=235)
    picture.paste((207, 180, 140), mask=drift.filter(ImageFilter.GaussianBlur(5)))


def cast_shadow(picture: Image.Image, sign: Image.Image) -> None:
    """The board's soft shadow on what is right behind it."""
    shape = ImageChops.offset(sign.getchannel("A"), 7, 9).filter(ImageFilter.GaussianBlur(6))
    picture.paste((40, 34, 30), mask=shape.point([value * 2 // 5 for value in range(256)]))


def develop(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Camera faults: a touch of blur, dark corners and grain."""
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.85))).astype(np.float64)
    down, across = np.mgrid[-1 : 1 : HIGH * 1j, -1 : 1 : WIDE * 1j]
    pixels *= (1 - 0.13 * (down**2 + across**2))[..., None]
    pixels += rng.normal(0, 4.5, (HIGH, WIDE, 1)) + rng.normal(0, 2.0, (HIGH, WIDE, 3))
    return to_image(pixels)


def make_sign() -> None:
    """Draw the beach with its sign."""
    rng = np.random.default_rng(7)
    picture = scenery(rng)
    draw_post(picture, rng, 268, 66, 512, 27)
    draw_post(picture, rng, 520, 88, 496, 25)
    sign = hang(weather(letter_board(3), rng))
    cast_shadow(picture, sign)
    picture.paste(sign, mask=sign)
    draw_grass(picture, rng)
    develop(picture, rng).save(MEDIA / "sign.jpg", quality=82, optimize=True)


# --------------------------------------------------------------------------
# Sounds
# --------------------------------------------------------------------------

COMPLAINT = "The blender I ordered arrived broken and nobody answers my calls. I am very disappointed."
NOISE_DB = 10.0
"""How far the speech stands above the noise: plainly noisy, and still right once it is cleaned."""


def make_complaint() -> None:
    """Speak the unhappy customer's message."""
    Hibari().save(COMPLAINT, str(MEDIA / "complaint.wav"), seed=0)


def room_noise(rng: np.random.Generator, count: int, rate: int) -> Floats:
    """Fan noise: hiss that falls off with pitch, and a hum."""
    pitch = np.fft.rfftfreq(count, 1 / rate)
    spectrum = np.fft.rfft(rng.normal(size=count)) / np.sqrt(np.maximum(pitch, 60))
    hiss = np.fft.irfft(spectrum, count)
    seconds = np.arange(count) / rate
    hum = sum(np.sin(2 * np.pi * 100 * k * seconds) / k for k in (1, 2, 3))
    return cast(Floats, hiss / hiss.std() + hum)


def make_noisy_speech() -> None:
    """Mix the speech with noise so that the speech is `NOISE_DB` the louder."""
    speech, rate = soundfile.read(MEDIA / "speech.flac")
    noise = room_noise(np.random.default_rng(4), len(speech), rate)
    noise *= speech.std() / noise.std() / 10 ** (NOISE_DB / 20)
    mixed = speech + noise
    mixed *= 0.9 / np.abs(mixed).max()
    soundfile.write(MEDIA / "noisy-speech.wav", mixed, rate, subtype="PCM_16")


# --------------------------------------------------------------------------
# The video
# --------------------------------------------------------------------------

CLIP = (480, 360)
RATE = 24
SECONDS = 3


def pan(photo: Image.Image) -> Iterator[bytes]:
    """Frames of a slow pan with a slight zoom over a photograph."""
    count = RATE * SECONDS
    for index in range(count):
        done = (1 - math.cos(math.pi * index / (count - 1))) / 2
        high = photo.height * (0.96 - 0.14 * done)
        wide = high * CLIP[0] / CLIP[1]
        left = (photo.width - wide) * (0.05 + 0.55 * done)
        top = (photo.height - high) * 0.75
        frame = photo.resize(CLIP, Image.Resampling.BICUBIC, (left, top, left + wide, top + high))
        yield frame.tobytes()


def make_clip() -> None:
    """Film the cat."""
    photo = Image.open(MEDIA / "cat.jpg").convert("RGB")
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{CLIP[0]}x{CLIP[1]}", "-r", str(RATE), "-i", "-", "-c:v", "libx264"]
    command += ["-preset", "slow", "-crf", "26", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    command += ["-map_metadata", "-1", str(MEDIA / "clip.mp4")]
    subprocess.run(command, input=b"".join(pan(photo)), check=True)


def main() -> None:
    """Make every file and say so."""
    for make in (make_invoice, make_sign, make_complaint, make_noisy_speech, make_clip):
        make()
        print(f"{make.__name__}: done")


if __name__ == "__main__":
    main()
