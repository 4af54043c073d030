"""Requests in the strictest form that a server accepts, which is found out once and remembered."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hugginggpt.core.errors import BrokenOffError
from hugginggpt.core.events import Usage
from hugginggpt.llm.capabilities import Capabilities
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.structured_output import OutputMode
from tests.scripted_server import KEY, ScriptedServer, completion, error, pieces, raw, refusing

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.fixture
def model(server: ScriptedServer) -> LanguageModel:
    return LanguageModel("tiny", server.base_url, KEY, seconds=5)


def forms(server: ScriptedServer) -> list[str | None]:
    """Output mode of each request."""
    return [asked.body.get("response_format", {}).get("type") for asked in server.asked]


async def test_a_schema_is_sent_as_a_strict_one(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion("{}"))
    await model.complete(HELLO, "plan", schema=SCHEMA)
    form = server.asked[0].body["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}


async def test_a_server_that_takes_no_schema_is_asked_without_one(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(refusing("response_format", completion("{}")))
    text, _ = await model.complete(HELLO, "plan", schema=SCHEMA)
    assert text == "{}"
    assert forms(server) == ["json_schema", "json_object", None]
    await model.complete(HELLO, "plan", schema=SCHEMA)
    assert forms(server)[3:] == [None]  # what was found out is remembered


async def test_a_server_that_takes_json_without_a_schema_is_held_to_that(server: ScriptedServer, model: LanguageModel) -> None:
    def no_schemas(handler: Any, asked: Any) -> None:
        strict = asked.body.get("response_format", {}).get("type") == "json_schema"
        (error(400, "json_schema is not supported") if strict else completion('{"answer": 1}'))(handler, asked)

    server.will(no_schemas)
    for _ in range(2):
        await model.complete(HELLO, "plan", schema=SCHEMA)
    assert forms(server) == ["json_schema", "json_object", "json_object"]


async def test_a_server_that_takes_a_schema_and_ignores_it_is_noticed(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion("Of course! Here is the plan: []"))
    for _ in range(3):
        await model.complete(HELLO, "plan", schema=SCHEMA)
    assert forms(server) == ["json_schema", "json_object", None]


async def test_a_passing_trouble_says_nothing_about_what_a_server_takes(server: ScriptedServer, model: LanguageModel) -> None:
    kept = completion('{"answer": 1}')
    server.will(error(500), error(500), kept, kept)
    for _ in range(2):
        await model.complete(HELLO, "plan", schema=SCHEMA)
    assert forms(server) == ["json_schema", "json_schema", "json_object", "json_schema"]


async def test_each_model_at_a_server_is_found_out_for_itself(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion("No JSON."))
    await model.complete(HELLO, "plan", schema=SCHEMA)
    assert model.capabilities.mode is OutputMode.OBJECT
    assert replace(model, model="another").capabilities == Capabilities()


async def test_a_server_that_counts_no_streamed_tokens_is_asked_without(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(refusing("stream_options", pieces("Hi.")))
    assert [piece async for piece in model.stream(HELLO, "respond")] == ["Hi.", Usage("respond", 1, 0, 0)]
    assert model.capabilities == Capabilities(counts_tokens=False)  # what that says of schemas is nothing


async def test_a_plan_is_no_place_for_chance_where_the_server_takes_a_temperature(
    server: ScriptedServer, model: LanguageModel
) -> None:
    server.will(refusing("temperature", completion('{"a": 1}')))
    for _ in range(2):
        assert (await model.complete(HELLO, "plan", schema={"required": ["a"]}))[0] == '{"a": 1}'
    assert [asked.body.get("temperature") for asked in server.asked] == [0, None, None]
    assert {asked.body["response_format"]["type"] for asked in server.asked} == {"json_schema"}


@pytest.mark.parametrize(
    "words",
    [
        # Alibaba Cloud Model Studio: https://help.aliyun.com/zh/model-studio/error-code
        "This model only support stream mode, please enable the stream parameter to access the model. ",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "Requests with max_tokens > 4096 must have stream=true",  # Fireworks
        "Streaming is strongly recommended for operations that may take longer than 10 minutes",  # Anthropic
        "This model requires streaming. Please set stream to true.",
        "Non-streaming requests are not supported for this model",
    ],
)
async def test_a_model_that_can_only_stream_is_asked_to(server: ScriptedServer, model: LanguageModel, words: str) -> None:
    def streams_alone(handler: Any, asked: Any) -> None:
        (pieces("{", "}") if asked.body.get("stream") else error(400, words))(handler, asked)

    server.will(streams_alone)
    text, usage = await model.complete(HELLO, "plan", schema=SCHEMA)
    assert (text, usage.calls) == ("{}", 1)
    assert [bool(asked.body.get("stream")) for asked in server.asked] == [False, True]
    assert forms(server) == ["json_schema"] * 2  # nothing else is given up
    assert await model.complete(HELLO, "plan", schema=SCHEMA)
    assert len(server.asked) == 3


async def test_what_breaks_off_is_no_reply_of_one_that_can_only_stream(server: ScriptedServer, model: LanguageModel) -> None:
    def cuts(handler: Any, asked: Any) -> None:
        (pieces("{", finish="length") if asked.body.get("stream") else error(400, "only supports streaming"))(handler, asked)

    server.will(cuts)
    with pytest.raises(BrokenOffError, match="ran out of room"):
        await model.complete(HELLO, "plan", schema=SCHEMA)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: Field required"}},
        ),  # Anthropic
        (422, {"detail": [{"type": "missing", "loc": ["body", "max_tokens"], "msg": "Field required"}]}),  # FastAPI
        (400, {"error": {"message": "Missing required parameter: 'max_tokens'.", "code": "missing_required_parameter"}}),
        (400, {"message": "The required field max_tokens is missing"}),
        (400, {"error": "you must provide max_tokens"}),
    ],
)
async def test_a_server_that_wants_a_limit_of_tokens_gets_one(
    server: ScriptedServer, model: LanguageModel, status: int, body: Any
) -> None:
    def wants_limit(handler: Any, asked: Any) -> None:
        (completion("{}") if "max_tokens" in asked.body else raw(json.dumps(body), status=status))(handler, asked)

    server.will(wants_limit)
    assert (await model.complete(HELLO, "plan", schema=SCHEMA))[0] == "{}"
    assert [asked.body.get("max_tokens") for asked in server.asked] == [None, 4096]
    assert await model.complete(HELLO, "plan", schema=SCHEMA)
    assert [asked.body.get("max_tokens") for asked in server.asked[2:]] == [4096]
