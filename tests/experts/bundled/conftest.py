"""Fixtures that run one bundled model on one input, as the scheduler would."""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output
from hugginggpt.experts.base import Result as ExpertResult
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.workspace import media
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA


@dataclass(frozen=True)
class Done:
    """Result of a run with a single output, beside which tables may lie."""

    result: ExpertResult

    @property
    def output(self) -> Output:
        first, *rest = self.result.outputs
        assert all(output.kind is Kind.TABLE for output in rest)
        return first

    @property
    def tables(self) -> list[list[list[str]]]:
        """Rows of the tables beside the output."""
        paths = [output.path for output in self.result.outputs[1:] if output.path]
        return [list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in paths]

    @property
    def text(self) -> str:
        assert self.output.text is not None
        return self.output.text

    @property
    def path(self) -> Path:
        assert self.output.path is not None
        return self.output.path

    @property
    def data(self) -> Mapping[str, Any]:
        return self.output.data

    @property
    def note(self) -> str:
        return self.result.note


@dataclass
class StoppedAfter(CancelToken):
    """Token that cancels itself after a number of checks: stops work half-way, without a clock."""

    looks: int
    seen: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def check(self) -> None:
        self.seen += 1
        if self.seen > self.looks:
            self.cancel()
        super().check()


@dataclass
class Bench:
    """The bundled expert with a workspace for its inputs."""

    expert: BundledExpert
    workspace: Workspace
    progress: list[tuple[str, float | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def card(self, task: str) -> ModelCard:
        return next(card for card in self.expert.cards() if card.task == task)

    def call(self, task: str, token: CancelToken | None = None, **inputs: str | Resource) -> Call:
        def record_progress(message: str, fraction: float | None) -> None:
            self.progress.append((message, fraction))

        return Call(self.card(task), inputs, self.workspace.new_path, token or CancelToken(), progress=record_progress)

    async def run(self, task: str, token: CancelToken | None = None, **inputs: str | Resource) -> Done:
        return Done(await self.expert.run(self.call(task, token, **inputs)))

    def demo(self, name: str) -> Resource:
        """Attach a file of demos/media."""
        return self.workspace.add_file(MEDIA / name)

    def picture(self, image: Image.Image) -> Resource:
        path = self.workspace.new_path(".png")
        image.save(path)
        return self.workspace.add_file(path)

    def sound(self, samples: np.ndarray, rate: int) -> Resource:
        path = self.workspace.new_path(".wav")
        media.write_wav(path, samples, rate)
        return self.workspace.add_file(path)

    async def transcribed(self, path: Path) -> str:
        """Return a recording's words in lower case, numbers without commas, doubtful words without their marks."""
        heard = await self.run("automatic-speech-recognition", audio=self.workspace.add_file(path))
        return re.sub(r"[\[\],?]", "", heard.text.lower())


@pytest.fixture(scope="session")
def expert() -> BundledExpert:
    return BundledExpert()


@pytest.fixture(scope="session")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.create(Settings(sessions=tmp_path_factory.mktemp("sessions"))) as created:
        yield created


@pytest.fixture
def bench(expert: BundledExpert, shared_workspace: Workspace) -> Bench:
    return Bench(expert, shared_workspace)
