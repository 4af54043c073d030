"""A language model plans: what is seen of it while it writes, and afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.scripted_server import KEY, ScriptedServer, pieces, scripted_server
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

EDGES = {"task": "canny-control", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
READ = {"task": "image-to-text", "id": 1, "dep": [-1], "args": {"image": "image-1"}}
PLAN = json.dumps({"tasks": [EDGES, READ], "answer": None})
FIRST = PLAN[: PLAN.index("}}") + 2]


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def test_a_plan_is_seen_growing_and_the_answer_links_to_what_was_made(tab: Tab, model: ScriptedServer) -> None:
    seen = threading.Event()
    plan = pieces(FIRST, seen, PLAN[len(FIRST) :], prompt=800, made=60)
    model.will(plan, pieces("Here are the edges: image-2. ", "It is a sign."))
    tab.choose("Other server", openai_key=KEY, base_url=model.base_url, model="tiny")
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")
    tab.page.get_by_label("It looks at pictures before it plans").check()
    tab.start("Draw the edges and read it.", MEDIA / "sign.jpg")
    expect(tab.answers.last).to_contain_text("Planning · 1 task so far")
    expect(tab.step("canny-control")).to_be_visible()
    seen.set()
    answer = tab.finish()
    assert "It is a sign." in answer
    assert model.asked[0].body["messages"][-1]["content"][1]["image_url"]["url"].startswith("data:image/jpeg")
    with tab.page.expect_popup() as opened:
        tab.answers.last.get_by_role("link", name="image-2").click()
    picture = opened.value.request.get(opened.value.url)
    assert picture.ok
    assert picture.headers["content-type"] == "image/png"
    assert "Planning: 1 call, 800 tokens in, 60 out" in tab.open_steps()
