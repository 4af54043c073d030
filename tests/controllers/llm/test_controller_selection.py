"""A language model chooses among the candidates: what of its reply counts."""

import pytest

from hugginggpt.controllers.base import Choice, PlanRequest, Selection
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.llm.select_prompt import build_selection_schema
from hugginggpt.core.events import Usage
from hugginggpt.llm.client import LanguageModel
from tests.conftest import Quick, attached, made
from tests.scripted_server import KEY, ScriptedServer, completion

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
SAY = {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}


@pytest.fixture
def model(server: ScriptedServer) -> LanguageModel:
    return LanguageModel("tiny", server.base_url, KEY, seconds=5)


async def test_a_selection_names_only_candidates(server: ScriptedServer, model: LanguageModel) -> None:
    cards = tuple(card for card in Quick(names=["one", "two"]).cards() if card.task == "image-to-text")
    (task,) = made(READ, given=[attached("image-1")]).tasks
    entries = [{"task": 0, "id": "gpt-99", "reason": "x"}, {"task": 0, "id": "quick/two", "reason": "It suits."}]
    server.will(completion({"selections": entries}, prompt=9, made=1))
    found, usage = await LLMController(model).select(PlanRequest("Read it."), [Choice(task, cards)])
    assert found == [Selection(0, "quick/two", "It suits.")]
    assert usage == Usage("select", 1, 9, 1)


@pytest.mark.parametrize("form", ["{0}", "[{0}]", '{{"selections": [{0}]}}'])
async def test_a_selection_without_a_task_counts_only_where_there_is_one_choice(
    server: ScriptedServer, model: LanguageModel, form: str
) -> None:
    cards = {card.task: card for card in Quick(names=["two"]).cards()}
    choices = [Choice(task, (cards[task.task],)) for task in made(READ, SAY, given=[attached("image-1")]).tasks]
    server.will(completion(form.format('{"id": "quick/two", "reason": "It suits."}')))
    one, _ = await LLMController(model).select(PlanRequest("Read it."), choices[:1])
    several, _ = await LLMController(model).select(PlanRequest("Read it aloud."), choices)
    assert one == [Selection(0, "quick/two", "It suits.")]
    assert several == []


def test_the_selection_schema_lists_the_candidates_and_nothing_else() -> None:
    cards = tuple(card for card in Quick(names=["one", "two"]).cards() if card.task == "image-to-text")
    (task,) = made(READ, given=[attached("image-1")]).tasks
    entry = build_selection_schema([Choice(task, cards)])["properties"]["selections"]["items"]
    assert entry["properties"]["id"]["enum"] == ["quick/one", "quick/two"]
    assert entry["properties"]["task"]["enum"] == [0]
