"""A model's window: what its server says of it, what it refuses, and what that leaves of a question."""

from __future__ import annotations

import json
import logging

import pytest

from hugginggpt.controllers.base import PlanRequest, RespondRequest
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.core.errors import TooLongError
from hugginggpt.core.events import Step
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.context_window import DEFAULT_WINDOW, parse_refusal_window
from tests.scripted_server import KEY, ScriptedServer, completion, error, pieces

LONG = Resource("text-1", Kind.TEXT, Origin("task", "automatic-speech-recognition", 0), text="and so on " * 5_000)
TURNS = tuple(Turn(f"request {n} {'x' * 200}", "an answer", ()) for n in range(8))
OVERFLOW = error(400, "This model's maximum context length is 2048 tokens. However, you requested 9000.")


@pytest.fixture
def model(server: ScriptedServer) -> LanguageModel:
    return LanguageModel("m", server.base_url, KEY, seconds=5)


async def plan(model: LanguageModel, request: PlanRequest) -> None:
    async for _ in LLMController(model).plan(request):
        pass


async def respond(model: LanguageModel) -> str:
    step = Step(Task("automatic-speech-recognition", 0), "done", outputs=(LONG,))
    request = RespondRequest("What is said?", (), Plan((step.task,)), (step,))
    return "".join([piece async for piece in LLMController(model).respond(request) if isinstance(piece, str)])


@pytest.mark.parametrize(
    ("refusal", "window"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens", 4096),
        ("the request exceeds the available context size (2048 tokens)", 2048),
        ("Invalid value", None),
        ("The limit is 60 requests per minute", None),
    ],
)
def test_a_refusal_names_it(refusal: str, window: int | None) -> None:
    assert parse_refusal_window(refusal) == window


async def test_a_server_is_asked_once(server: ScriptedServer, model: LanguageModel) -> None:
    server.models = {"data": [{"id": "m", "max_model_len": 4096}]}
    assert [await model.get_window() for _ in range(3)] == [4096] * 3
    assert server.listed == 1


async def test_a_server_that_does_not_tell_is_not_asked_again(server: ScriptedServer, model: LanguageModel) -> None:
    assert [await model.get_window() for _ in range(2)] == [DEFAULT_WINDOW] * 2
    assert server.listed == 1


async def test_what_was_said_before_gets_what_a_small_window_leaves(server: ScriptedServer, model: LanguageModel) -> None:
    server.models = {"data": [{"id": "m", "max_model_len": 2_200}]}
    server.will(completion({"tasks": [], "answer": "Hi."}))
    await plan(model, PlanRequest("the newest request", turns=TURNS))
    last = server.asked[0].last
    assert last.count("- request") == 3
    assert last.endswith("Request: the newest request")


async def test_nobody_asks_for_the_window_where_nothing_can_be_left_out(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion({"tasks": [], "answer": "Hi."}))
    await plan(model, PlanRequest("hello"))
    assert server.listed == 0


async def test_a_question_that_is_refused_as_too_long_is_asked_without_the_past(
    server: ScriptedServer, model: LanguageModel
) -> None:
    server.will(OVERFLOW, completion({"tasks": [], "answer": "Hi."}))
    await plan(model, PlanRequest("the newest request", turns=TURNS))
    first, second = server.asked
    assert len(first.text) > len(second.text) + 1_000
    assert second.last == "Request: the newest request"
    assert await model.get_window() == 2048


async def test_a_request_too_long_by_itself_is_refused_and_never_cut(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(OVERFLOW)
    with pytest.raises(TooLongError, match="The request is too long for “m” at 127"):
        await plan(model, PlanRequest("word " * 5_000))
    assert all(asked.last.endswith("word " * 4_999 + "word ") for asked in server.asked)


async def test_results_get_what_the_window_leaves(server: ScriptedServer, model: LanguageModel) -> None:
    server.models = {"data": [{"id": "m", "max_model_len": 4_500}]}
    server.will(pieces("It is long."))
    assert await respond(model) == "It is long."
    assert 5_000 < len(json.loads(server.asked[0].last)["steps"][0]["results"][0]["text"]) < 6_100


async def test_results_that_do_not_fit_are_told_shorter(server: ScriptedServer, model: LanguageModel) -> None:
    server.models = {"data": []}
    server.will(OVERFLOW, pieces("It is long."))
    assert await respond(model) == "It is long."
    assert len(server.asked[1].last) < 1_200


async def test_a_list_that_is_no_json_is_no_trouble(server: ScriptedServer, model: LanguageModel) -> None:
    server.models = "nothing"
    assert await model.get_window() == DEFAULT_WINDOW


async def test_a_server_that_cannot_be_asked_is_no_trouble_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hugginggpt")
    assert await LanguageModel("m", "no address", KEY).get_window() == DEFAULT_WINDOW
    assert caplog.messages == ["no list of models from an unknown server: ControllerError"]
