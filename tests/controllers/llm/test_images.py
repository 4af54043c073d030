"""A planner that looks at the pictures first."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.core.errors import ControllerError
from hugginggpt.core.events import Notice
from hugginggpt.llm.client import LanguageModel
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion, error

PLAN = completion({"tasks": [{"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}], "answer": None})


def content(asked: Asked) -> Any:
    return asked.body["messages"][-1]["content"]


async def plan(server: ScriptedServer, workspace: Workspace, *names: str, show_images: bool = True) -> list[Any]:
    given = tuple(workspace.add_file(MEDIA / name) for name in names)
    controller = LLMController(LanguageModel("eyes", server.base_url, KEY, seconds=5), show_images=show_images)
    return [item async for item in controller.plan(PlanRequest("What is this?", given))]


async def test_it_is_shown_small_copies(server: ScriptedServer, workspace: Workspace) -> None:
    server.will(PLAN)
    await plan(server, workspace, "example.jpg", "cat.jpg", "report.txt")
    text, *pictures = content(server.asked[0])
    assert "Request: What is this?" in text["text"]
    assert len(pictures) == 2
    data = pictures[0]["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as shown:
        assert max(shown.size) <= 768


async def test_it_looks_only_when_it_is_told_to(server: ScriptedServer, workspace: Workspace) -> None:
    server.will(PLAN)
    await plan(server, workspace, "cat.jpg", show_images=False)
    assert isinstance(content(server.asked[0]), str)


def blind(then: Reply) -> Reply:
    """A server whose model takes text alone."""

    def reply(handler: Any, asked: Asked) -> None:
        (then if isinstance(content(asked), str) else error(400, "image input is not supported"))(handler, asked)

    return reply


async def test_a_model_that_takes_no_pictures_plans_without_them_and_it_is_said(
    server: ScriptedServer, workspace: Workspace
) -> None:
    server.will(blind(PLAN))
    found = await plan(server, workspace, "cat.jpg")
    assert [item.message for item in found if isinstance(item, Notice)] == [
        "eyes (127.0.0.1) takes no pictures: it plans from their names."
    ]
    assert [item["task"] for item in found if isinstance(item, dict)] == ["image-to-text"]
    assert len(server.asked) == 2


async def test_it_is_shown_no_pictures_again(server: ScriptedServer, workspace: Workspace) -> None:
    server.will(blind(PLAN))
    await plan(server, workspace, "cat.jpg")
    assert not [item for item in await plan(server, workspace, "cat.jpg") if isinstance(item, Notice)]
    assert len(server.asked) == 3


async def test_a_wrong_key_has_nothing_to_do_with_pictures(server: ScriptedServer, workspace: Workspace) -> None:
    server.will(error(401))
    with pytest.raises(ControllerError, match="refused the key"):
        await plan(server, workspace, "cat.jpg")
    assert len(server.asked) == 1


async def test_a_picture_that_is_gone_is_planned_for_by_its_name(server: ScriptedServer, workspace: Workspace) -> None:
    server.will(PLAN)
    given = workspace.add_file(MEDIA / "cat.jpg")
    assert given.path is not None
    given.path.unlink()
    controller = LLMController(LanguageModel("eyes", server.base_url, KEY, seconds=5), show_images=True)
    assert [item async for item in controller.plan(PlanRequest("What is this?", (given,))) if isinstance(item, dict)]
