"""What is found out about a key: over real HTTP, to stand-ins of the servers, and without a word of the key in what is said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.ssrf import is_public
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.connection import OPENAI_URL
from hugginggpt.llm.server_check import ServerReport, check_server, list_chat_models
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.conftest import WebServer
from tests.hosted_server import HostedServer, blocking_proxy, refused_url
from tests.scripted_server import KEY


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as server:
        yield server


def lists(web: WebServer, *models: str, path: str = "/v1/models") -> LanguageModel:
    """A server that lists these; the model that is asked about is called "tiny"."""
    web.serve(path, json.dumps({"object": "list", "data": [{"id": model} for model in models]}).encode())
    return LanguageModel("tiny", web.url("/v1"), KEY)


def answers(web: WebServer, body: str, status: int = 200, **headers: str) -> LanguageModel:
    web.serve("/v1/models", body.encode(), status, Content_Type="application/json", **headers)
    return LanguageModel("tiny", web.url("/v1"), KEY)


async def test_a_server_tells_which_models_it_has(web: WebServer) -> None:
    report = await check_server(lists(web, "tiny", "Large", "medium"))
    assert report.has_model
    assert list_chat_models(report) == ("Large", "medium", "tiny")
    assert not (await check_server(replace(report.model, model="huge"))).has_model


async def test_a_server_is_found_below_v1_where_its_address_has_no_path(web: WebServer) -> None:
    model = lists(web, "tiny")
    report = await check_server(replace(model, base_url=web.url("")))
    assert report.model == model
    assert web.asked == ["/models", "/v1/models"]


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_server_without_a_list_may_be_used_all_the_same(web: WebServer, status: int) -> None:
    assert (await check_server(answers(web, "{}", status))).has_model is None


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ({"models": [{"name": "llama3:8b"}]}, ("llama3:8b",)),
        ([{"id": "a"}, "b"], ("a", "b")),
        ({"data": []}, ()),
        ({"data": [{"id": 3}, {"id": "x" * 500}, {"id": "a\nb"}, None, {"id": "good"}]}, ("good",)),
    ],
)
async def test_lists_are_read_in_the_forms_that_servers_use(web: WebServer, listed: Any, found: tuple[str, ...]) -> None:
    assert (await check_server(answers(web, json.dumps(listed)))).models == found


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, f'{{"error": {{"message": "Incorrect key {KEY}"}}}}', "127.0.0.1 refused the key: check it"),
        (402, "{}", "The account at 127.0.0.1 is out of credit: top it up"),
        (429, '{"error": {"code": "insufficient_quota", "message": "pay"}}', "is out of credit"),
        (429, "{}", "over its rate limit"),
        (500, "{}", "has trouble of its own (status 500)"),
        (407, "{}", "A proxy on this network blocks the way to 127.0.0.1"),
        (307, "", "sends requests on to another address"),
        (200, "<html>Hello</html>", "something that is no list of models: check the base URL"),
        (200, '{"hello": "world"}', "something that is no list of models: check the base URL"),
        (200, '{"data": "none"}', "something that is no list of models: check the base URL"),
    ],
)
async def test_each_failure_has_its_sentence_and_none_quotes_the_key(
    web: WebServer, caplog: pytest.LogCaptureFixture, status: int, body: str, said: str
) -> None:
    caplog.set_level("DEBUG", "hugginggpt")
    with pytest.raises(ControllerError) as refused:
        await check_server(answers(web, body, status, Location=web.url("/elsewhere")))
    assert said in str(refused.value)
    assert KEY not in str(refused.value) + repr(refused.value.__cause__) + caplog.text
    assert refused.value.__context__ is None


async def test_a_server_that_is_not_there_says_so_in_time() -> None:
    with pytest.raises(ControllerError, match=r"127.0.0.1 can't be reached: check the base URL and the network"):
        await check_server(LanguageModel("tiny", f"{refused_url()}/v1", KEY))


async def test_a_server_that_says_nothing_is_waited_for_so_long(hub: HostedServer) -> None:
    hub.faults["/v1/models"].append(at_server.hang())
    begun = time.monotonic()
    with pytest.raises(ControllerError, match=r"did not answer within 1 s"):
        await check_server(LanguageModel("tiny", f"{hub.url}/v1", KEY), seconds=1)
    assert time.monotonic() - begun < 10


async def test_a_private_server_is_not_asked_where_that_is_not_allowed(web: WebServer) -> None:
    with pytest.raises(ControllerError, match="private address"):
        await check_server(replace(lists(web, "tiny"), allowed=is_public))
    assert web.asked == []


async def test_a_proxy_that_blocks_the_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with blocking_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ControllerError, match=r"A proxy on this network blocks the way to api\.openai\.com"):
            await check_server(LanguageModel("tiny", OPENAI_URL, KEY))


def test_of_openais_models_those_that_talk_are_offered() -> None:
    names = ("gpt-5.4-mini", "text-embedding-3-small", "whisper-1", "o4", "gpt-image-1", "tts-1")
    assert list_chat_models(ServerReport(LanguageModel("o4"), names)) == ("gpt-5.4-mini", "o4")
    elsewhere = LanguageModel("o4", "http://127.0.0.1/v1")
    assert len(list_chat_models(ServerReport(elsewhere, names))) == len(names)
