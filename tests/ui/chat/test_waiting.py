"""A request on the page that has to wait for its turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.settings import Settings
from hugginggpt.ui.chat.handlers import ChatHandlers
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.uploads import Uploads
from tests.conftest import Quick

SUMMARIZE = "Summarize this text: The river rose during the night, and by morning the lower fields lay under water."


async def test_it_says_how_many_are_before_it_until_it_has_a_place(settings: Settings) -> None:
    agent = HuggingGPT([Quick(tasks=["summarization"])], fallback=RulesController(), settings=settings)
    admission = Admission(settings.model_copy(update={"visitor_calls": 1}))
    tab = TabSession(agent.new_session())
    uploads = Uploads(agent.storage, settings, max_file_bytes=settings.max_file_bytes)
    handlers = ChatHandlers(agent, lambda known: known or tab, admission, uploads=uploads)
    caller = cast("gr.Request", SimpleNamespace(headers={}, client=SimpleNamespace(host="192.0.2.1")))
    asked = handlers.ask({"text": SUMMARIZE}, "anywhere", False, tab, caller)
    titles: list[str] = []
    async with admission.admit("192.0.2.1"):  # another tab of the same person
        for _ in range(5):  # of the pieces that come before it has its place
            titles += find_titles(await anext(asked))
        assert "Waiting for a free place: this request is next." in titles
    async for view in asked:
        titles += find_titles(view)
    assert any(title.startswith("Did 1 task") for title in titles)
    assert tab.session.visitor == "192.0.2.1"
    tab.close()


def find_titles(view: tuple[Any, ...]) -> list[str]:
    """The thoughts' titles in a view of the chat."""
    drawn = view[0].properties.get("value", [])
    return [str(message.metadata["title"]) for message in drawn if message.metadata]
