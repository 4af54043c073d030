"""Refusals in the words of real servers: what is asked next, in how many requests, and the sentence."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hugginggpt.core.errors import ControllerError, TooLongError
from hugginggpt.core.refusals import parse_refusal
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.errors import ERROR_SENTENCES
from hugginggpt.llm.refusals import find_refusal
from tests.llm.replay import ROWS, refusal
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion

MESSAGES = [{"role": "system", "content": "Plan."}, {"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
MEANT = [
    pytest.param(row, reason, id=f"{reason}-{row['server']}")
    for reason in ROWS
    if reason != "parameters"
    for row in ROWS[reason]
]
HAS = {
    "stream": lambda body: bool(body.get("stream")),
    "stream_options": lambda body: "stream_options" in body,
    "temperature": lambda body: "temperature" in body,
    "schema": lambda body: body.get("response_format", {}).get("type") == "json_schema",
    "system": lambda body: body["messages"][0]["role"] == "system",
}
"""Tests of a request's body for each thing that may be refused, by its name in the table."""


async def ask(server: ScriptedServer, *, stream: bool) -> str:
    model = LanguageModel("tiny", server.base_url, KEY, seconds=10)
    if stream:
        return "".join([piece async for piece in model.stream(MESSAGES, "plan", schema=SCHEMA) if isinstance(piece, str)])
    return (await model.complete(MESSAGES, "plan", schema=SCHEMA))[0]


@pytest.mark.parametrize("row", ROWS["parameters"], ids=lambda row: f"{row['then']}-{row['server']}")
async def test_a_parameter_that_is_refused_is_left_out_from_then_on(server: ScriptedServer, row: Mapping[str, Any]) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        (refusal(row) if HAS[row["then"]](asked.body) else completion("{}"))(handler, asked)

    server.will(reply)
    stream = row["then"] in {"stream", "stream_options"}
    assert await ask(server, stream=stream) == "{}"
    assert len(server.asked) == 2, "one refusal, one further request"
    other = [name for name in HAS if name != row["then"] and HAS[name](server.asked[0].body)]
    kept = [name for name in other if HAS[name](server.asked[1].body) or (row["then"] == "stream" and name == "stream_options")]
    assert kept == other, "nothing else is given up"
    assert "Plan." in server.asked[1].text
    assert await ask(server, stream=stream) == "{}"
    assert len(server.asked) == 3, "it is remembered"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("row", "reason"), MEANT)
async def test_what_a_refusal_means_is_said_and_costs_no_further_request(
    server: ScriptedServer, row: Mapping[str, Any], reason: str, stream: bool
) -> None:
    server.will(refusal(row))
    with pytest.raises(ControllerError) as caught:
        await ask(server, stream=stream)
    sentence = ERROR_SENTENCES[reason].format(server="127.0.0.1", model="tiny", status=row["status"], wait="a minute")
    assert str(caught.value) == sentence
    assert isinstance(caught.value, TooLongError) == (reason == "too_long")
    retried = reason in {"rate", "busy"} and (row["status"] == 429 or row["status"] >= 500)  # a passing failure goes unnoticed
    assert len(server.asked) == 1 + retried
    assert KEY not in str(caught.value) + str(caught.value.__cause__)


async def test_a_refusal_that_names_nothing_costs_two_requests(server: ScriptedServer) -> None:
    server.will(refusal({"status": 400, "body": {"error": {"message": "Bad request"}}}))
    with pytest.raises(ControllerError, match="did not accept the request"):
        await ask(server, stream=True)
    forms = [sorted(name for name, has in HAS.items() if has(asked.body)) for asked in server.asked]
    assert forms == [
        ["schema", "stream", "stream_options", "system", "temperature"],
        ["stream", "stream_options", "system", "temperature"],
        ["stream", "system"],
    ]


@pytest.mark.parametrize(
    "words", ["System role not supported", "Unsupported parameter: 'temperature' is not supported with this model."]
)
async def test_a_refusal_that_names_what_is_not_sent_costs_two_requests(server: ScriptedServer, words: str) -> None:
    server.will(refusal({"status": 400, "body": {"error": {"message": words}}}))
    with pytest.raises(ControllerError, match="did not accept the request"):
        await ask(server, stream=True)
    assert len(server.asked) == 3


async def test_one_after_the_other_is_left_out_where_a_server_refuses_many(server: ScriptedServer) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        for name in ("temperature", "system", "stream_options", "schema"):
            if HAS[name](asked.body):
                row = next(row for row in ROWS["parameters"] if row["then"] == name)
                return refusal(row)(handler, asked)
        return completion("{}")(handler, asked)

    server.will(reply)
    assert await ask(server, stream=True) == "{}"
    assert len(server.asked) == 5
    assert await ask(server, stream=True) == "{}"
    assert len(server.asked) == 6


async def test_an_error_amid_a_reply_is_what_it_would_be_before_it(server: ScriptedServer) -> None:
    def broken(event: Any, *, finish: str | None = None) -> Reply:
        first = {"choices": [{"index": 0, "delta": {"content": "It"}, "finish_reason": finish}]}

        def reply(handler: BaseHTTPRequestHandler, _: Asked) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.end_headers()
            handler.wfile.write(f"data: {json.dumps(first)}\n\n{event}\n\n".encode())

        return reply

    async def hear() -> str:
        model = LanguageModel("tiny", server.base_url, KEY, seconds=10)
        try:
            pieces = [piece async for piece in model.stream(MESSAGES, "respond") if isinstance(piece, str)]
        except ControllerError as error:
            return str(error)
        return "".join(pieces)

    server.replies = [broken('event: error\ndata: {"error": {"message": "Overloaded", "type": "overloaded_error"}}')]
    assert await hear() == ERROR_SENTENCES["busy"].format(server="127.0.0.1", model="tiny")
    server.replies = [
        broken('data: {"choices": [{"index": 0, "delta": {}, "error": {"code": 402, "message": "no credits left"}}]}')
    ]
    assert "broke off" in await hear()
    server.replies = [broken('data: {"error": {"message": "rate limited", "code": 429}}', finish="length")]
    assert await hear() == "It", "it is cut off, whatever else is said"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hi."}]},
            "Hi.",
        ),
        ({"content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "."}]}, "Hi."),
        ({"content": ["Hi", "."]}, "Hi."),
        ({"content": "Hi.", "reasoning_content": "Hm.", "reasoning": "Hm."}, "Hi."),
        ({"content": [{"type": "output_text", "text": "Hi."}, {"type": "image_url", "image_url": {}}, 7, None]}, "Hi."),
        ({"content": None, "refusal": "I can't help with that."}, ERROR_SENTENCES["model_refused"]),
        ({"content": "", "refusal": None}, ERROR_SENTENCES["no_reply"]),
        ({"content": None, "reasoning_content": "Hm."}, ERROR_SENTENCES["no_reply"]),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_is_read_in_whatever_form_its_content_has(
    server: ScriptedServer, message: Mapping[str, Any], text: str, stream: bool
) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        key = "delta" if asked.body.get("stream") else "message"
        body = json.dumps({"choices": [{"index": 0, key: {"role": "assistant", **message}, "finish_reason": "stop"}]})
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream" if key == "delta" else "application/json")
        handler.end_headers()
        handler.wfile.write((f"data: {body}\n\ndata: [DONE]\n\n" if key == "delta" else body).encode())

    server.will(reply)
    model = LanguageModel("tiny", server.base_url, KEY, seconds=10)
    try:
        if stream:
            said = "".join([piece async for piece in model.stream(MESSAGES, "respond") if isinstance(piece, str)])
        else:
            said = (await model.complete(MESSAGES, "respond"))[0]
    except ControllerError as error:
        said = str(error)
    assert said == text.format(server="127.0.0.1", model="tiny")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[" * 10_000,
        "null",
        "7",
        '{"error": ' * 500,
        {"error": {"message": {"error": {"message": [1, [None]]}}}},
        {"loc": []},
    ],
    ids=lambda body: str(body)[:20],
)
def test_a_refusal_of_any_form_is_read(body: Any) -> None:
    refused = parse_refusal(body, 400)
    assert refused.status == 400
    assert refused.reason is None


def test_what_is_no_refusal_is_none() -> None:
    for reply in (None, "text", [], {}, {"choices": []}, {"choices": [{"delta": {}}]}, {"detail": "hello"}, {"error": None}):
        assert find_refusal(reply) is None
