"""What a photograph shows."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hugginggpt.experts.bundled.image_classification import Sight, is_flat
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench

CATS = {"tiger cat", "Egyptian cat", "tabby", "Persian cat", "Siamese cat", "lynx"}


async def test_a_cup_of_espresso_is_called_one(bench: Bench) -> None:
    done = await bench.run("image-classification", image=bench.demo("coffee.jpg"))
    assert done.data["classes"][0]["label"] == "espresso"
    assert done.text.startswith("espresso (")


async def test_a_cat_is_some_kind_of_cat(bench: Bench) -> None:
    done = await bench.run("image-classification", image=bench.demo("cat.jpg"))
    assert {guess["label"] for guess in done.data["classes"][:3]} <= CATS
    assert done.text.startswith("cat (")
    assert done.data["sure"] is True


@pytest.mark.parametrize("name", ["cat.jpg", "coffee.jpg", "rocket.jpg", "invoice.png"])
async def test_scores_are_shares_the_best_first(bench: Bench, name: str) -> None:
    done = await bench.run("image-classification", image=bench.demo(name))
    scores = [guess["score"] for guess in done.data["classes"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0
    assert sum(scores) <= 1.0005


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500)])
async def test_of_the_smallest_pictures_it_is_said_that_nothing_can_be_told(bench: Bench, size: tuple[int, int]) -> None:
    done = await bench.run("image-classification", image=bench.picture(Image.new("RGB", size, "red")))
    assert done.text.startswith("I can't tell what this picture shows; the best guess is ")
    assert done.data["sure"] is False


def draw_house(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon((60, 160, 200, 60, 340, 160), fill="brown")
    draw.rectangle((90, 160, 310, 290), fill="khaki")
    draw.rectangle((170, 210, 220, 290), fill="sienna")


def draw_chart(draw: ImageDraw.ImageDraw) -> None:
    draw.line((20, 20, 20, 280, 380, 280), "black", 2)
    for number, height in enumerate((60, 140, 220, 100)):
        draw.rectangle((50 + number * 80, 280 - height, 100 + number * 80, 280), fill="steelblue")


def draw_bricks(draw: ImageDraw.ImageDraw) -> None:
    for top in range(0, 300, 20):
        for left in range(top % 40 - 40, 400, 42):
            draw.rectangle((left, top, left + 39, top + 17), fill=(150, 70, 50))


def draw_text(draw: ImageDraw.ImageDraw) -> None:
    for line in range(9):
        draw.text((20, 20 + 30 * line), "the quick brown fox jumps", fill="black", font=ImageFont.load_default(22))


def draw_nothing(draw: ImageDraw.ImageDraw) -> None:
    del draw


@pytest.mark.parametrize("paint", [draw_house, draw_chart, draw_bricks, draw_text, draw_nothing])
async def test_what_is_no_photograph_of_a_thing_is_not_called_one(
    bench: Bench, paint: Callable[[ImageDraw.ImageDraw], None]
) -> None:
    image = Image.new("RGB", (400, 300), "white")
    paint(ImageDraw.Draw(image))
    done = await bench.run("image-classification", image=bench.picture(image))
    assert done.text.startswith("I can't tell what this picture shows")


@pytest.mark.parametrize(("cell", "side"), [(1, 384), (4, 384), (4, 480), (12, 384)])
async def test_noise_is_nothing(bench: Bench, cell: int, side: int) -> None:
    values = np.random.default_rng(cell).integers(0, 255, (side // cell, side // cell, 3), dtype=np.uint8)
    noise = Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC)
    assert (await bench.run("image-classification", image=bench.picture(noise))).data["sure"] is False


async def test_of_a_picture_smaller_than_the_classifier_looks_at_much_is_asked(bench: Bench) -> None:
    with Image.open(MEDIA / "rocket.jpg") as image:
        small = image.resize((160, 106))  # "drilling platform", 74 %
    assert (await bench.run("image-classification", image=bench.picture(small))).data["sure"] is False


@pytest.mark.parametrize("quality", [95, 75, 50])
@pytest.mark.parametrize("name", ["cat.jpg", "coffee.jpg", "rocket.jpg"])
def test_a_photograph_is_not_flat_however_it_was_compressed(name: str, quality: int) -> None:
    compressed = io.BytesIO()
    with Image.open(MEDIA / name) as image:
        image.save(compressed, "JPEG", quality=quality)
    with Image.open(compressed) as image:
        assert not is_flat(image.convert("RGB"))


@pytest.mark.parametrize("paint", [draw_house, draw_chart, draw_text, draw_nothing])
def test_a_drawing_is_flat_also_as_a_jpeg(paint: Callable[[ImageDraw.ImageDraw], None]) -> None:
    compressed, image = io.BytesIO(), Image.new("RGB", (400, 300), "white")
    paint(ImageDraw.Draw(image))
    image.save(compressed, "JPEG", quality=75)
    with Image.open(compressed) as image:
        assert is_flat(image)


def make_sight(*guesses: tuple[str, float], group: str = "", group_score: float = 0.0, unclear: bool = False) -> Sight:
    return Sight(tuple({"label": label, "score": score} for label, score in guesses), group, group_score, unclear)


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (make_sight(("cup", 0.95), ("impala", 0.003)), "cup (95%)."),
        (make_sight(("cup", 0.4), ("vase", 0.3), ("impala", 0.02)), "cup (40%); less likely vase (30%)."),
        (
            make_sight(("tabby", 0.4), ("lynx", 0.3), ("cup", 0.02), group="cat", group_score=0.7),
            "cat (70%), perhaps tabby (40%) or lynx (30%).",
        ),
        (make_sight(("tabby", 0.2), ("cup", 0.02), group="cat", group_score=0.65), "cat (65%), perhaps tabby (20%)."),
        (
            make_sight(("tabby", 0.2), ("cup", 0.02), group="cat", group_score=0.5),
            "I can't tell what this picture shows; the best guess is cat (50%).",
        ),
        (make_sight(("lion", 0.9), ("cup", 0.02), group="wild cat", group_score=0.93), "lion (90%), a wild cat."),
        (make_sight(("Siamese cat", 0.9), group="cat", group_score=0.93), "Siamese cat (90%)."),
        (make_sight(("nematode", 0.01)), "I can't tell what this picture shows; the best guess is nematode (1%)."),
        (
            make_sight(("web site", 0.7), unclear=True),
            "I can't tell what this picture shows; the best guess is web site (70%).",
        ),
    ],
)
def test_what_is_said_depends_on_the_score(sight: Sight, said: str) -> None:
    assert sight.describe() == said
