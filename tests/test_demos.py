"""Every example of the page is planned with no key, and answered where what comes with the installation can do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import Answered
from hugginggpt.core.settings import Settings
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA

pytestmark = pytest.mark.slow

EXAMPLES: list[dict[str, Any]] = yaml.safe_load((MEDIA.parent / "examples.yaml").read_text(encoding="utf-8"))
ANSWERS = {
    "read the image example.jpg for me": "20417",
    "What does this sign say? Say it aloud.": "read aloud in audio-1",
    "Transcribe this, then tell me its mood.": "negative",
    "Clean up this recording, then write down what is said.": "amiable woman",
    "How much is due on this invoice, and when?": "1,284.50",
    "Sum up this report and read the summary to me.": "Ines Varga",
    "What is in this picture?": "espresso",
    "Draw the edges of this photo.": "image-2",
    "Read this aloud: The library opens at nine.": "read aloud in audio-1",
    "Read the sign aloud, and draw the edges of the cat.": "drawn in image-3",
    "Transcribe both recordings and tell me the mood of each.": "positive",
}
"""What must stand in the answer to each example that is answered here."""
BUNDLED = {card.task for card in BundledExpert().cards()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["text"][:30])
async def test_an_example_takes_the_tasks_that_it_says(example: dict[str, Any], workspace: Workspace) -> None:
    files = tuple(workspace.add_file(MEDIA / name) for name in example["files"])
    drafts = [
        draft async for draft in RulesController().plan(PlanRequest(example["text"], files)) if isinstance(draft, Mapping)
    ]
    assert {draft["task"] for draft in drafts} == set(example["tasks"])


def test_most_examples_are_answered_here() -> None:
    assert {example["text"] for example in EXAMPLES if BUNDLED.issuperset(example["tasks"])} == set(ANSWERS)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each["text"] in ANSWERS], ids=lambda each: each["text"][:30])
async def test_an_example_is_answered(example: dict[str, Any], workspace: Workspace, settings: Settings) -> None:
    controller = RulesController()
    agent = HuggingGPT([BundledExpert()], fallback=controller, settings=settings)
    files = [workspace.add_file(MEDIA / name) for name in example["files"]]
    events = [event async for event in agent.run(example["text"], Session(workspace), controller, files)]
    (answered,) = [event for event in events if isinstance(event, Answered)]
    assert answered.complete
    assert ANSWERS[example["text"]] in answered.answer
