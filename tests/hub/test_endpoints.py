"""The account's dedicated endpoints, listed over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hugginggpt.agent.model_preferences import choose_endpoint_task
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.endpoints import ListedEndpoint, list_endpoints
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.hosted_server import TOKEN, HostedServer


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as server:
        yield server


async def ask(hub: HostedServer, token: str = TOKEN) -> list[ListedEndpoint]:
    return [*await list_endpoints(token, HubAddresses(hub.url, hub.url, hub.url))]


async def test_those_of_the_account_and_its_organisations_are_listed_running_ones_first(hub: HostedServer) -> None:
    hub.organisations = ["acme", "closed"]
    asleep = hub.endpoint("image-to-text", path="a")
    shared = hub.endpoint("text-classification", path="b", owner="acme")
    hub.endpoint("text-classification", path="c", owner="a-stranger")
    hub.states["/endpoint/a"] = "scaledToZero"
    hub.faults["/v2/endpoint/closed"].append(at_server.status(403))  # one that may not be seen hides no others
    assert await ask(hub) == [
        ListedEndpoint("b", "acme", "owner/name", "text-classification", "running", shared),
        ListedEndpoint("a", "tester", "owner/name", "image-to-text", "scaledToZero", asleep),
    ]
    assert {*hub.tokens} <= {f"Bearer {TOKEN}", None}


async def test_who_has_none_has_an_empty_list(hub: HostedServer) -> None:
    assert await ask(hub) == []


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/whoami-v2", 401, "Hugging Face refused the token"),
        ("/v2/endpoint", 403, "The token may not list its account's endpoints: give it the permission"),
        ("/v2/endpoint", 401, "The token may not list its account's endpoints: give it the permission"),
        ("/v2/endpoint", 500, "Hugging Face's list of endpoints has trouble of its own"),
        ("/api/whoami-v2", 503, "Hugging Face's list of endpoints is overloaded or down"),
    ],
)
async def test_a_list_that_can_not_be_had_says_what_to_do(hub: HostedServer, path: str, status: int, said: str) -> None:
    hub.faults[path].append(at_server.status(status))
    with pytest.raises(HuggingGPTError, match=said) as caught:
        await ask(hub)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("tag", "task"),
    [
        ("image-to-text", "image-to-text"),
        ("ner", "token-classification"),
        ("feature-extraction", "sentence-similarity"),
        ("sentence-embeddings", "sentence-similarity"),
        ("image-text-to-text", "visual-question-answering"),
        ("custom", ""),
        ("", ""),
    ],
)
def test_the_task_of_an_endpoint_is_read_off_its_tag(tag: str, task: str) -> None:
    assert choose_endpoint_task(ListedEndpoint("a", "me", "o/m", tag, "running", "https://a")) == task
