"""How long a server asks to wait, and what is said of it."""

import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.http import asked_wait
from hugginggpt.llm.client import LanguageModel
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion


def limited(after: str) -> Reply:
    """429 with a Retry-After."""

    def reply(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", after)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Mon, 99 Foo 2020"}, 0),
        ({"retry-after": formatdate(0, usegmt=True)}, 0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7),
    ],
)
def test_a_wait_is_read_whatever_its_form(headers: dict[str, str], seconds: float) -> None:
    assert asked_wait(headers) == seconds


def test_a_wait_until_a_date_is_read() -> None:
    assert 50 < asked_wait({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("after", "wait"),
    [
        ("5", "5 s"),
        ("100", "100 s"),
        ("600", "10 minutes"),
        ("10000", "3 hours"),
        ("9" * 300, "more than a day"),
        (formatdate(4e9, usegmt=True), "more than a day"),
    ],
)
async def test_a_wait_beyond_the_deadline_is_told_at_once(server: ScriptedServer, after: str, wait: str, stream: bool) -> None:
    server.will(limited(after))
    model = LanguageModel("tiny", server.base_url, KEY, seconds=2)
    begun = time.monotonic()
    with pytest.raises(ControllerError) as refusal:
        await (anext(model.stream([], "respond")) if stream else model.complete([], "plan"))
    assert str(refusal.value) == (
        f"127.0.0.1 is over its rate limit or the account is out of quota: wait {wait}, or check the account."
    )
    assert time.monotonic() - begun < 1
    assert len(server.asked) == 1


async def test_a_short_wait_is_waited(server: ScriptedServer) -> None:
    server.will(limited("0.2"), completion("Hi."))
    assert (await LanguageModel("tiny", server.base_url, KEY, seconds=5).complete([], "plan"))[0] == "Hi."
    assert len(server.asked) == 2
