"""Fetching on purpose, from a Hub on loopback into a cache of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.core.settings import Settings
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.ui.models_page.downloads import Downloader
from tests.checkpoints import HubCache
from tests.hub_server import HubServer

MODEL, BESIDE = "hustvl/yolos-tiny", "owner/beside"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    snapshot = HubCache(tmp_path / "made").add("tiny/yolos")
    files = {path.name: path.read_bytes() for path in snapshot.iterdir()}
    serving = HubServer({MODEL: files, BESIDE: files})
    serving.start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def agent(tmp_path: Path) -> HuggingGPT:
    local = LocalExpert(cache=tmp_path / "cache", device="cpu")
    return HuggingGPT([local], fallback=RulesController(), settings=Settings(sessions=tmp_path / "sessions"))


def test_what_was_fetched_can_be_used_at_once(agent: HuggingGPT, hub: HubServer) -> None:
    assert "object-detection" not in agent.candidates()
    puller, told = Downloader(agent, endpoint=hub.url), list[int]()
    offer = puller.offer([MODEL, BESIDE])
    assert offer.size == sum(len(content) for files in hub.repos.values() for content in files.values())
    puller.fetch(offer, told.append, lambda: None)
    assert told == sorted(told)
    assert told[-1] == offer.size
    assert {card.id for card in agent.candidates()["object-detection"].cards} == {MODEL, BESIDE}
    assert puller.offer([MODEL, BESIDE]).size == 0


def test_it_stops_between_two_pieces_and_goes_on_from_there(agent: HuggingGPT, hub: HubServer) -> None:
    puller, told = Downloader(agent, endpoint=hub.url), list[int]()

    def check() -> None:
        if len(told) == 2:  # of the first file: its only piece, and its end
            raise StoppedError("enough")

    offer = puller.offer([MODEL])
    with pytest.raises(StoppedError):
        puller.fetch(offer, told.append, check)
    assert 0 < puller.offer([MODEL]).size < offer.size


def test_a_visitor_fetches_without_a_token_and_not_too_much(agent: HuggingGPT, hub: HubServer) -> None:
    with pytest.raises(ExpertError, match=r"more than the 0\.1 MB that may be fetched here"):
        Downloader(agent, token=False, max_bytes=100, endpoint=hub.url).offer([MODEL])
    assert hub.tokens == {None}
