"""What is found out about a token: over real HTTP, to stand-ins of the Hub, and without a word of the token in what is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hugginggpt.core.errors import BackendError, ControllerError, HuggingGPTError
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.token_check import TokenOwner, check_token
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.hosted_server import TOKEN, HostedServer, refused_url


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    with HostedServer(HubCache(tmp_path_factory.mktemp("hosting"))) as server:
        yield server


def token(role: str, **fine: Any) -> dict[str, Any]:
    return {"name": "tester", "auth": {"type": "access_token", "accessToken": {"role": role} | fine}}


def fine_grained(everywhere: list[str], somewhere: list[str]) -> dict[str, Any]:
    scoped = [{"entity": {"type": "user", "name": "tester"}, "permissions": somewhere}]
    return token("fineGrained", fineGrained={"global": everywhere, "scoped": scoped, "canReadGatedRepos": True})


@pytest.mark.parametrize(
    ("answer", "account"),
    [
        (token("read"), TokenOwner("tester", may_call=True)),
        (token("write"), TokenOwner("tester", may_call=True)),
        (fine_grained(["inference.serverless.write"], []), TokenOwner("tester", may_call=True)),
        (fine_grained([], ["repo.content.read", "inference.serverless.write"]), TokenOwner("tester", may_call=True)),
        ({"name": "tester", "auth": {"type": "oauth"}}, TokenOwner("tester", may_call=None)),
        ({"name": "tester"}, TokenOwner("tester", may_call=None)),
        ({"name": ["tester"], "auth": []}, TokenOwner("", may_call=None)),
        (["tester"], TokenOwner("", may_call=None)),
    ],
)
async def test_the_hub_tells_whose_a_token_is_and_what_it_may_do(hub: HostedServer, answer: Any, account: TokenOwner) -> None:
    hub.faults["/api/whoami-v2"].append(at_server.status(200, answer))
    assert await check_token(TOKEN, HubAddresses(hub.url, hub.url)) == account
    assert {*hub.tokens} == {f"Bearer {TOKEN}"}


async def test_a_token_without_the_permission_is_told_what_it_lacks(hub: HostedServer) -> None:
    hub.faults["/api/whoami-v2"].append(at_server.status(200, fine_grained(["discussion.write"], ["repo.content.read"])))
    with pytest.raises(ControllerError, match="The token of tester may not call Inference Providers: give it the permission"):
        await check_token(TOKEN, HubAddresses(hub.url, hub.url))


@pytest.mark.parametrize("code", [404, 429])
async def test_a_hub_that_will_not_say_leaves_it_open(hub: HostedServer, code: int) -> None:
    hub.faults["/api/whoami-v2"].append(at_server.status(code))
    assert await check_token(TOKEN, HubAddresses(hub.url, hub.url)) == TokenOwner("", may_call=None)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (at_server.status(401, {"error": "Invalid token hf_wrong"}), "Hugging Face refused the token: check it"),
        (at_server.status(403), "may not read the Hub"),
        (at_server.status(503), "overloaded or down"),
        (at_server.no_json(), "answered something that can't be used"),
        (at_server.reset(), "broke off in the middle"),
        (at_server.hang(), "did not answer within 0.5 s"),
    ],
)
async def test_what_fails_at_the_hub_is_said_in_a_sentence(
    hub: HostedServer, caplog: pytest.LogCaptureFixture, fault: at_server.Fault, said: str
) -> None:
    caplog.set_level("DEBUG", "hugginggpt")
    hub.accounts.add("hf_wrong")
    hub.faults["/api/whoami-v2"].append(fault)
    with pytest.raises(HuggingGPTError) as refused:
        await check_token("hf_wrong", HubAddresses(hub.url, hub.url), seconds=0.5)
    assert said in str(refused.value)
    assert "hf_wrong" not in str(refused.value) + caplog.text


async def test_a_hub_that_is_not_there_is_said_too() -> None:
    with pytest.raises(BackendError, match="can't be reached: check the network"):
        await check_token(TOKEN, HubAddresses(refused_url(), refused_url()))
