"""Waits that a server asks for, and what is said of them."""

import json
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from hugginggpt.core.errors import ControllerError
from hugginggpt.llm.client import LanguageModel
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion, raw


def limited(after: str) -> Reply:
    """429 with a Retry-After."""

    def reply(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", after)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


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
    with pytest.raises(ControllerError) as refusal:
        await (anext(model.stream([], "respond")) if stream else model.complete([], "plan"))
    assert str(refusal.value) == (
        f"127.0.0.1 is over its rate limit or the account is out of quota: wait {wait}, or check the account."
    )
    assert len(server.asked) == 1


async def test_a_wait_that_stands_in_words_alone_is_told_as_well(server: ScriptedServer) -> None:
    body = {"error": {"message": "Rate limit reached for model `tiny`. Please try again in 26m11.52s.", "code": "rate_limit"}}
    server.will(raw(json.dumps(body), status=429))
    with pytest.raises(ControllerError, match="wait 27 minutes, or check the account"):
        await LanguageModel("tiny", server.base_url, KEY, seconds=2).complete([], "plan")
    assert len(server.asked) == 1


async def test_a_short_wait_is_waited(server: ScriptedServer) -> None:
    server.will(limited("0.2"), completion("Hi."))
    assert (await LanguageModel("tiny", server.base_url, KEY, seconds=5).complete([], "plan"))[0] == "Hi."
    assert len(server.asked) == 2
