"""Things in a picture: counted, marked, with their boxes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import InputError, StoppedError
from tests.checkpoints.pictures import LABELS
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import Done, LocalBench

DETECTORS = [
    "tiny/detr", "tiny/conditional-detr", "tiny/deformable-detr", "tiny/table-transformer", "tiny/yolos", "tiny/rt-detr",
    "tiny/rt-detr-v2", "tiny/d-fine",
]  # fmt: skip


def check_objects(done: Done, size: tuple[int, int], labels: set[str]) -> list[dict[str, Any]]:
    """What every detection owes: a picture of the same size and boxes inside it, the surest first."""
    with Image.open(done.path) as drawn:
        assert drawn.size == size
    objects: list[dict[str, Any]] = done.data["objects"]
    for thing in objects:
        assert thing["label"] in labels
        left, top, right, bottom = thing["box"]
        assert 0 <= left <= right <= size[0]
        assert 0 <= top <= bottom <= size[1]
    scores = [thing["score"] for thing in objects]
    assert scores == sorted(scores, reverse=True)
    assert sum(done.data["counts"].values()) == len(objects)
    return objects


@pytest.mark.parametrize("model", DETECTORS)
async def test_detectors_of_many_architectures_mark_and_count(local: LocalBench, model: str) -> None:
    done = await local.run("object-detection", model, image=local.demo("cat.jpg"))
    objects = check_objects(done, (451, 300), set(LABELS.values()))
    assert objects
    (label, number), *_ = done.data["counts"].items()
    assert done.text.startswith(f"{number} {label}")
    assert done.text.endswith(".")


async def test_several_pictures_of_different_shapes_are_one_batch(local: LocalBench) -> None:
    sizes = {"cat.jpg": (451, 300), "example.jpg": (880, 1000), "sign.jpg": (800, 600)}
    calls = [local.call("object-detection", "tiny/detr", image=local.demo(name)) for name in sizes]
    for done, size in zip(await local.run_all(calls), sizes.values(), strict=True):
        assert check_objects(done, size, set(LABELS.values()))


async def test_a_backbone_that_timm_named_runs_without_timm_and_finds_the_same(local: LocalBench) -> None:
    own, timm = [
        await local.run("object-detection", model, image=local.demo("cat.jpg"))
        for model in ("tiny/detr-resnet18", "tiny/detr-timm")
    ]
    assert check_objects(timm, (451, 300), set(LABELS.values()))
    assert timm.data == own.data


async def test_nothing_found_is_said_and_the_picture_stays_as_it_is(local: LocalBench) -> None:
    done = await local.run("object-detection", "tiny/detr-blind", image=local.demo("cat.jpg"))
    assert done.text == "Nothing was found."
    assert done.output().data == {"objects": [], "counts": {}}
    cat = local.demo("cat.jpg").path
    assert cat is not None
    with Image.open(done.path) as drawn, Image.open(cat) as original:
        assert np.array_equal(np.asarray(drawn), np.asarray(original.convert("RGB")))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (500, 1), (1, 500)])
async def test_pictures_of_any_size_are_searched(local: LocalBench, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    done = await local.run("object-detection", "tiny/detr", image=local.file(tmp_path / "odd.png"))
    check_objects(done, size, set(LABELS.values()))


@pytest.mark.parametrize("model", ["tiny/owlvit", "tiny/owlv2", "tiny/grounding-dino", "tiny/mm-grounding-dino"])
async def test_named_things_are_looked_for(local: LocalBench, model: str) -> None:
    labels = "a cat, a cup or the Eiffel tower"
    done = await local.run("zero-shot-object-detection", model, image=local.demo("cat.jpg"), labels=labels)
    check_objects(done, (451, 300), {"cat", "cup", "Eiffel tower"})
    assert done.text.endswith(".")


async def test_more_words_than_the_model_reads_are_cut(local: LocalBench) -> None:
    labels = "cat, " + "very " * 100 + "long"
    for model in ("tiny/owlvit", "tiny/grounding-dino"):
        done = await local.run("zero-shot-object-detection", model, image=local.demo("cat.jpg"), labels=labels)
        assert done.text


async def test_no_labels_to_look_for_is_an_error(local: LocalBench) -> None:
    with pytest.raises(InputError, match="labels"):
        await local.run("zero-shot-object-detection", "tiny/owlvit", image=local.demo("cat.jpg"), labels=",")


async def test_a_stopped_detection_draws_nothing(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("object-detection", "tiny/detr", StoppedAfter(1), image=local.demo("cat.jpg"))
