"""Requests in the strictest form that a server accepts, which is found out once and remembered."""

from dataclasses import replace
from typing import Any

import pytest

from hugginggpt.core.events import Usage
from hugginggpt.llm.capabilities import Capabilities
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.structured_output import OutputMode
from tests.scripted_server import KEY, ScriptedServer, completion, error, pieces, refusing

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
