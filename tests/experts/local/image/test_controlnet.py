"""Pictures from words and a control image: ControlNets and the pipelines that they steer."""

import gc

import pytest
from PIL import Image

from hugginggpt.core.errors import StoppedError
from tests.checkpoints.diffusion import CONTROLS
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench


@pytest.fixture(autouse=True)
def bases(local: LocalBench) -> None:
    """What the ControlNets steer lies in the cache."""
    for model in ("tiny/sd", "tiny/sd-inpainting", "tiny/sdxl"):
        local.cache.add(model)
    local.expert.rescan()


async def test_a_control_image_and_a_text_become_a_picture_and_seven_controlnets_cost_one_base(local: LocalBench) -> None:
    pool = local.expert.pool
    pool.clear()
    others = unets()  # of other back ends that tests of the same process hold
    await local.run("text-to-image", "tiny/sd", text="tea")
    base = pool.get_used_bytes("cpu")
    sizes = []
    for control in CONTROLS:
        before = pool.get_used_bytes("cpu")
        model = f"tiny/controlnet-{control}"
        done = await local.run(f"{control}-text-to-image", model, image=local.demo("coffee.jpg"), text="tea")
        with Image.open(done.path) as image:
            assert (image.format, image.mode) == ("PNG", "RGB")
            assert done.data == {"width": image.width, "height": image.height}
            assert 0.5 <= image.width * image.height / 64**2 <= 1.5  # about what the pipeline makes by itself
        assert done.result.models == (model, "tiny/sd")
        sizes.append(pool.get_used_bytes("cpu") - before)
    assert len(set(sizes)) == 1
    assert 0 < sizes[0] < base
    assert sorted(pool.names) == sorted(["tiny/sd", *(f"tiny/controlnet-{control}" for control in CONTROLS)])
    assert unets() - others == 1


def unets() -> int:
    """How many of these networks are in memory."""
    gc.collect()
    from diffusers import UNet2DConditionModel  # five seconds, which every process that only collects tests would take

    return sum(type(thing) is UNet2DConditionModel for thing in gc.get_objects())


async def test_a_controlnet_finds_the_pipeline_that_it_was_made_for(local: LocalBench) -> None:
    model = "tiny/controlnet-canny-sdxl"
    done = await local.run("canny-text-to-image", model, image=local.demo("coffee.jpg"), text="tea")
    assert done.result.models == (model, "tiny/sdxl")


async def test_each_step_is_told_and_stop_ends_it_within_one(local: LocalBench) -> None:
    picture = local.demo("coffee.jpg")
    await local.run("canny-text-to-image", "tiny/controlnet-canny", image=picture, text="tea")
    assert [message for message, _ in local.progress] == [f"step {n} of 20" for n in range(1, 21)]
    local.progress.clear()
    with pytest.raises(StoppedError):
        await local.run("canny-text-to-image", "tiny/controlnet-canny", StoppedAfter(6), image=picture, text="tea")
    assert len(local.progress) < 6


def test_a_controlnet_whose_pipeline_is_not_here_is_not_offered(local: LocalBench) -> None:
    local.cache.add("tiny/controlnet-canny")
    local.cache.add("tiny/controlnet-canny-for-nothing-here")
    local.expert.rescan()
    offered = {card.id: card for card in local.expert.cards() if card.task == "canny-text-to-image"}
    assert "steering tiny/sd;" in offered["tiny/controlnet-canny"].description
    assert "tiny/controlnet-canny-for-nothing-here" not in offered
