"""A language model as the controller: real HTTP, the real client, the agent around it."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.llm.plan_prompt import build_plan_schema, format_task_list, select_task_types
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import AnswerDelta, Answered, Event, ModelSelected, Notice, Planned, RequestDone, RequestFailed
from hugginggpt.core.recording import Turn
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import trace_json
from hugginggpt.experts.llm import TextWorkExpert
from hugginggpt.llm.client import LanguageModel
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Quick, attached, made
from tests.scripted_server import KEY, Reply, ScriptedServer, completion, error, pieces, raw

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
SAY = {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}
PLAN = {"tasks": [READ, SAY]}
ANSWER = pieces("It says ", "20417.", prompt=200, made=20)


@pytest.fixture
def model(server: ScriptedServer) -> LanguageModel:
    return LanguageModel("tiny", server.base_url, KEY, seconds=5)


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick(names=["one", "two"])], fallback=RulesController(), settings=settings)


class RecordedEvents(list[Event]):
    """The events of one request."""

    def select(self, kind: type) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]

    @property
    def answer(self) -> str:
        return str(self.select(Answered)[0].answer)


@pytest.fixture
def ask(agent: HuggingGPT, workspace: Workspace, model: LanguageModel) -> Any:
    session = Session(workspace)

    async def run(text: str = "Read it aloud.", *, files: bool = True, extra: Any = ()) -> RecordedEvents:
        given = [workspace.add_file(MEDIA / "sign.jpg")] if files else []
        return RecordedEvents([event async for event in agent.run(text, session, LLMController(model), given, extra=extra)])

    return run


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(PLAN),
        f"Sure! Here is the plan:\n```json\n{json.dumps(PLAN, indent=1)}\n```\nTell me if {{anything}} is missing.",
        json.dumps([READ, SAY]),
        json.dumps(PLAN).replace("}]", "},]"),
        json.dumps(PLAN).replace('"', "'"),
        json.dumps(PLAN)[:-3],
        f"<think>Maybe {json.dumps(READ)} first?</think>{json.dumps(PLAN)}",
    ],
)
async def test_a_plan_is_read_whatever_stands_around_it(server: ScriptedServer, ask: Any, written: str) -> None:
    server.will(completion(written), error(500), error(500), error(500), ANSWER)
    (planned,) = (await ask()).select(Planned)
    assert planned.plan.as_json() == made(READ, SAY, given=[attached("image-1")]).as_json()


async def test_the_planning_question_holds_tasks_demonstrations_resources_and_the_request(
    server: ScriptedServer, ask: Any, table: TaskTable
) -> None:
    server.will(completion(PLAN), completion({"selections": []}), ANSWER)
    await ask("Read “it” \\ aloud:\n\tplease {now}.")
    asked = server.asked[0]
    assert format_task_list(table) in asked.body["messages"][0]["content"]
    assert len(asked.body["messages"]) >= 2 + 2 * 2  # demonstrations come as questions and answers
    assert "image-1 “sign.jpg”" in asked.last
    assert asked.last.endswith("Request: Read “it” \\ aloud:\n\tplease {now}.\nGuess: image-to-text, text-to-speech")
    assert str(MEDIA) not in asked.text
    assert asked.body["response_format"]["json_schema"]["schema"] == build_plan_schema(
        select_task_types(table, [attached("image-1")], [], ["text-to-speech"]), [attached("image-1")]
    )


async def test_what_never_changes_comes_first(server: ScriptedServer, ask: Any) -> None:
    server.will(completion({"tasks": [], "answer": "Hi."}))
    await ask("Describe it.")
    await ask("Hello there, who are you?", files=False)
    first, second = (asked.body["messages"][0] for asked in server.asked)
    assert first == second


async def test_a_plan_that_is_refused_is_asked_for_once_more_with_the_complaint(server: ScriptedServer, ask: Any) -> None:
    server.will(completion([{"task": "make-coffee", "id": 0}]), completion(PLAN), completion("{}"), ANSWER)
    recorded = await ask()
    assert len(recorded.select(Planned)) == 1
    assert "Your last plan was refused:" in server.asked[1].last
    assert "make-coffee" in server.asked[1].last
    assert "Request: Read it aloud." in server.asked[1].last
    assert recorded.answer == "It says 20417."


async def test_a_reply_that_is_longer_than_any_plan_is_not_read_on(server: ScriptedServer, ask: Any) -> None:
    too_long = pieces('[{"task": "', "ab" * 50_000, "ab" * 50_000, '"}]'), pieces("x" * 200_001)
    server.will(*too_long, completion("{}"), ANSWER)
    recorded = await ask()
    assert "wrote more than any plan: try another model." in recorded.select(Notice)[0].message
    assert "Your last plan was refused: " in server.asked[1].last


async def test_while_a_long_reply_is_read_others_have_their_turn(server: ScriptedServer) -> None:
    turns, during = 0, []

    class OnePiece(LanguageModel):
        """A model whose server sends the whole reply at once."""

        async def stream(self, *args: Any, **options: Any) -> AsyncGenerator[str]:  # type: ignore[override]
            before = turns
            yield json.dumps({"tasks": [READ] * 2_000})  # 150,000 characters
            during.append(turns - before)

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(take_turns())
    controller = LLMController(OnePiece("tiny", server.base_url, KEY))
    assert len([item async for item in controller.plan(PlanRequest("Read it.", ()))]) >= 2_000
    other.cancel()
    assert during[0] >= 30


async def test_an_empty_plan_is_answered_directly(server: ScriptedServer, ask: Any) -> None:
    server.will(completion({"tasks": []}), pieces("I am ", "HuggingGPT."))
    recorded = await ask("Hello, who are you?", files=False)
    assert recorded.answer == "I am HuggingGPT."
    assert recorded.select(Answered)[0].complete
    assert json.loads(server.asked[1].last)["steps"] == []


async def test_the_answer_comes_in_pieces_and_is_written_from_the_results(server: ScriptedServer, ask: Any) -> None:
    server.will(completion(PLAN), completion("{}"), ANSWER)
    recorded = await ask()
    assert [event.text for event in recorded.select(AnswerDelta)] == ["It says ", "20417."]
    facts = json.loads(server.asked[-1].last)
    assert not [step for step in facts["steps"] if "status" in step]  # it is told where something is not done
    assert facts["steps"][0]["results"][0]["text"] == "image-to-text(image-1)"
    assert facts["steps"][1]["results"][0]["name"] == "audio-1"
    assert "/" not in facts["steps"][1]["results"][0]["name"]


async def test_the_answer_knows_what_was_said_before(server: ScriptedServer, ask: Any) -> None:
    server.will(completion({"tasks": []}), pieces("Hello, Ines."), completion({"tasks": []}), pieces("Ines."))
    await ask("My name is Ines.", files=False)
    await ask("What is my name?", files=False)
    assert "My name is Ines." in server.asked[2].last
    assert json.loads(server.asked[3].last)["earlier"] == [{"request": "My name is Ines.", "answer": "Hello, Ines."}]


@pytest.mark.parametrize("bad", [error(401), error(500), raw("<html/>", "text/html"), pieces("It", breaks_off=True), pieces()])
async def test_an_answer_that_fails_is_replaced_by_the_built_in_one_and_said_so(
    server: ScriptedServer, ask: Any, bad: Reply
) -> None:
    server.will(completion({"tasks": [READ]}), completion("{}"), bad)
    recorded = await ask()
    assert "image-to-text" in recorded.answer
    assert recorded.select(Notice)[0].message.startswith("tiny (127.0.0.1) could not write the answer (")


async def test_tokens_are_counted_for_each_stage(server: ScriptedServer, ask: Any, model: LanguageModel) -> None:
    choose = {"selections": [{"task": 0, "id": "tiny", "reason": "Best."}]}
    plan = {"tasks": [{"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Hallo."}}]}
    server.will(
        completion(plan, prompt=1000, made=50),
        completion(choose, prompt=300, made=30),
        completion("Hello.", prompt=20, made=2),
        pieces("Hello.", prompt=200, made=5),
    )
    recorded = await ask("Translate “Hallo.”", files=False, extra=[TextWorkExpert(model)])
    stages = {
        usage.stage: (usage.calls, usage.prompt_tokens, usage.completion_tokens)
        for usage in recorded.select(RequestDone)[0].usage
    }
    assert stages == {"plan": (1, 1000, 50), "select": (1, 300, 30), "work": (1, 20, 2), "respond": (1, 200, 5)}
    assert recorded.select(ModelSelected)[0].model.id == "tiny"


@pytest.mark.parametrize(
    ("reply", "chosen"),
    [
        ({"selections": [{"task": 0, "id": "quick/two", "reason": "It suits."}]}, "quick/two"),
        ({"selections": [{"task": "0", "id": "quick/two"}]}, "quick/two"),
        ([{"ID": "quick/two", "Reason": "x"}], "quick/two"),
        ({"id": "quick/two", "reason": "It suits."}, "quick/two"),
        ({"choice": {"id": "quick/two", "reason": "It suits."}}, "quick/two"),
        ({"id": "gpt-99", "reason": "x"}, "quick/one"),
        ({"selections": [{"task": 0, "id": "gpt-99", "reason": "It is the best."}]}, "quick/one"),
        ({"selections": [{"task": 7, "id": "quick/two", "reason": "x"}]}, "quick/one"),
        ({"selections": [{"task": 0, "id": ["quick/two"], "reason": "x"}]}, "quick/one"),
        ({"selections": [{"task": {}, "id": None}, 3, "x"]}, "quick/one"),
        ("I like them all.", "quick/one"),
    ],
)
async def test_a_model_is_chosen_among_the_candidates_or_the_first_is_taken(
    server: ScriptedServer, ask: Any, reply: Any, chosen: str
) -> None:
    server.will(completion({"tasks": [READ]}), completion(reply), ANSWER)
    (selected,) = (await ask()).select(ModelSelected)
    assert selected.model.id == chosen


async def test_a_selection_that_fails_costs_only_the_choice(server: ScriptedServer, ask: Any) -> None:
    server.will(completion({"tasks": [READ]}), error(429), error(429), ANSWER)
    recorded = await ask()
    assert recorded.select(ModelSelected)[0].model.id == "quick/one"
    assert "did not choose the models (127.0.0.1 is over its rate limit" in recorded.select(Notice)[0].message
    assert recorded.answer == "It says 20417."


async def test_a_server_without_schemas_plans_all_the_same(server: ScriptedServer, ask: Any) -> None:
    server.will(error(400), error(400), completion(PLAN), completion("{}"), ANSWER)
    assert len((await ask()).select(Planned)[0].plan.tasks) == 2


@pytest.mark.parametrize("bad", [error(401, "no {key}"), raw("<html/>", "text/html"), completion("")])
async def test_a_server_that_fails_at_planning_ends_the_request_with_one_sentence(
    server: ScriptedServer, ask: Any, bad: Reply
) -> None:
    server.will(bad)
    recorded = await ask()
    (failed,) = recorded.select(RequestFailed)
    assert "127.0.0.1" in failed.error
    assert isinstance(recorded[-1], RequestDone)


async def test_the_key_is_in_no_event_no_trace_and_no_log(
    server: ScriptedServer, ask: Any, model: LanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "openai", "httpx2", "httpcore2", "hugginggpt"):
        caplog.set_level(logging.DEBUG, name)
    echo = error(401, "Incorrect API key provided: {key}.")
    server.will(completion({"tasks": [READ]}), echo, echo)
    recorded = await ask(extra=[TextWorkExpert(model)])
    assert recorded.select(Notice)
    assert "HTTP Response: POST 401" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in f"{list(recorded)!r} {json.dumps(trace_json(recorded))}"


async def test_a_long_history_is_cut_and_the_request_never(server: ScriptedServer, model: LanguageModel) -> None:
    server.will(completion({"tasks": []}))
    turns = tuple(Turn(f"request {n} " + "x" * 10_000, "answer", ()) for n in range(20))
    request = PlanRequest("please " * 2_000 + "THE END", turns=turns)
    async for _ in LLMController(model).plan(request):
        pass
    last = server.asked[0].last
    assert last.endswith("THE END")
    assert "request 19" in last
    assert "request 11" not in last
    assert len(last) < len(request.text) + 3_500
