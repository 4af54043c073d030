"""A visitor's hosted models, at a stand-in for the Hub, its router and an endpoint on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.experts.hosted.provider_mapping import clear_mapping_cache
from hugginggpt.hub.account import Visitor
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from hugginggpt.llm.capabilities import CAPABILITIES
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA
from tests.hosted_server import TOKEN, HostedServer


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    """The tiny models that compute what the stand-in answers."""
    return HubCache(tmp_path_factory.mktemp("hosted"))


@pytest.fixture
def server(cache: HubCache) -> Iterator[HostedServer]:
    with HostedServer(cache) as started:
        yield started
    assert started.errors == []


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Forget what the client and the process know of models, before and after a test."""
    clear_mapping_cache()
    CAPABILITIES.clear()
    yield
    clear_mapping_cache()
    CAPABILITIES.clear()


@dataclass
class HostedBench:
    """One visitor's back end, and a workspace to feed it from."""

    server: HostedServer
    workspace: Workspace
    folder: Path
    """Where the Hub's answers are kept."""
    cache: HubCache
    circuits: CircuitBreaker = field(default_factory=CircuitBreaker)
    progress: list[str] = field(default_factory=list)
    start_seconds: float = 0.0
    """Longest wait for an endpoint that is asleep, in seconds."""

    def expert(self, **about: Any) -> HostedExpert:
        places = HubAddresses(self.server.url, self.server.url, self.server.url)
        shared = HostedExpert(HubSearch(self.folder, places), self.circuits, start_seconds=self.start_seconds)
        return shared.bind_visitor(Visitor(**{"token": TOKEN, **about}))

    def card(self, task: str, model: str = "", **about: Any) -> ModelCard:
        cards = self.expert(**about).cards({task})
        return next(card for card in cards if card.task == task and model in {"", card.id})

    def call(
        self, card: ModelCard, inputs: Mapping[str, str | Resource], *, seconds: float = 120.0, has_fallback: bool = False
    ) -> Call:
        reported = self.progress

        def tell(message: str, _: float | None) -> None:
            reported.append(message)

        return Call(card, inputs, self.workspace.new_path, CancelToken(), seconds, tell, has_fallback=has_fallback)

    async def run(
        self, task: str, model: str = "", *, seconds: float = 120.0, has_fallback: bool = False, **inputs: str | Resource
    ) -> Result:
        """Run one model as the scheduler would."""
        call = self.call(self.card(task, model), inputs, seconds=seconds, has_fallback=has_fallback)
        return await self.expert().run(call)

    def demo(self, name: str) -> Resource:
        return self.workspace.add_file(MEDIA / name)


@pytest.fixture
def hosted(server: HostedServer, cache: HubCache, tmp_path: Path) -> Iterator[HostedBench]:
    with Workspace.create(Settings(sessions=tmp_path / "sessions")) as workspace:
        yield HostedBench(server, workspace, tmp_path / "catalogue", cache)
