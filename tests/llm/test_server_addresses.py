"""Which addresses a language model's server may have: on a public Space not those of the Space's own network."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.ssrf import is_public
from hugginggpt.llm.client import LanguageModel
from tests.scripted_server import KEY, ScriptedServer, completion, pieces, redirect, scripted_server
from tests.workspace.test_fetch import NameServer, only_first_loopback

HELLO = [{"role": "user", "content": "Hello"}]
PRIVATE = "is a private address, which this server may not reach: run the app on your own machine."
UNREACHABLE = "can't be reached: check the base URL and the network."


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.will(completion("Hi."))
        yield running


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def named(server: ScriptedServer, host: str) -> str:
    return server.base_url.replace("127.0.0.1", host)


async def asked(model: LanguageModel, *, stream: bool) -> str:
    if not stream:
        return (await model.complete(HELLO, "plan"))[0]
    return "".join([piece async for piece in model.stream(HELLO, "respond") if isinstance(piece, str)])


@pytest.mark.parametrize("stream", [False, True])
async def test_an_allowed_address_is_talked_to(server: ScriptedServer, stream: bool) -> None:
    server.replies[:] = [pieces("Hi.") if stream else completion("Hi.")]
    model = LanguageModel("tiny", server.base_url, KEY, seconds=5, allowed=only_first_loopback)
    await model.check()
    assert not server.asked
    assert await asked(model, stream=stream) == "Hi."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_private_address_in_any_spelling_is_refused(server: ScriptedServer, host: str, stream: bool) -> None:
    model = LanguageModel("tiny", named(server, host), KEY, seconds=5, allowed=is_public)
    for call in (model.check(), asked(model, stream=stream)):
        with pytest.raises(ControllerError) as refusal:
            await call
        assert str(refusal.value) == f"{host.strip('[]')} {PRIVATE}"
    assert not server.asked


async def test_at_home_any_address_is_talked_to_and_no_name_is_looked_up_before(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LanguageModel("tiny", server.base_url, KEY, seconds=5)
    assert await asked(model, stream=False) == "Hi."
    names = NameServer(["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    await LanguageModel("tiny", "http://not-yet-started.test/v1").check()
    assert names.asked == []


async def test_a_name_that_is_private_by_the_time_of_the_call_is_refused(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = NameServer(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    model = LanguageModel("tiny", named(server, "rebinding.test"), KEY, seconds=5, allowed=only_first_loopback)
    await model.check()
    with pytest.raises(ControllerError) as refusal:
        await asked(model, stream=False)
    assert str(refusal.value) == f"rebinding.test {PRIVATE}"
    assert names.asked == ["rebinding.test"] * 2
    assert not server.asked


async def test_the_address_that_was_checked_is_the_one_connected_to(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = NameServer(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    model = LanguageModel("tiny", named(server, "rebinding.test"), KEY, seconds=5, allowed=only_first_loopback)
    assert await asked(model, stream=False) == "Hi."
    assert names.asked == ["rebinding.test"]
    assert server.asked[0].headers["host"].startswith("rebinding.test:")


async def test_a_host_that_no_name_server_knows_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    model = LanguageModel("tiny", "http://bücher.test/v1", KEY, seconds=5, allowed=is_public)
    for call in (model.check(), asked(model, stream=False)):
        with pytest.raises(ControllerError) as refusal:
            await call
        assert str(refusal.value) == f"bücher.test {UNREACHABLE}"


async def test_a_key_that_cannot_be_sent_is_found_by_the_check() -> None:
    with pytest.raises(ControllerError, match="holds a blank"):
        await LanguageModel("tiny", "http://127.0.0.1/v1", f"{KEY} {KEY}").check()


@pytest.mark.parametrize("allowed", [None, only_first_loopback])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_redirect_is_not_followed(server: ScriptedServer, allowed: Any, stream: bool) -> None:
    with scripted_server() as other:
        other.will(completion("a secret of the neighbour"))
        server.replies[:] = [redirect(f"{other.base_url}/chat/completions")]
        model = LanguageModel("tiny", server.base_url, KEY, seconds=5, allowed=allowed)
        with pytest.raises(ControllerError) as refusal:
            await asked(model, stream=stream)
        assert str(refusal.value) == (
            "127.0.0.1 sends requests on to another address, which is not followed: check the base URL."
        )
        assert not other.asked


async def test_a_proxy_of_the_environment_is_used_at_home_alone(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", named(server, "127.0.0.1").removesuffix("/v1"))
    assert await asked(LanguageModel("tiny", "http://behind.test/v1", seconds=5), stream=False) == "Hi."
    assert server.asked[0].path == "http://behind.test/v1/chat/completions"
    guarded = LanguageModel("tiny", "http://127.0.0.1:9/v1", seconds=5, allowed=only_first_loopback)
    with pytest.raises(ControllerError, match=UNREACHABLE):
        await asked(guarded, stream=False)
    assert len(server.asked) == 1


@pytest.mark.parametrize("proxy", ["nonsense://me:secret@host:1", "http://me:secret@h:port", "socks5://me:secret@127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_used_is_one_sentence(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(ControllerError, match=r"^The proxy that the environment names can't be used: [^.]*\.$") as refusal:
        await asked(LanguageModel("tiny", server.base_url, seconds=5), stream=False)
    assert refusal.value.__context__ is None
