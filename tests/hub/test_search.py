"""The Hub's search, asked at a stand-in on loopback through the Hub's own client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.core.errors import BackendError, ExpertError, StoppedError
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch, ProviderMapping
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.hosted.wire import Asked
from tests.hosted_server import TOKEN, HostedServer, refused_url


def questions(server: HostedServer) -> list[Asked]:
    """What the Hub was asked, but for what its client asks once a process on its own account."""
    return [asked for asked in server.asked if asked.path != "/api/agent-harnesses"]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("none"))) as started:
        started.serve("text-to-image", "a/small", downloads=5, likes=1, provider="nscale")
        started.serve(
            "text-to-image", "b/large", provider="fal-ai", downloads=50, gated="auto", tags=("license:mit", "fr", "art")
        )
        started.serve("text-to-image", "b/large", provider="together", live="staging")
        yield started


def search(server: HostedServer, tmp_path: Path, **more: float) -> HubSearch:
    return HubSearch(tmp_path / "kept", HubAddresses(server.url, server.url), **more)


def test_one_call_tells_all_that_selection_needs(server: HostedServer, tmp_path: Path) -> None:
    listing = search(server, tmp_path).find("text-to-image", TOKEN)
    large, small = listing.models
    assert (large.id, large.downloads, large.gated, large.license, large.languages) == ("b/large", 50, True, "mit", ("fr",))
    assert (small.likes, small.gated) == (1, False)
    assert large.served == (ProviderMapping("fal-ai", "text-to-image"),)  # staging is not live
    assert [asked.path for asked in questions(server)] == ["/api/models"]
    assert set(server.tokens) == {f"Bearer {TOKEN}"}  # the library asks something of its own once a process
    assert abs(time.time() - listing.asked) < 10


@pytest.mark.parametrize("fault", [at_server.drip(), at_server.drip_head(), at_server.hang(60)])
def test_a_hub_that_drips_is_left_at_the_deadline(server: HostedServer, tmp_path: Path, fault: at_server.Fault) -> None:
    server.faults["/api/models"].append(fault.forever())
    begun = time.monotonic()
    assert "did not answer within 1 s" in search(server, tmp_path, seconds=1.0).find("text-to-image", TOKEN).problem
    with pytest.raises(ExpertError, match="did not answer within 1 s"):
        search(server, tmp_path, seconds=1.0).look_up("a/small", TOKEN)
    assert time.monotonic() - begun < 20


def test_an_answer_is_kept_until_it_is_too_old(server: HostedServer, tmp_path: Path) -> None:
    search(server, tmp_path).find("text-to-image", TOKEN)
    again = search(server, tmp_path).find("text-to-image", TOKEN)  # as by another process
    assert [model.id for model in again.models] == ["b/large", "a/small"]
    assert len(questions(server)) == 1
    search(server, tmp_path, max_age=0).find("text-to-image", TOKEN)
    assert len(questions(server)) == 2


def test_what_is_private_is_not_shown_to_others(server: HostedServer, tmp_path: Path) -> None:
    server.serve("text-to-image", "me/secret", private=True, downloads=10**6)
    listing = search(server, tmp_path).find("text-to-image", TOKEN)
    assert "me/secret" not in {model.id for model in listing.models}
    assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "kept").iterdir())


def test_no_token_is_kept(server: HostedServer, tmp_path: Path) -> None:
    search(server, tmp_path).find("text-to-image", TOKEN)
    assert all(TOKEN.encode() not in path.read_bytes() for path in (tmp_path / "kept").iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"models": [{}], "asked": 1}',
        '{"asked": "soon", "models": []}',
        '{"asked": 1e12, "models": [{"id": "a/b", "downloads": "many"}]}',
        '{"asked": 1e12, "models": [{"id": "a/b", "served": [["x"]]}]}',
        "[" * 100_000,
    ],
)
def test_what_was_kept_and_is_broken_is_asked_for_again(server: HostedServer, tmp_path: Path, content: str) -> None:
    search(server, tmp_path).find("text-to-image", TOKEN)
    (path,) = (tmp_path / "kept").iterdir()
    path.write_text(content)
    assert search(server, tmp_path).find("text-to-image", TOKEN).models
    assert len(questions(server)) == 2
    assert json.loads(path.read_text())["models"]


def test_a_folder_that_can_not_be_written_costs_only_the_memory(server: HostedServer, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    assert search(server, tmp_path).find("text-to-image", TOKEN).models


def test_many_who_ask_at_once_cost_one_call(server: HostedServer, tmp_path: Path) -> None:
    shared = search(server, tmp_path)
    server.faults["/api/models"].append(at_server.hang(0.3))
    threads = [threading.Thread(target=shared.find, args=("summarization", TOKEN)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(questions(server)) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (at_server.status(500), "The Hugging Face Hub has trouble of its own (status 500)"),
        (at_server.hang(30), "summarization at the Hugging Face Hub did not answer within 1 s"),
        (at_server.drip(), "summarization at the Hugging Face Hub did not answer within 1 s"),
        (at_server.no_json(), "The Hugging Face Hub answered something that can't be used"),
        (at_server.wrong_json({"a": 1}), "The Hugging Face Hub answered something that can't be used"),
        (at_server.reset(), "The Hugging Face Hub broke off in the middle of its answer"),
    ],
)
def test_a_hub_that_fails_is_told_at_once_and_not_asked_again_at_once(
    server: HostedServer, tmp_path: Path, fault: at_server.Fault, said: str
) -> None:
    server.faults["/api/models"].append(fault.forever())
    shared = search(server, tmp_path, seconds=1.0)
    begun = time.monotonic()
    for _ in range(2):
        listing = shared.find("summarization", TOKEN)
        assert listing.problem.startswith(said)
        assert listing.models == ()
    assert time.monotonic() - begun < 10
    assert len(questions(server)) == 1


def test_without_a_network_it_is_said_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    listing = HubSearch(tmp_path, HubAddresses(refused_url(), refused_url())).find("translation", "")
    assert listing.problem.startswith("The Hugging Face Hub can't be reached: check the network")
    assert time.monotonic() - begun < 5


def test_one_visitors_bad_token_says_nothing_about_the_next_ones(server: HostedServer, tmp_path: Path) -> None:
    shared = search(server, tmp_path)
    assert shared.find("text-to-image", "hf_bad").problem.startswith("Hugging Face refused the token")
    server.faults["/api/models"] += [at_server.busy("30"), at_server.status(403)]
    assert shared.find("summarization", TOKEN).problem.startswith("The Hugging Face Hub is over its rate limit: wait 30 s")
    assert shared.find("summarization", TOKEN).problem.startswith("The token may not read the Hub")
    assert shared.find("text-to-image", TOKEN).models


def test_a_hub_that_is_away_is_away_for_every_task(server: HostedServer, tmp_path: Path) -> None:
    server.faults["/api/models"].append(at_server.hang(30).forever())
    shared = search(server, tmp_path, seconds=1.0)
    begun = time.monotonic()
    assert all(shared.find(tag, TOKEN).problem for tag in ("summarization", "translation", "text-to-image"))
    assert time.monotonic() - begun < 20  # it would say nothing for half a minute
    assert len(questions(server)) == 1


def test_who_stops_is_let_go(server: HostedServer, tmp_path: Path) -> None:
    def stop() -> None:
        raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        search(server, tmp_path).find("text-to-image", TOKEN, stop)
    assert search(server, tmp_path).find("text-to-image", TOKEN).models


def test_one_model_is_looked_up_by_its_name(server: HostedServer, tmp_path: Path) -> None:
    server.serve("text-to-image", "me/secret", private=True)
    shared = search(server, tmp_path)
    assert shared.look_up("b/large", TOKEN).served == (ProviderMapping("fal-ai", "text-to-image"),)
    assert shared.look_up("me/secret", TOKEN).private
    with pytest.raises(ExpertError, match="The Hub knows no model “no/such”, or the token may not see it: check the name"):
        shared.look_up("no/such", TOKEN)
    with pytest.raises(BackendError, match="Hugging Face refused the token") as caught:
        shared.look_up("b/large", "hf_bad4711")
    message = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "hf_bad4711" not in message
