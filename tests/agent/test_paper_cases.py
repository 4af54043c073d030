"""The worked cases of the paper (arXiv 2303.17580), as scripted plans through the real scheduler and local models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.events import Answered, Planned, Step
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.core.trace import fold_steps
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.workspace import file_types
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA, Planner

pytestmark = pytest.mark.slow

MODELS = (
    "tiny/vitpose", "tiny/sees-people", "tiny/sd", "tiny/controlnet-openpose", "tiny/controlnet-canny", "tiny/detr",
    "tiny/vit", "tiny/segformer", "tiny/blip-captioning", "tiny/blip-vqa", "tiny/ltx",
)  # fmt: skip
"""What is cached: a model for each task of these cases that no bundled one does."""


@dataclass
class Talk:
    """One session, several requests."""

    agent: HuggingGPT
    session: Session

    def attach(self, *names: str) -> list[Resource]:
        return [self.session.workspace.add_file(MEDIA / name) for name in names]

    async def ask(self, plan: Sequence[Mapping[str, Any]], attached: Sequence[Resource] = ()) -> list[Step]:
        """Have a plan carried out; every task of it is done."""
        events = [event async for event in self.agent.run("Do it.", self.session, Planner([plan]), attached)]
        assert any(isinstance(event, Answered) and event.complete for event in events)
        assert [event.plan.notes for event in events if isinstance(event, Planned)] == [()]
        steps = list(fold_steps(events))
        assert [(step.task.task, step.status, step.error) for step in steps] == [
            (str(task["task"]), "done", "") for task in plan
        ]
        return steps


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    made = HubCache(tmp_path_factory.mktemp("hub"))
    for model in MODELS:
        made.add(model)
    return made


@pytest.fixture
def talk(cache: HubCache, settings: Settings) -> Iterator[Talk]:
    experts = [LocalExpert(cache.folder, device="cpu", memory_gb=2), BundledExpert()]
    with Workspace.create(settings) as workspace:
        yield Talk(HuggingGPT(experts, fallback=Planner(), settings=settings), Session(workspace))


def task(number: int, name: str, *dep: int, **args: str) -> dict[str, Any]:
    return {"task": name, "id": number, "dep": list(dep) or [-1], "args": args}


async def test_a_girl_reads_in_the_pose_of_a_boy_and_is_described_aloud(talk: Talk) -> None:
    (boy,) = talk.attach("cat.jpg")
    steps = await talk.ask(
        [
            task(0, "openpose-control", image=boy.name),
            task(1, "openpose-text-to-image", 0, image="<resource>-0", text="a girl is reading a book"),
            task(2, "object-detection", 1, image="<resource>-1"),
            task(3, "image-classification", 1, image="<resource>-1"),
            task(4, "image-to-text", 1, image="<resource>-1"),
            task(5, "text-to-speech", 4, text="<resource>-4"),
        ],
        [boy],
    )
    assert [step.outputs[0].kind for step in steps] == [
        Kind.IMAGE, Kind.IMAGE, Kind.IMAGE, Kind.TEXT, Kind.TEXT, Kind.AUDIO,
    ]  # fmt: skip
    pose = steps[1].model
    assert pose is not None
    assert pose.id == "tiny/controlnet-openpose + tiny/sd"


async def test_edges_then_a_new_picture_then_what_is_in_it_over_three_turns(talk: Talk) -> None:
    (photo,) = talk.attach("rocket.jpg")
    (edges,) = await talk.ask([task(0, "canny-control", image=photo.name)], [photo])
    drawn = edges.outputs[0].name
    (painted,) = await talk.ask([task(0, "canny-text-to-image", image=drawn, text="a lighthouse")])
    (found,) = await talk.ask([task(0, "object-detection", image=painted.outputs[0].name)])
    assert [output.kind for output in found.outputs] == [Kind.IMAGE, Kind.TEXT]
    assert found.outputs[0].measure == painted.outputs[0].measure


async def test_a_picture_described_in_as_much_detail_as_possible(talk: Talk) -> None:
    (photo,) = talk.attach("coffee.jpg")
    question = "What is in the picture?"
    steps = await talk.ask(
        [
            task(0, "image-to-text", image=photo.name),
            task(1, "image-classification", image=photo.name),
            task(2, "object-detection", image=photo.name),
            task(3, "image-segmentation", image=photo.name),
            task(4, "visual-question-answering", image=photo.name, text=question),
        ],
        [photo],
    )
    assert all(any(output.text for output in step.outputs) for step in steps)


async def test_zebras_counted_in_three_pictures(talk: Talk) -> None:
    photos = talk.attach("cat.jpg", "rocket.jpg", "coffee.jpg")
    steps = await talk.ask(
        [task(n, "object-detection", image=photo.name) for n, photo in enumerate(photos)]
        + [
            task(n + 3, "visual-question-answering", image=photo.name, text="How many zebras are there?")
            for n, photo in enumerate(photos)
        ],
        photos,
    )
    assert all("counts" in step.outputs[-1].data or "counts" in step.outputs[0].data for step in steps[:3])


async def test_a_video_of_an_astronaut_and_its_dubbing(talk: Talk) -> None:
    text = "An astronaut is walking in space."
    film, voice = await talk.ask([task(0, "text-to-video", text=text), task(1, "text-to-speech", text=text)])
    video, speech = film.outputs[0], voice.outputs[0]
    assert video.path
    assert speech.path
    assert file_types.identify(video.path, "video.mp4", max_pixels=10**6) == (Kind.VIDEO, ".mp4")
    assert file_types.identify(speech.path, "speech.wav", max_pixels=10**6) == (Kind.AUDIO, ".wav")
