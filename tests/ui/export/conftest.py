"""What these tests share: a real run of bundled models, made once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.recording import Recording
from hugginggpt.core.settings import Settings
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA
from tests.ui.export.runs import everything, record

REQUEST = "What does this sign say? Say it aloud."


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """A request in two steps, worked on by the built-in planner and the bundled models."""
    settings = Settings(sessions=tmp_path_factory.mktemp("sessions"))
    agent = HuggingGPT([BundledExpert()], fallback=RulesController(), settings=settings)
    with Workspace.create(settings) as workspace:
        photo = workspace.add_file(MEDIA / "sign.jpg")
        with ThreadPoolExecutor() as threads:  # the tests' own loop is the main thread's
            yield threads.submit(asyncio.run, record(agent, Session(workspace), RulesController(), REQUEST, [photo])).result()


@pytest.fixture
def eventful(workspace: Workspace, tmp_path: Path) -> Recording:
    """A run in which everything that can happen has happened."""
    return everything(workspace, tmp_path)


@pytest.fixture
def reader(settings: Settings) -> Iterator[Workspace]:
    """The empty workspace of somebody who opens what was shared."""
    with Workspace.create(settings) as created:
        yield created
