"""What a running task is given: references resolved by kind, files by name, one run for each of several."""

from typing import Any

import pytest

from hugginggpt.core.events import TaskProgress, TaskStarted
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Quick, RunPlan, say


def speak(number: int, text: str, *dep: int) -> dict[str, Any]:
    return say(number, text, *dep, task="text-to-speech")


async def test_the_translated_text_is_what_is_spoken(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "Hello.", task="translation"), speak(1, "<GENERATED>-0", 0)], Quick())
    assert ran.steps[1].outputs[0].data == {"of": "text-to-speech(translation(Hello.))"}


@pytest.mark.parametrize(
    "consumer", [speak(1, "<resource>-0"), {"task": "image-to-text", "id": 1, "args": {"image": "<resource-0>"}}]
)
async def test_of_a_picture_and_a_text_each_argument_gets_the_kind_it_wants(
    consumer: dict[str, Any], run_plan: RunPlan, workspace: Workspace
) -> None:
    workspace.add_file(MEDIA / "cat.jpg")
    detect = {"task": "object-detection", "id": 0, "args": {"image": "image-1"}}
    expert = Quick()
    await run_plan([detect, consumer], expert)
    assert expert.spans[1][0] == ("object-detection(image-1)" if consumer["task"] == "text-to-speech" else "image-2")


async def test_references_inside_a_sentence_become_their_texts(run_plan: RunPlan) -> None:
    expert = Quick()
    await run_plan([say(0, "a"), say(1, "b"), say(2, "First <GENERATED>-0, then -<resource-1>!", 0, 1)], expert)
    assert expert.spans[2][0] == "First text-generation(a), then -text-generation(b)!"


async def test_a_text_argument_that_names_a_file_gets_its_text(run_plan: RunPlan, workspace: Workspace) -> None:
    workspace.add_file(MEDIA / "report.txt", "notes.txt")
    expert = Quick()
    await run_plan([say(0, "text-1"), say(1, "notes.txt"), say(2, "demos/media/report.txt")], expert)
    assert {said for said, *_ in expert.spans} == {(MEDIA / "report.txt").read_text()}


async def test_a_table_named_where_a_text_is_wanted_is_passed_as_it_is_written(run_plan: RunPlan, workspace: Workspace) -> None:
    workspace.add_file(MEDIA / "people.csv")
    ran = await run_plan([say(0, "table-1")], Quick())
    assert ran.text(0) == f"text-generation({(MEDIA / 'people.csv').read_text()})"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("image-1", "is image, where a text is wanted"),
        ("file:///etc/passwd", "only http and https"),
        ("http://127.0.0.1:1/page", "private or reserved address"),
    ],
)
async def test_a_text_argument_that_names_no_text_fails_the_task(
    text: str, error: str, run_plan: RunPlan, workspace: Workspace
) -> None:
    workspace.add_file(MEDIA / "cat.jpg")
    ran = await run_plan([say(0, text)], Quick())
    assert error in ran.steps[0].error


async def test_a_task_given_several_pictures_runs_once_for_each(run_plan: RunPlan, workspace: Workspace) -> None:
    draw = {"task": "text-to-image", "args": {"text": "a boat"}}
    look = {"task": "image-to-text", "id": 2, "args": {"image": "<GENERATED>-0,<GENERATED>-1"}}
    expert = Quick()
    ran = await run_plan([draw | {"id": 0}, draw | {"id": 1}, look], expert)
    assert [resource.text for resource in ran.steps[2].outputs] == ["image-to-text(image-1)", "image-to-text(image-2)"]
    assert [event.message for event in ran.select(TaskProgress)] == ["1 of 2", "2 of 2"]
    assert len([event for event in ran.select(TaskStarted) if event.task_id == 2]) == 1


async def test_one_picture_serves_each_of_several(run_plan: RunPlan, workspace: Workspace) -> None:
    for name in ("cat.jpg", "rocket.jpg", "invoice.png"):
        workspace.add_file(MEDIA / name)
    paint = {"task": "inpainting", "id": 0, "args": {"image": ["image-1", "image-2"], "mask": "image-3"}}
    expert = Quick()
    await run_plan([paint], expert)
    assert [said for said, *_ in expert.spans] == ["image-1+image-3", "image-2+image-3"]


async def test_a_video_serves_where_sound_is_wanted(run_plan: RunPlan, workspace: Workspace) -> None:
    workspace.add_file(MEDIA / "clip.mp4")
    ran = await run_plan([{"task": "asr", "id": 0}], Quick())
    assert ran.text(0) == "automatic-speech-recognition(video-1)"


@pytest.mark.parametrize(
    ("name", "error"), [("speech.flac", "wants image, but audio-1"), ("nowhere.png", "There is no “nowhere.png”")]
)
async def test_an_input_of_the_wrong_kind_or_missing_fails_the_task_in_a_sentence(
    name: str, error: str, run_plan: RunPlan
) -> None:
    ran = await run_plan([{"task": "image-to-text", "id": 0, "args": {"image": name}}, say(1, "x")], Quick())
    assert [ran.steps[n].status for n in (0, 1)] == ["failed", "done"]
    assert error in ran.steps[0].error
