"""One app for all tests of a worker, with a Hub and hosted models behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checkpoints import HubCache
from tests.hosted_server import HostedServer
from tests.hub_server import HubServer
from tests.ui.app_server import Server, started


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub on loopback that has the small model for finding things in pictures."""
    snapshot = HubCache(tmp_path_factory.mktemp("made")).add("tiny/yolos")
    serving = HubServer({"hustvl/yolos-tiny": {path.name: path.read_bytes() for path in snapshot.iterdir()}})
    serving.start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="session")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    """The Hub's search, its router and endpoints, for visitors with a token."""
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as serving:
        yield serving
    assert serving.errors == []


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, hub: HubServer, hosting: HostedServer) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("app"), hub.url, hosting.url) as running:
        yield running
