"""Models that are fetched at their first use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.experts.base import Call
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.auto_download import FetchingExpert
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.hub.download import HubDownloader
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA
from tests.hub_server import HubServer

MODEL, TASK = "google/vit-base-patch16-224", "image-classification"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    snapshot = HubCache(tmp_path / "made").add("tiny/vit")
    made = HubServer({MODEL: {path.name: path.read_bytes() for path in snapshot.iterdir()}})
    made.start()
    yield made
    made.shutdown()
    made.server_close()


def make_fetching_expert(server: HubServer, tmp_path: Path, max_bytes: int = 10**9) -> FetchingExpert:
    local = LocalExpert(tmp_path / "hub", device="cpu")
    return FetchingExpert(local, HubDownloader(tmp_path / "hub", server.url, token=False), max_bytes=max_bytes)


def call(expert: FetchingExpert, workspace: Workspace, messages: list[str], token: CancelToken | None = None) -> Call:
    card = next(card for card in expert.cards() if card.task == TASK)
    cat = workspace.add_file(MEDIA / "cat.jpg")
    return Call(
        card, {"image": cat}, workspace.new_path, token or CancelToken(), progress=lambda message, _: messages.append(message)
    )


async def test_a_model_is_fetched_with_its_size_told_and_then_run(
    server: HubServer, tmp_path: Path, workspace: Workspace
) -> None:
    expert, messages = make_fetching_expert(server, tmp_path), []
    result = await expert.run(call(expert, workspace, messages))
    assert len(result.outputs[0].data["classes"]) == 5
    assert messages[0].startswith(f"fetching {MODEL}: ")
    assert messages[0].endswith(" MB")
    assert TASK not in {card.task for card in expert.cards()}  # from now on the local back end has it


async def test_a_model_that_is_too_large_is_not_begun(server: HubServer, tmp_path: Path, workspace: Workspace) -> None:
    expert = make_fetching_expert(server, tmp_path, max_bytes=1000)
    with pytest.raises(ExpertError, match=r"more than the 0\.1 MB that may be fetched on the way: fetch it with “python -m"):
        await expert.run(call(expert, workspace, []))
    assert server.fetched == []


async def test_a_person_can_stop_it(server: HubServer, tmp_path: Path, workspace: Workspace) -> None:
    expert, token = make_fetching_expert(server, tmp_path), CancelToken()
    token.cancel()
    with pytest.raises(StoppedError):
        await expert.run(call(expert, workspace, [], token))
    assert not any(name.endswith(".safetensors") for name in server.fetched)


async def test_a_model_of_another_task_is_not_run(server: HubServer, tmp_path: Path, workspace: Workspace) -> None:
    server.repos[MODEL]["config.json"] = b'{"architectures": ["BertForMaskedLM"], "model_type": "bert"}'  # type: ignore[index]
    expert = make_fetching_expert(server, tmp_path)
    with pytest.raises(ExpertError, match=f"{MODEL} was fetched, but can't be used for {TASK}"):
        await expert.run(call(expert, workspace, []))
