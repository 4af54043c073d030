"""Skeletons of the people in a picture."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from hugginggpt.core.settings import Settings
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.experts.local.image.pose import Keypoint, Pose, draw_skeletons
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

NAMES = {"nose", "neck"} | {
    f"{side} {part}"
    for side in ("left", "right")
    for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}
WHOLE_PICTURE = "No detector of people is cached, so the picture was taken to show one person."


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Callable[..., LocalBench]]:
    """A cache with these checkpoints and no others: which detectors there are matters here."""
    torch.manual_seed(0)
    with Workspace.create(Settings(sessions=tmp_path / "sessions")) as workspace:

        def make(*models: str) -> LocalBench:
            cache = HubCache(tmp_path / "hub")
            for model in models:
                cache.add(model)
            return LocalBench(cache, workspace, LocalExpert(cache.folder, memory_gb=2))

        yield make


@pytest.mark.parametrize("name", ["vitpose", "vitpose-classic", "vitpose-plus", "vitpose-synthpose"])
async def test_each_person_that_the_detector_finds_gets_a_skeleton(holding: Callable[..., LocalBench], name: str) -> None:
    bench = holding("tiny/sees-people")
    done = await bench.run("openpose-control", f"tiny/{name}", image=bench.demo("rocket.jpg"))
    with Image.open(done.path) as drawn:
        assert (drawn.size, drawn.mode) == ((640, 427), "RGB")
        pixels = np.asarray(drawn)
    assert 0 < (pixels > 0).any(axis=2).mean() < 0.9
    assert done.data["people"]
    for person in done.data["people"]:
        assert {point["name"] for point in person["keypoints"]} <= NAMES
        assert all(0 <= p["x"] <= 640 and 0 <= p["y"] <= 427 and 0.3 <= p["score"] <= 1 for p in person["keypoints"])
    assert done.result.models[-1] == f"tiny/{name}"
    assert len(done.result.models) == 2
    assert not done.result.note


async def test_without_a_detector_the_picture_is_one_person_and_the_note_says_so(holding: Callable[..., LocalBench]) -> None:
    bench = holding()
    done = await bench.run("openpose-control", "tiny/vitpose", image=bench.demo("cat.jpg"))
    assert len(done.data["people"]) == 1
    assert done.result.note == WHOLE_PICTURE
    assert done.result.models == ()


async def test_a_detector_that_does_not_load_is_passed_over(holding: Callable[..., LocalBench]) -> None:
    bench = holding("tiny/sees-people")
    (bench.cache.add("tiny/sees-people") / "preprocessor_config.json").unlink()
    done = await bench.run("openpose-control", "tiny/vitpose", image=bench.demo("cat.jpg"))
    assert done.result.note == WHOLE_PICTURE


async def test_a_picture_with_nobody_in_it_is_told_in_one_sentence(holding: Callable[..., LocalBench]) -> None:
    bench = holding("tiny/sees-nothing")
    with pytest.raises(InputError, match=r"^Nobody was found in this picture, so there is no pose to draw\.$"):
        await bench.run("openpose-control", "tiny/vitpose", image=bench.demo("coffee.jpg"))


async def test_a_pose_that_the_model_is_unsure_of_is_not_drawn(holding: Callable[..., LocalBench]) -> None:
    bench = holding("tiny/sees-people")
    with pytest.raises(InputError, match="No pose could be made out"):
        await bench.run("openpose-control", "tiny/vitpose-unsure", image=bench.demo("coffee.jpg"))


async def test_a_model_of_other_keypoints_is_refused(holding: Callable[..., LocalBench]) -> None:
    bench = holding()
    with pytest.raises(ExpertError, match="finds 5 keypoints"):
        await bench.run("openpose-control", "tiny/vitpose-hand", image=bench.demo("cat.jpg"))


@pytest.mark.parametrize("size", [(1, 1), (400, 3)])
async def test_a_tiny_picture_shows_nobody(holding: Callable[..., LocalBench], tmp_path: Path, size: tuple[int, int]) -> None:
    bench = holding()
    Image.new("RGB", size, "navy").save(tmp_path / "small.png")
    with pytest.raises(InputError, match=f"too small to show a person: {size[0]} × {size[1]} pixels"):
        await bench.run("openpose-control", "tiny/vitpose", image=bench.file(tmp_path / "small.png"))


async def test_stop_reaches_in_before_the_people_are_looked_at(holding: Callable[..., LocalBench]) -> None:
    bench = holding("tiny/sees-people")
    await bench.run("openpose-control", "tiny/vitpose", image=bench.demo("cat.jpg"))
    with pytest.raises(StoppedError):
        await bench.run("openpose-control", "tiny/vitpose", StoppedAfter(0), image=bench.demo("cat.jpg"))


def standing() -> Pose:
    """Somebody who faces the camera with both arms stretched out."""
    right = {
        "shoulder": (80, 60),
        "elbow": (50, 60),
        "wrist": (20, 60),
        "hip": (85, 120),
        "knee": (85, 160),
        "ankle": (85, 190),
    }
    pose = {"nose": Keypoint(100, 30, 1), "neck": Keypoint(100, 60, 1)}
    for part, (x, y) in right.items():
        pose[f"right {part}"], pose[f"left {part}"] = Keypoint(x, y, 1), Keypoint(200 - x, y, 1)
    return pose


def test_a_skeleton_has_the_colours_that_the_control_net_knows() -> None:
    drawn = draw_skeletons([standing()], 200, 200)
    assert tuple(drawn[30, 100]) == (255, 0, 0)  # the nose
    assert tuple(drawn[60, 20]) == (170, 255, 0)  # the right wrist, on the left of the picture
    assert tuple(drawn[60, 180]) == (0, 255, 85)  # the left wrist
    assert tuple(drawn[60, 35]) == (153, 153, 0)  # the right forearm, darker than its joints
    assert not drawn[100, 20].any()


def test_lines_are_as_thick_as_the_drawing_is_large() -> None:
    def thickness(size: int) -> int:
        pose: Pose = {"neck": Keypoint(size * 0.2, size / 2, 1), "nose": Keypoint(size * 0.8, size / 2, 1)}
        return int((draw_skeletons([pose], size, size)[:, size // 2] > 0).any(axis=1).sum())

    assert math.isclose(thickness(1024) / thickness(512), 2, abs_tol=0.15)
    assert 8 <= thickness(512) <= 10
