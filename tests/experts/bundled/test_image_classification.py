"""What a photograph shows."""

import pytest
from PIL import Image

from hugginggpt.experts.bundled.image_classification import describe_guesses
from tests.experts.bundled.conftest import Bench

CATS = {"tiger cat", "Egyptian cat", "tabby", "Persian cat", "Siamese cat", "lynx"}


async def test_a_cup_of_espresso_is_called_one(bench: Bench) -> None:
    done = await bench.run("image-classification", image=bench.demo("coffee.jpg"))
    assert done.data["classes"][0]["label"] == "espresso"
    assert done.text.startswith("espresso (")


async def test_a_cat_is_some_kind_of_cat(bench: Bench) -> None:
    done = await bench.run("image-classification", image=bench.demo("cat.jpg"))
    assert {guess["label"] for guess in done.data["classes"][:3]} <= CATS


@pytest.mark.parametrize("name", ["cat.jpg", "coffee.jpg", "rocket.jpg", "invoice.png"])
async def test_scores_are_shares_the_best_first(bench: Bench, name: str) -> None:
    done = await bench.run("image-classification", image=bench.demo(name))
    scores = [guess["score"] for guess in done.data["classes"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0
    assert sum(scores) <= 1.0005


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500)])
async def test_the_smallest_pictures_get_a_guess_that_admits_doubt(bench: Bench, size: tuple[int, int]) -> None:
    done = await bench.run("image-classification", image=bench.picture(Image.new("RGB", size, "red")))
    assert done.text.startswith("perhaps ")
    assert done.text.endswith("; not sure.")


def test_a_low_score_is_called_a_guess() -> None:
    guesses = [{"label": label, "score": score} for label, score in (("tabby", 0.29), ("lynx", 0.2), ("cup", 0.1))]
    assert describe_guesses(guesses) == "perhaps tabby (29%), lynx (20%), cup (10%); not sure."
    guesses[0]["score"] = 0.3
    assert describe_guesses(guesses) == "tabby (30%); less likely lynx (20%), cup (10%)."
