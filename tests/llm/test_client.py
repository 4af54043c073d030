"""One language model over real HTTP: what it sends, what it reads, and one sentence for everything that goes wrong."""

import gzip
import logging
import re
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.events import Usage
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.completions import ThoughtFilter, strip_thoughts
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion, error, hang_up, pieces, raw, redirect, silence

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-server-own",
    "OPENAI_ADMIN_KEY": "sk-server-admin",
    "OPENAI_ORG_ID": "org-server",
    "OPENAI_PROJECT_ID": "proj-server",
    "OPENAI_WEBHOOK_SECRET": "whsec-server",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/server",
    "OPENAI_CUSTOM_HEADERS": "X-Team: team-server\nAuthorization: Bearer sk-server-header",
    "HF_TOKEN": "hf-server",
}


@pytest.fixture
def model(server: ScriptedServer) -> LanguageModel:
    return LanguageModel("tiny", server.base_url, KEY, seconds=5)


async def refusal(model: LanguageModel, *, stream: bool = False, schema: Any = None) -> ControllerError:
    async def streamed() -> list[Any]:
        return [piece async for piece in model.stream(HELLO, "respond")]

    with pytest.raises(ControllerError) as caught:
        await (streamed() if stream else model.complete(HELLO, "plan", schema=schema))
    return caught.value


def chain(fault: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that hangs on it."""
    if fault is not None:
        yield fault
        yield from chain(fault.__cause__)
        yield from chain(fault.__context__)


async def test_a_reply_comes_with_what_it_cost(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion("Hi.", prompt=7, made=2))
    assert await model.complete(HELLO, "plan") == ("Hi.", Usage("plan", 1, 7, 2))
    assert server.asked[0].path == "/v1/chat/completions"
    assert server.asked[0].body == {"model": "tiny", "messages": HELLO}


async def test_a_reply_without_usage_costs_a_call(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(raw('{"choices": [{"message": {"role": "assistant", "content": "Hi."}}]}'))
    assert await model.complete(HELLO, "plan") == ("Hi.", Usage("plan", 1, 0, 0))


async def test_a_wrong_key_is_not_tried_again_without_the_schema(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(error(401))
    await refusal(model, schema=SCHEMA)
    assert len(server.asked) == 1


async def test_an_answer_comes_in_pieces_and_then_what_it_cost(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(pieces("It ", "says ", "20417.", prompt=50, made=5))
    heard = [piece async for piece in model.stream(HELLO, "respond")]
    assert heard == ["It ", "says ", "20417.", Usage("respond", 1, 50, 5)]


async def test_one_hiccup_of_the_server_is_not_noticed(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(error(503), completion("Hi."))
    assert (await model.complete(HELLO, "plan"))[0] == "Hi."


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Hi.", "Hi."),
        ("<think>An invoice, so...</think>\n\nHi.", "Hi."),
        ("  <think>a</think>b <think>c", "b <think>c"),
        ("1 < 2", "1 < 2"),
        ("<th", ""),
        ("<think>still at it", ""),
        ("<think>a</think>", ""),
        ("  Hi.", "  Hi."),
    ],
)
def test_thoughts_are_no_part_of_a_reply_however_it_is_cut_in_pieces(reply: str, said: str) -> None:
    assert strip_thoughts(reply) == said
    for size in (1, 2, 5):
        thoughts = ThoughtFilter()
        assert "".join(thoughts.feed(reply[at : at + size]) for at in range(0, len(reply), size)) == said


@pytest.mark.parametrize("begin", ["<think>", "", " ", "<think></think>"])
def test_a_reply_without_end_is_looked_at_once(begin: str) -> None:
    """600 kB in pieces of two letters."""
    thoughts, started = ThoughtFilter(), time.process_time()
    thoughts.feed(begin)
    for _ in range(300_000):
        thoughts.feed("  " if begin == " " else "ab")
    assert time.process_time() - started < 5  # the whole anew at each piece: a minute
    assert len(thoughts._held) < 100


async def test_what_was_thought_and_not_said_is_counted(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(pieces("<think>", "hm", prompt=50, made=5))
    heard: list[Any] = []

    async def hear() -> None:
        async for piece in model.stream(HELLO, "plan"):
            heard.append(piece)

    with pytest.raises(ControllerError, match="answered nothing"):
        await hear()
    assert heard == [Usage("plan", 1, 50, 5)]


async def test_thoughts_are_left_out_of_a_stream(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(pieces("<th", "ink>An inv", "oice</thi", "nk>\n\n", "It ", "says."))
    heard = [piece async for piece in model.stream(HELLO, "respond") if isinstance(piece, str)]
    assert heard == ["It ", "says."]


SENTENCES = [
    (error(400), "127.0.0.1 did not accept the request: the model “tiny” may not fit it."),
    (error(401), "127.0.0.1 refused the key: check it, or enter another one."),
    (error(402), "The account at 127.0.0.1 is out of credit: top it up, or use another key."),
    (error(403), "The key may not use “tiny” at 127.0.0.1: choose another model, or give the key that permission."),
    (error(404), "127.0.0.1 serves no model “tiny”: check the name and the base URL, or choose another model."),
    (error(413), "The request is too long for “tiny” at 127.0.0.1: shorten it, or choose another model."),
    (error(422), "127.0.0.1 did not accept the request: the model “tiny” may not fit it."),
    (error(429), "127.0.0.1 is over its rate limit or the account is out of quota: wait a minute, or check the account."),
    (error(429, code="insufficient_quota"), "The account at 127.0.0.1 is out of credit: top it up, or use another key."),
    (
        error(400, code="context_length_exceeded"),
        "The request is too long for “tiny” at 127.0.0.1: shorten it, or choose another model.",
    ),
    (redirect("/v2"), "127.0.0.1 sends requests on to another address, which is not followed: check the base URL."),
    (error(418), "127.0.0.1 has no chat completions at this address: check the base URL."),
    (error(500), "127.0.0.1 has trouble of its own (status 500): try again in a minute."),
    (error(503), "127.0.0.1 has trouble of its own (status 503): try again in a minute."),
    (raw("<html>Welcome</html>", "text/html"), "127.0.0.1 answered something that is no chat completion: check the base URL."),
    (raw("{not json"), "127.0.0.1 answered something that is no chat completion: check the base URL."),
    (raw('{"detail": "hello"}'), "127.0.0.1 answered something that is no chat completion: check the base URL."),
]
WHOLE_ONLY = [
    (raw('{"choices": [{"index": 0}]}'), "127.0.0.1 answered something that is no chat completion: check the base URL."),
    (raw('{"id": "x", "choices": null}'), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (raw('{"object": "chat.completion", "choices": []}'), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (raw("[1, 2]"), "127.0.0.1 answered something that is no chat completion: check the base URL."),
    (completion(""), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (completion(None), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (completion("<think>hm</think>"), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (
        completion('{"tasks": [{"ta', finish="length"),
        "“tiny” at 127.0.0.1 ran out of room in the middle of its reply: shorten the request, or choose another model.",
    ),
]
STREAM_ONLY = [
    (pieces(), "“tiny” at 127.0.0.1 answered nothing: try again, or another model."),
    (pieces("It", breaks_off=True), "127.0.0.1 broke off in the middle of its answer: try again in a minute."),
    (pieces("It", fault="oops"), "127.0.0.1 broke off in the middle of its answer: try again in a minute."),
    (
        pieces("It", fault="overloaded"),
        "“tiny” at 127.0.0.1 is too busy just now: try again in a minute, or choose another model.",
    ),
]


@pytest.mark.parametrize(("reply", "sentence"), SENTENCES + WHOLE_ONLY)
async def test_a_failure_is_one_sentence(server: ScriptedServer, model: LanguageModel, reply: Reply, sentence: str) -> None:
    server.will(reply)
    assert str(await refusal(model)) == sentence


@pytest.mark.parametrize(("reply", "sentence"), SENTENCES + STREAM_ONLY)
async def test_a_failing_stream_is_one_sentence(
    server: ScriptedServer, model: LanguageModel, reply: Reply, sentence: str
) -> None:
    server.will(reply)
    assert str(await refusal(model, stream=True)) == sentence


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_hangs_up_is_one_sentence(server: ScriptedServer, model: LanguageModel, stream: bool) -> None:
    server.will(hang_up)
    fault = await refusal(model, stream=stream)
    assert str(fault) == "127.0.0.1 can't be reached: check the base URL and the network."


async def test_no_server_is_one_sentence() -> None:
    with socket.socket() as taken:  # bound, not listening: the port answers nobody
        taken.bind(("127.0.0.1", 0))
        fault = await refusal(LanguageModel("tiny", f"http://127.0.0.1:{taken.getsockname()[1]}/v1", KEY))
    assert str(fault) == "127.0.0.1 can't be reached: check the base URL and the network."


@pytest.mark.parametrize("stream", [False, True])
async def test_a_silent_server_is_waited_for_once(server: ScriptedServer, stream: bool) -> None:
    server.will(silence)
    fault = await refusal(LanguageModel("tiny", server.base_url, KEY, seconds=1), stream=stream)
    assert str(fault) == "127.0.0.1 did not answer within 1 s: try again, or another model."
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        *["", "localhost:11434/v1", "ftp://host/v1", "http://", "http://u:pass@host/v1", KEY, "http://a b/v1", "http://a\n/v1"],
        *["http:///v1", "http://[", "http://[bad", "http://[::1", "http://h:99999/v1", "http://h:0/v1", "http://h:x/v1"],
        *[f"http://{'a' * 300}/v1", f"http://{'a.' * 150}com/v1", "http://a..b/v1", "http://.a/v1"],
        *["http://\u2100.com/v1", "http://\u00fc-.com/v1", "http://\ud800.com/v1", f"http://{'ü' * 300}/v1"],
    ],
    ids=ascii,
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_bad_base_url_is_refused_and_not_repeated(url: str, stream: bool) -> None:
    model = LanguageModel("tiny", url, KEY)
    fault = await refusal(model, stream=stream)
    with pytest.raises(ControllerError, match="The base URL is not valid"):
        await model.check()
    assert str(fault) == "The base URL is not valid: write it like https://host/v1, without a name or password in it."
    assert "pass" not in model.server + repr(model)
    assert KEY not in model.server + repr(model)


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY} {KEY}", f"{KEY}…", "\x00" + KEY])
async def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(server: ScriptedServer, key: str) -> None:
    fault = await refusal(LanguageModel("tiny", server.base_url, key))
    assert str(fault) == "The key for 127.0.0.1 holds a blank or a sign that no key has: copy it again."
    assert not server.asked


TELLTALE = [error(status, "Incorrect API key provided: {key}.") for status in (400, 401, 403, 429, 500)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reply", [*TELLTALE, hang_up, pieces("It", fault=f"bad key {KEY}"), raw(f'{{"k": "{KEY}"')])
async def test_the_key_is_in_no_exception_and_in_no_log(
    server: ScriptedServer, model: LanguageModel, caplog: pytest.LogCaptureFixture, reply: Reply, stream: bool
) -> None:
    for name in ("", "openai", "httpx2", "httpcore2", "hugginggpt"):
        caplog.set_level(logging.DEBUG, name)
    server.will(reply)
    fault = await refusal(model, stream=stream, schema=SCHEMA)
    logging.getLogger("hugginggpt").error("it failed", exc_info=fault)
    assert "it failed" in caplog.text
    assert KEY not in caplog.text
    for link in chain(fault):
        assert KEY not in f"{link} {link!r} {link.args} {vars(link)}"


async def test_the_log_keeps_what_the_server_said_without_even_a_masked_key(
    server: ScriptedServer, model: LanguageModel
) -> None:
    server.will(error(401, "Incorrect API key provided: sk-visi********cret. It was {key}."))
    fault = await refusal(model)
    assert re.search(r"AuthenticationError.*Incorrect API key provided: \[key\].*Bearer \[key\]", str(fault.__cause__))


@pytest.mark.parametrize(("key", "sent"), [(KEY, f"Bearer {KEY}"), ("", "Bearer none")])
async def test_nothing_of_the_environment_is_sent(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, key: str, sent: str
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    server.will(completion("Hi."))
    await LanguageModel("tiny", server.base_url, key).complete(HELLO, "plan")
    headers = server.asked[0].headers
    assert headers["authorization"] == sent
    assert not {"openai-organization", "openai-project", "x-team"} & set(headers)
    assert "server" not in str(headers)


def test_a_model_shows_its_server_and_not_its_key() -> None:
    model = LanguageModel("gpt-5", "https://router.huggingface.co/v1", KEY)
    assert model.server == "router.huggingface.co"
    assert KEY not in f"{model} {model!r}"


async def test_an_answer_is_written_as_warmly_as_the_server_likes(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion("Hi."))
    await model.complete(HELLO, "respond")
    assert "temperature" not in server.asked[0].body


BOMB = gzip.compress(bytes(40 * 2**20))
ENDLESS = {
    "one event": b"x" * 2**16,
    "many events": b'data: {"choices": [], "padding": "' + b"x" * 2**16 + b'"}\n\n',
    "blanks": b" " * 2**16,
    "a bomb": BOMB,
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_server_that_sends_without_end_is_not_read_on(
    server: ScriptedServer, model: LanguageModel, kind: str, stream: bool
) -> None:
    def send(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        if kind == "a bomb":
            handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        with suppress(OSError):  # the client hangs up
            for _ in range(1 if kind == "a bomb" else 700):
                handler.wfile.write(ENDLESS[kind])
        handler.close_connection = True

    server.will(send)
    tracemalloc.start()
    message = str(await refusal(model, stream=stream))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message.startswith("127.0.0.1 answered more than a language model writes")
    assert most < 80 * 2**20  # the library joins what it reads, twice; without a limit it would be all there is
