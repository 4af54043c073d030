"""The recipes of CONTRIBUTING.md, tried as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core import tasks
from hugginggpt.core.events import Answered, TaskDone
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.ui.i18n import LANGUAGES
from tests.conftest import Planner

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def table() -> TaskTable:
    """The shipped table with the recipe's row."""
    (row,) = blocks("yaml")
    families = yaml.safe_load(row).items()
    new = {name: tasks._parse_row(name, family, fields) for family, rows in families for name, fields in rows.items()}
    return TaskTable({**load_task_table().rows, **new})


@pytest.fixture
def classes() -> dict[str, Any]:
    """What the recipes' code defines."""
    found: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, found)
    return found


async def test_a_row_a_back_end_and_a_controller_are_all_that_a_new_task_takes(
    table: TaskTable, classes: dict[str, Any], settings: Settings
) -> None:
    agent = HuggingGPT([classes["ReversingExpert"]()], fallback=RulesController(), settings=settings, table=table)
    with agent.new_session() as session:
        events = [event async for event in agent.run("stressed", session, classes["ReversingController"]())]
    assert [event.model.id for event in events if isinstance(event, TaskDone)] == ["reverser"]
    assert [event.answer for event in events if isinstance(event, Answered)] == ["desserts"]


async def test_the_row_alone_makes_the_task_known_to_plans(table: TaskTable, settings: Settings) -> None:
    agent = HuggingGPT([], fallback=RulesController(), settings=settings, table=table)
    with agent.new_session() as session:
        plan = await agent.plan("x", session, Planner([[{"task": "Reverse Text", "args": {"text": "stressed"}}]]))
    assert [task.task for task in plan.tasks] == ["text-reversal"]


def test_the_files_that_the_recipes_name_are_there() -> None:
    named = {name for name in re.findall(r"`((?:hugginggpt|tests|demos|models_config)/[\w./-]+)`", TEXT) if "*" not in name}
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert {"en", "zh"} <= set(LANGUAGES)


def test_the_listing_names_every_folder_and_the_test_of_imports_says_the_same() -> None:
    from tests.test_imports import FLOORS

    listing = TEXT[TEXT.index("hugginggpt/\n") : TEXT.index("Imports run down")]
    assert all(re.search(rf"\b{folder}/", listing) for floor in FLOORS for folder in floor)
    floors = TEXT[TEXT.index("Imports run down") :].split(":", 1)[1]
    order = [floors.index(folder) for floor in FLOORS for folder in floor]
    assert order == sorted(order)
