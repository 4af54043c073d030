"""Classes of a picture."""

import pytest

from tests.checkpoints.pictures import LABELS
from tests.experts.local.conftest import LocalBench

MODEL = "tiny/vit"


async def test_a_picture_gets_labels_of_the_model_the_likeliest_first(local: LocalBench) -> None:
    done = await local.run("image-classification", MODEL, image=local.demo("cat.jpg"))
    classes = done.data["classes"]
    assert len(classes) == 5
    assert {entry["label"] for entry in classes} <= set(LABELS.values())
    scores = [entry["score"] for entry in classes]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert done.text.startswith(f"{classes[0]['label']} (")


async def test_several_pictures_go_through_the_model_together_and_mean_what_each_means_alone(local: LocalBench) -> None:
    names = ("cat.jpg", "coffee.jpg", "sign.jpg")
    calls = [local.call("image-classification", MODEL, image=local.demo(name)) for name in names]
    together = await local.run_all(calls)
    alone = [await local.run("image-classification", MODEL, image=local.demo(name)) for name in names]
    for one, other in zip(together, alone, strict=True):
        assert [entry["score"] for entry in one.data["classes"]] == pytest.approx(
            [entry["score"] for entry in other.data["classes"]], abs=1e-3
        )
