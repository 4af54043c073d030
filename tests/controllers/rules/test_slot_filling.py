"""Slots that a step fills besides its material: languages, labels, lengths, prompts."""

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.planner import plan_request
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table

PICTURE = Resource("image-1", Kind.IMAGE, Origin("upload", "x.png"))


@pytest.mark.parametrize(
    ("request_text", "instruction"),
    [
        ("Describe this picture", "describe"),
        ("What is in this picture?", "describe"),
        ("What animal is in this picture? Describe it.", "describe"),
        ("Caption this", "describe"),
        ("What do you see in this photo?", "describe"),
        ("Describe the picture and read the description aloud", "describe"),
        ("Read this sign", None),
        ("Read all pages", None),
        ("Read this page aloud", None),
        ("What does the shirt say?", None),
        ("Read the text in this photo", None),
        ("What's on the sign?", None),
    ],
)
def test_a_picture_is_described_where_that_is_asked_for_and_read_elsewhere(request_text: str, instruction: str | None) -> None:
    plan = plan_request(PlanRequest(request_text, (PICTURE,)), load_task_table())
    readers = [task for task in plan.tasks if task["task"] == "image-to-text"]
    assert [task["args"].get("instruction") for task in readers] == [instruction]
