"""Classes of a picture, and the labels that a person gives."""

from pathlib import Path

import pytest
from PIL import Image

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


@pytest.mark.parametrize("model", ["tiny/swin", "tiny/resnet", "tiny/convnext", "tiny/mobilenet", "tiny/efficientnet"])
async def test_classifiers_of_other_architectures_run_too(local: LocalBench, model: str) -> None:
    done = await local.run("image-classification", model, image=local.demo("coffee.jpg"))
    assert {entry["label"] for entry in done.data["classes"]} <= set(LABELS.values())


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (600, 1), (1, 600)])
async def test_pictures_of_any_size_are_classified(local: LocalBench, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    done = await local.run("image-classification", MODEL, image=local.file(tmp_path / "odd.png"))
    assert len(done.data["classes"]) == 5


async def test_a_picture_is_sorted_into_labels_that_share_out_the_score(local: LocalBench) -> None:
    task = "zero-shot-image-classification"
    done = await local.run(task, "tiny/clip", image=local.demo("cat.jpg"), labels="a cat, a dog or a car")
    classes = done.data["classes"]
    assert {entry["label"] for entry in classes} == {"cat", "dog", "car"}
    assert sum(entry["score"] for entry in classes) == pytest.approx(1, abs=1e-3)
    assert done.text.startswith(f"{classes[0]['label']} (")


@pytest.mark.parametrize("model", ["tiny/siglip", "tiny/siglip2"])
async def test_siglip_scores_each_label_by_itself(local: LocalBench, model: str) -> None:
    task = "zero-shot-image-classification"
    done = await local.run(task, model, image=local.demo("cat.jpg"), labels="a cat, a dog, a car")
    assert len(done.data["classes"]) == 3
    assert all(0 <= entry["score"] <= 1 for entry in done.data["classes"])


@pytest.mark.parametrize("model", ["tiny/clip", "tiny/siglip", "tiny/siglip2"])
async def test_labels_longer_than_the_model_reads_are_cut(local: LocalBench, model: str) -> None:
    labels = "cat, " + "very " * 100 + "long"
    done = await local.run("zero-shot-image-classification", model, image=local.demo("cat.jpg"), labels=labels)
    assert len(done.data["classes"]) == 2
