"""What a visitor settles about models."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.model_preferences import ModelPreferences, make_visitor, parse_task_and_model
from hugginggpt.cli.options import add_preference_options, read_preferences
from hugginggpt.core.errors import ExpertError, RequestError
from hugginggpt.core.settings import Settings
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from tests.checkpoints import HubCache
from tests.conftest import Planner, Quick
from tests.hosted_server import TOKEN, HostedServer


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("none"))) as started:
        yield started


@pytest.fixture
def agent(server: HostedServer, settings: Settings, tmp_path: Path) -> HuggingGPT:
    hosted = HostedExpert(HubSearch(tmp_path / "kept", HubAddresses(server.url, server.url, server.url)), CircuitBreaker())
    return HuggingGPT([Quick(names=["here"]), hosted], fallback=Planner(), settings=settings)


def test_the_last_word_counts() -> None:
    preferences = ModelPreferences().pin("text-to-image", "a/b").ban("a/b")
    assert (preferences.pinned, preferences.banned) == ({}, frozenset({"a/b"}))
    preferences = preferences.add("text to image", " a/b ")
    assert (preferences.added, preferences.banned) == ((("text-to-image", "a/b"),), frozenset())
    assert preferences.add("text-to-image", "a/b") == preferences
    assert preferences.pin("tts", "PP-OCRv6-small").pinned == {"text-to-speech": "PP-OCRv6-small"}


@pytest.mark.parametrize(
    ("task", "model", "said"),
    [
        ("juggling", "a/b", "“juggling” is no task"),
        ("text-to-image", "a b", "“a b” is no model's id, which looks like owner/name, and no endpoint's address"),
        ("text-to-image", "", "is no model's id"),
        ("text-to-image", "../../etc", "is no model's id"),
        ("text-to-image", "ftp://host/x", "The endpoint's address is not valid"),
        ("text-to-image", "https://user:pass@host/x", "The endpoint's address is not valid"),
        ("text-to-image", "https://", "The endpoint's address is not valid"),
    ],
)
def test_what_can_not_be_meant_is_refused(task: str, model: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        ModelPreferences().pin(task, model)


def test_there_is_an_end_to_it() -> None:
    preferences = ModelPreferences(banned=frozenset(f"a/{number}" for number in range(50)))
    with pytest.raises(RequestError, match="more than 50 models"):
        preferences.ban("one/more")


def test_a_pinned_endpoint_goes_by_its_address_without_the_query() -> None:
    preferences = ModelPreferences().pin("text-to-image", "https://my.endpoints.huggingface.cloud/?key=4711")
    assert preferences.to_ranking().pinned == {"text-to-image": "https://my.endpoints.huggingface.cloud"}


@pytest.mark.parametrize("text", ["text-to-image", "=a/b x", "text-to-image="])
def test_a_pair_has_two_sides(text: str) -> None:
    if text.startswith("="):
        assert parse_task_and_model(text) == ("", "a/b x")
        return
    with pytest.raises(RequestError, match="is not of the form TASK=MODEL"):
        parse_task_and_model(text)


async def test_what_is_added_is_looked_up_with_the_visitors_token(agent: HuggingGPT, server: HostedServer) -> None:
    server.serve("text-to-image", "a/paints")
    visitor = await make_visitor(agent, TOKEN, ModelPreferences().add("text-to-image", "a/paints"))
    assert [model.id for model in visitor.models["text-to-image"]] == ["a/paints"]
    assert set(server.tokens) == {f"Bearer {TOKEN}"}
    assert TOKEN not in repr(visitor)


async def test_what_is_here_needs_no_look_up_and_no_token(agent: HuggingGPT, server: HostedServer) -> None:
    visitor = await make_visitor(agent, "", ModelPreferences().pin("translation", "quick/here"))
    assert visitor.models == {}
    assert server.asked == []


async def test_what_was_looked_up_is_not_looked_up_again(agent: HuggingGPT, server: HostedServer) -> None:
    server.serve("text-to-image", "a/paints")
    preferences = ModelPreferences().add("text-to-image", "a/paints")
    known = await make_visitor(agent, TOKEN, preferences)
    asked = len(server.asked)
    server.models.clear()
    again = await make_visitor(agent, TOKEN, preferences.ban("x/y"), known=known)
    assert again.models == known.models
    assert len(server.asked) == asked


async def test_a_model_that_nobody_serves_for_that_task_is_refused(agent: HuggingGPT, server: HostedServer) -> None:
    server.serve("text-to-image", "a/paints")
    with pytest.raises(ExpertError, match="and no provider serves it for image-to-image now: choose another model"):
        await make_visitor(agent, TOKEN, ModelPreferences().add("image-to-image", "a/paints"))
    with pytest.raises(ExpertError, match="no provider serves it for depth-estimation now"):
        await make_visitor(agent, TOKEN, ModelPreferences().pin("depth-estimation", "a/paints"))


async def test_what_can_be_fetched_needs_no_token(agent: HuggingGPT, server: HostedServer) -> None:
    visitor = await make_visitor(agent, "", ModelPreferences().pin("object-detection", "hustvl/yolos-tiny"))
    assert visitor.models == {}
    assert server.asked == []


def test_an_endpoint_is_banned_by_its_address_without_the_query() -> None:
    preferences = ModelPreferences().pin("text-to-image", "https://h.example/x/?k=1").ban("https://h.example/x?k=2")
    assert (preferences.pinned, preferences.banned) == ({}, frozenset({"https://h.example/x"}))


async def test_what_can_not_be_had_is_said(agent: HuggingGPT) -> None:
    with pytest.raises(ExpertError, match="The Hub knows no model “no/such”"):
        await make_visitor(agent, TOKEN, ModelPreferences().add("text-to-image", "no/such"))
    with pytest.raises(ExpertError, match="a/b is not on this machine, and running it elsewhere takes a Hugging Face token"):
        await make_visitor(agent, "", ModelPreferences().add("text-to-image", "a/b"))
    for task, why in (("video-classification", "takes no videos"), ("mask-generation", "can't send what it finds")):
        with pytest.raises(RequestError, match=f"No endpoint can be asked for {task}: Hugging Face's container {why}"):
            await make_visitor(agent, "", ModelPreferences().add(task, "https://my.endpoints.huggingface.cloud"))
    with pytest.raises(RequestError, match="An endpoint can't be asked for canny-control from here"):
        await make_visitor(agent, TOKEN, ModelPreferences().add("canny-control", "https://host/x"))


def test_the_terminals_options_say_the_same() -> None:
    parser = argparse.ArgumentParser()
    add_preference_options(parser)
    options = "--pin tts=a/b --add text-to-image=https://h/x --ban c/d --where here --provider fal-ai --bill-to my-org"
    preferences = read_preferences(parser.parse_args(options.split()), Settings(bill_to="owner-org"))
    assert preferences == ModelPreferences(
        {"text-to-speech": "a/b"}, frozenset({"c/d"}), (("text-to-image", "https://h/x"),), "here", "fal-ai", "my-org"
    )
