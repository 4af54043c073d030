"""Pictures from words and from pictures, by every kind of pipeline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench


@pytest.fixture
def mask(local: LocalBench, tmp_path: Path) -> Path:
    """White in the middle, a quarter of the width and height of any picture it is laid on."""
    image = Image.new("L", (80, 80))
    image.paste(255, (30, 30, 50, 50))
    image.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("tiny/sd", (64, 64)),
        ("tiny/sdxl", (64, 64)),
        ("tiny/sd3", (64, 64)),
        ("tiny/flux-schnell", (128, 128)),
        ("tiny/pixart", (256, 256)),
        ("tiny/pixart-sigma", (256, 256)),
        ("tiny/lcm", (64, 64)),
    ],
)
async def test_a_text_becomes_a_picture_of_the_size_the_pipeline_was_trained_for(
    local: LocalBench, model: str, size: tuple[int, int]
) -> None:
    done = await local.run("text-to-image", model, text="a cat on a sofa " * 40)
    with Image.open(done.path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", size)
    assert done.data == {"width": size[0], "height": size[1]}


async def test_each_step_is_told(local: LocalBench) -> None:
    await local.run("text-to-image", "tiny/flux-schnell", text="a cat")
    assert local.progress == [(f"step {n} of 4", n / 4) for n in (1, 2, 3, 4)]  # this kind needs no more


async def test_stop_ends_it_within_a_step(local: LocalBench) -> None:
    await local.run("text-to-image", "tiny/pixart", text="a cat")  # so that it is warm
    local.progress.clear()
    with pytest.raises(StoppedError):
        await local.run("text-to-image", "tiny/pixart", StoppedAfter(5), text="a cat")
    assert len(local.progress) < 5


async def test_a_picture_that_the_models_own_filter_blacks_out_has_a_note(local: LocalBench) -> None:
    done = await local.run("text-to-image", "tiny/sd-checked", text="a cat")
    with Image.open(done.path) as image:
        assert image.getextrema() == ((0, 0),) * 3
    assert "filter" in done.result.note


async def test_an_empty_text_is_no_description(local: LocalBench) -> None:
    with pytest.raises(InputError, match="empty"):
        await local.run("text-to-image", "tiny/sd", text=" ")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("tiny/sd", None),
        ("tiny/sdxl", "make it winter"),
        ("tiny/sd3", "make it winter"),
        ("tiny/flux-schnell", None),
        ("tiny/lcm", "make it winter"),
        ("tiny/pix2pix", None),
        ("tiny/pix2pix", "make it winter"),
    ],
)
async def test_a_picture_is_changed_and_keeps_its_size(local: LocalBench, model: str, text: str | None) -> None:
    wish = {"text": text} if text else {}
    path = local.workspace.new_path(".png")
    Image.open(local.demo("cat.jpg").path).resize((101, 67)).save(path)
    done = await local.run("image-to-image", model, image=local.file(path), **wish)
    with Image.open(done.path) as image:
        assert image.size == (101, 67)


async def test_a_picture_far_larger_than_what_is_painted_keeps_its_proportions(local: LocalBench) -> None:
    done = await local.run("image-to-image", "tiny/sd", image=local.demo("cat.jpg"))
    with Image.open(done.path) as made, Image.open(local.demo("cat.jpg").path) as original:
        assert made.width < original.width
        assert made.width / made.height == pytest.approx(original.width / original.height, rel=0.02)


@pytest.mark.parametrize("size", [(1, 1), (200, 1), (1, 200), (300, 210)])
async def test_super_resolution_doubles_the_sides_of_a_picture_of_any_shape(local: LocalBench, size: tuple[int, int]) -> None:
    path = local.workspace.new_path(".png")
    Image.new("RGB", size, "teal").save(path)
    done = await local.run("image-to-image", "tiny/swin2sr", image=local.file(path))
    with Image.open(done.path) as image:
        assert image.size == (2 * size[0], 2 * size[1])
    assert done.data == {"width": 2 * size[0], "height": 2 * size[1], "scale": 2}


async def test_super_resolution_that_is_given_a_text_says_that_it_takes_none(local: LocalBench, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "small.png")
    done = await local.run("image-to-image", "tiny/swin2sr", image=local.file(tmp_path / "small.png"), text="in winter")
    assert "text" in done.result.note


async def test_a_large_picture_needs_no_super_resolution(local: LocalBench, tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1001)).save(tmp_path / "large.png")
    with pytest.raises(ExpertError, match="up to 2,000,000 pixels"):
        await local.run("image-to-image", "tiny/swin2sr", image=local.file(tmp_path / "large.png"))


@pytest.mark.parametrize("model", ["tiny/sd", "tiny/sd-inpainting", "tiny/sdxl", "tiny/sd3", "tiny/flux-schnell"])
async def test_only_what_the_mask_shows_white_is_painted_over(local: LocalBench, model: str, mask: Path) -> None:
    done = await local.run("inpainting", model, image=local.demo("cat.jpg"), mask=local.file(mask), text="a dog")
    with Image.open(done.path) as made, Image.open(local.demo("cat.jpg").path) as original:
        assert made.size == original.size
        changed = (np.asarray(made, int) != np.asarray(original.convert("RGB"), int)).any(-1)
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert 0.37 * height < rows.min() < rows.max() < 0.63 * height
    assert 0.37 * width < columns.min() < columns.max() < 0.63 * width


async def test_a_mask_without_white_is_refused(local: LocalBench, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "dark.png")
    with pytest.raises(InputError, match="make white"):
        await local.run("inpainting", "tiny/sd", image=local.demo("cat.jpg"), mask=local.file(tmp_path / "dark.png"))


async def test_three_tasks_of_one_checkpoint_share_its_weights(local: LocalBench, mask: Path) -> None:
    pool = local.expert.pool
    pool.clear()
    await local.run("text-to-image", "tiny/sd", text="a cat")
    taken = pool.get_used_bytes("cpu")
    await local.run("image-to-image", "tiny/sd", image=local.demo("cat.jpg"))
    await local.run("inpainting", "tiny/sd", image=local.demo("cat.jpg"), mask=local.file(mask))
    assert pool.get_used_bytes("cpu") == taken
    assert pool.names == ("tiny/sd",)


@pytest.mark.parametrize("task", ["image-to-image", "inpainting"])
async def test_a_picture_of_one_pixel_is_a_picture(local: LocalBench, task: str, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "white").save(tmp_path / "dot.png")
    dot = local.file(tmp_path / "dot.png")
    done = await local.run(task, "tiny/sd", image=dot, **({"mask": dot} if task == "inpainting" else {}))
    with Image.open(done.path) as image:
        assert image.size == (1, 1)
