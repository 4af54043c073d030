"""Running one cached model on real media, as the scheduler would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA


@dataclass(frozen=True)
class Done:
    """Result of a run."""

    result: Result

    def output(self, number: int = 0) -> Output:
        return self.result.outputs[number]

    @property
    def text(self) -> str:
        """The text among the outputs."""
        (text,) = [output.text for output in self.result.outputs if output.text is not None]
        return text

    @property
    def path(self) -> Path:
        """The first file among the outputs."""
        return next(output.path for output in self.result.outputs if output.path is not None)

    @property
    def data(self) -> Mapping[str, Any]:
        """The structured results of the first output that has some."""
        return next((output.data for output in self.result.outputs if output.data), {})


@dataclass
class LocalBench:
    """The cached models and a workspace to feed them from."""

    cache: HubCache
    workspace: Workspace
    expert: LocalExpert
    progress: list[tuple[str, float | None]] = field(default_factory=list)

    def call(self, task: str, model: str, token: CancelToken | None = None, **inputs: str | Resource) -> Call:
        """A call of one checkpoint, which is made if it isn't there yet."""
        self.cache.add(model)
        card = next((card for card in self.expert.cards() if (card.id, card.task) == (model, task)), None)
        if card is None:  # it was added after the last scan
            self.expert.rescan()
            card = next(card for card in self.expert.cards() if (card.id, card.task) == (model, task))

        def report(message: str, fraction: float | None) -> None:
            self.progress.append((message, fraction))

        return Call(card, inputs, self.workspace.new_path, token or CancelToken(), progress=report)

    async def run(self, task: str, model: str, token: CancelToken | None = None, **inputs: str | Resource) -> Done:
        """Run one call."""
        return Done(await self.expert.run(self.call(task, model, token, **inputs)))

    async def run_all(self, calls: Sequence[Call]) -> list[Done]:
        """Run several calls of one card as a batch."""
        return [Done(result) for result in await self.expert.run_batch(calls)]

    def demo(self, name: str) -> Resource:
        """A file of demos/media, attached."""
        return self.workspace.add_file(MEDIA / name)

    def file(self, path: Path) -> Resource:
        """Any file, attached."""
        return self.workspace.add_file(path)


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    """Cache with the checkpoints of all tests; each is made once."""
    torch.manual_seed(0)
    return HubCache(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="session")
def local_expert(hub_cache: HubCache) -> LocalExpert:
    """The back end, with room for all the tiny models."""
    return LocalExpert(hub_cache.folder, memory_gb=2)


@pytest.fixture
def local(hub_cache: HubCache, local_expert: LocalExpert, tmp_path: Path) -> Iterator[LocalBench]:
    with Workspace.create(Settings(sessions=tmp_path / "sessions")) as workspace:
        yield LocalBench(hub_cache, workspace, local_expert)
