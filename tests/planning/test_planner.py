"""Stage 1 over real HTTP: plans that come slowly, twice, in the wrong order, or not to their end; and plans for the rest."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    Event,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskStarted,
)
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.structured_output import OutputMode
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Failing, Quick, say
from tests.scripted_server import KEY, Reply, ScriptedServer, completion, error, pieces, refusing, whole

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
SAY = {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}
PLAN = json.dumps({"tasks": [READ, SAY], "answer": None})
FIRST = PLAN[: PLAN.index("}}") + 2]
ANSWER = pieces("It says ", "20417.")


Ask = Callable[..., Any]


@pytest.fixture
def ask(server: ScriptedServer, workspace: Workspace, settings: Settings) -> Ask:
    """Ask on experts of which each task has one; each event comes with the seconds since the request."""
    picture = workspace.add_file(MEDIA / "sign.jpg")

    async def run(text: str = "Read it aloud.", *experts: Any, files: bool = True, **more: Any) -> RecordedEvents:
        agent = HuggingGPT(experts or [Quick()], fallback=RulesController(), settings=settings.model_copy(update=more))
        controller = LLMController(LanguageModel("tiny", server.base_url, KEY, seconds=5))
        begun = time.monotonic()
        stream: AsyncIterator[Event] = agent.run(text, Session(workspace), controller, [picture] if files else [])
        return RecordedEvents([(time.monotonic() - begun, event) async for event in stream])

    return run


class RecordedEvents(list[tuple[float, Event]]):
    def select(self, kind: type) -> list[Any]:
        return [event for _, event in self if isinstance(event, kind)]

    def at(self, kind: type) -> float:
        return next(seconds for seconds, event in self if isinstance(event, kind))

    @property
    def done(self) -> list[int]:
        return [event.task_id for event in self.select(TaskDone)]


async def test_the_first_task_runs_while_the_rest_of_the_plan_is_still_written(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces(FIRST, 1.5, PLAN[len(FIRST) :]), ANSWER)
    recorded = await ask()
    assert recorded.at(TaskPlanned) <= recorded.at(TaskStarted) < recorded.at(Planned)
    assert recorded.at(TaskDone) < recorded.at(Planned)
    assert recorded.done == [0, 1]
    assert len(server.asked) == 2  # nothing had to be chosen


async def test_a_task_with_a_choice_waits_for_one_question_about_all_and_others_do_not(
    server: ScriptedServer, ask: Ask
) -> None:
    choose = {"selections": [{"task": 1, "id": "many/two", "reason": "It suits."}]}
    server.will(pieces(FIRST, 1.5, PLAN[len(FIRST) :]), completion(choose), ANSWER)
    one, many = Quick("one", tasks=["image-to-text"]), Quick("many", names=["one", "two"], tasks=["text-to-speech"])
    recorded = await ask("Read it aloud.", one, many)
    assert [(event.task_id, event.model.id) for event in recorded.select(ModelSelected)] == [(0, "one/model"), (1, "many/two")]
    assert recorded.select(ModelSelected)[1].reason == "It suits."
    assert recorded.at(TaskDone) < recorded.at(Planned)
    assert [asked.body.get("stream", False) for asked in server.asked] == [True, False, True]


@pytest.mark.parametrize(
    "cut", [pieces(FIRST, breaks_off=True), pieces(FIRST, fault="overloaded"), pieces(FIRST, finish="length")]
)
async def test_a_plan_that_is_cut_off_is_finished_by_a_second_question(server: ScriptedServer, ask: Ask, cut: Reply) -> None:
    server.will(cut, completion({"tasks": [SAY], "answer": None}), ANSWER)
    recorded = await ask()
    assert recorded.done == [0, 1]
    assert '"id": 0' in server.asked[1].last
    assert "with ids from 1 on" in server.asked[1].last
    assert [task.id for task in recorded.select(Planned)[-1].plan.tasks] == [0, 1]


async def test_what_was_planned_before_the_server_died_is_done_and_the_gap_is_told(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces(FIRST, breaks_off=True), error(401), ANSWER)
    recorded = await ask()
    assert recorded.done == [0]
    assert "The rest of the plan is missing: 127.0.0.1 refused the key" in recorded.select(Notice)[0].message
    assert not recorded.select(Answered)[0].complete
    (planning, _) = recorded.select(RequestDone)[0].usage
    assert planning.calls == 1  # what broke off was asked, and may cost


async def test_a_plan_that_breaks_off_after_its_last_task_is_whole(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces(FIRST, breaks_off=True), completion({"tasks": [], "answer": None}), ANSWER)
    recorded = await ask("Read it.")
    assert recorded.done == [0]
    assert recorded.select(Notice) == []
    assert recorded.select(Answered)[0].complete


async def test_what_was_wrong_in_a_plan_and_is_not_written_anew_is_missing(server: ScriptedServer, ask: Ask) -> None:
    wrong = json.dumps({"tasks": [READ, {"task": "make-coffee", "id": 1}], "answer": None})
    server.will(completion(wrong), completion({"tasks": [], "answer": None}), ANSWER)
    recorded = await ask("Read it, and make coffee.")
    assert recorded.done == [0]
    assert "The rest of the plan is missing: Task 1: the field task names “make-coffee”" in recorded.select(Notice)[0].message
    assert not recorded.select(Answered)[0].complete


async def test_a_plan_cut_off_before_its_first_task_is_asked_for_again(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces('{"tasks": [{"task": "image-', breaks_off=True), completion(PLAN), ANSWER)
    assert (await ask()).done == [0, 1]


async def test_tasks_that_come_twice_and_in_the_wrong_order_run_once_and_in_the_right_one(
    server: ScriptedServer, ask: Ask
) -> None:
    jumbled = [SAY, READ, SAY, READ]
    server.will(pieces(*json.dumps({"tasks": jumbled, "answer": None})), ANSWER)
    recorded = await ask()
    assert recorded.done == [0, 1]
    assert len(server.asked) == 2


async def test_a_stream_whose_pieces_are_doubled_is_no_plan_and_is_asked_for_again(server: ScriptedServer, ask: Ask) -> None:
    doubled = [piece for piece in (PLAN[n : n + 7] for n in range(0, len(PLAN), 7)) for _ in range(2)]
    server.will(pieces(*doubled), completion(PLAN), ANSWER)
    recorded = await ask()
    assert recorded.done == [0, 1]
    assert "Your last plan was refused" in server.asked[1].last or "Your plan went wrong" in server.asked[1].last


async def test_a_silent_server_is_given_up(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces(FIRST, 6.0, PLAN[len(FIRST) :]), ANSWER)
    recorded = await ask(plan_seconds=2.0)
    assert recorded.done == [0]
    assert "took longer than 2 s to plan" in recorded.select(Notice)[0].message


@pytest.mark.parametrize(
    ("replies", "rung"),
    [
        ([completion(PLAN)], OutputMode.SCHEMA),
        ([error(400, "no schema"), completion(PLAN)], OutputMode.OBJECT),
        (
            [refusing("response_format", completion(f"Here: {PLAN}")), *[refusing("response_format", completion(PLAN))] * 2],
            OutputMode.PLAIN,
        ),
        ([completion("Let me see."), completion(PLAN)], OutputMode.OBJECT),  # it took the schema and ignored it
    ],
)
async def test_every_rung_of_the_ladder_plans(server: ScriptedServer, ask: Ask, replies: list[Reply], rung: OutputMode) -> None:
    server.will(*replies, ANSWER)
    assert (await ask()).done == [0, 1]
    assert CAPABILITIES.get(server.base_url, "tiny").mode == rung


async def test_a_server_that_streams_nothing_is_asked_for_the_whole(server: ScriptedServer, ask: Ask) -> None:
    server.will(whole(PLAN), whole(PLAN), ANSWER)
    assert (await ask()).done == [0, 1]


async def test_a_server_that_streams_nothing_is_asked_for_no_stream_again(server: ScriptedServer, ask: Ask) -> None:
    server.will(whole(PLAN), whole(PLAN), whole("It says 20417."))
    assert (await ask()).select(Answered)[0].answer == "It says 20417."
    assert [asked.body.get("stream", False) for asked in server.asked] == [True, False, False]


async def test_a_plan_that_comes_as_a_whole_and_is_cut_off_is_finished_by_a_second_question(
    server: ScriptedServer, ask: Ask
) -> None:
    cut = whole(FIRST, {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}, "length")
    rest = whole(json.dumps({"tasks": [SAY], "answer": None}))
    server.will(cut, cut, rest, whole("It says 20417."))
    recorded = await ask()
    assert recorded.done == [0, 1]
    planning, _ = recorded.select(RequestDone)[0].usage
    assert (planning.calls, planning.prompt_tokens) == (2, 100)


async def test_an_answer_that_comes_as_a_whole_and_is_cut_off_stays_as_far_as_it_was_said(
    server: ScriptedServer, ask: Ask
) -> None:
    server.will(whole(PLAN), whole(PLAN), whole("It says 204", finish="length"))
    recorded = await ask()
    assert recorded.select(Answered)[0].answer == "It says 204"
    assert recorded.select(Notice) == []


async def test_a_refusal_that_quotes_the_schemas_images_is_about_the_schema(server: ScriptedServer, ask: Ask) -> None:
    quoting = error(400, "Invalid schema for response_format 'reply': In context=('$defs', 'image'): not supported")
    server.will(quoting, completion(PLAN), ANSWER)
    assert (await ask()).done == [0, 1]
    assert CAPABILITIES.get(server.base_url, "tiny").mode == OutputMode.OBJECT


async def test_a_server_in_trouble_is_not_asked_in_every_form(server: ScriptedServer, ask: Ask) -> None:
    server.will(error(500))
    recorded = await ask()
    assert "has trouble of its own (status 500)" in recorded.select(RequestFailed)[0].error
    assert len(server.asked) <= 4


async def test_tokens_in_an_odd_form_are_not_counted(server: ScriptedServer, ask: Ask) -> None:
    odd = {"prompt_tokens": "many", "completion_tokens": [3], "cost": "cheap"}
    server.will(pieces(PLAN, usage=odd), ANSWER)
    planning, _ = (await ask()).select(RequestDone)[0].usage
    assert (planning.calls, planning.prompt_tokens, planning.completion_tokens, planning.cost) == (1, 0, 0, None)


async def test_half_a_surrogate_pair_in_a_request_is_a_question_mark(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), ANSWER)
    assert (await ask("Read it \ud83d aloud.")).done == [0, 1]
    assert "Request: Read it ? aloud." in server.asked[0].last


async def test_a_server_without_stream_options_streams_all_the_same(server: ScriptedServer, ask: Ask) -> None:
    refused = refusing("stream_options", completion(PLAN))
    server.will(*[refused] * 4, ANSWER)
    assert (await ask()).done == [0, 1]
    assert CAPABILITIES.get(server.base_url, "tiny") == Capabilities(counts_tokens=False)


async def test_what_needs_no_model_is_answered_in_one_call_as_it_is_written(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces('{"tasks": [], "answer": "Hello', 0.3, ', Ines!"}'))
    recorded = await ask("Hello, I am Ines.", files=False)
    assert [event.text for event in recorded.select(AnswerDelta)] == ["Hello", ", Ines!"]
    assert recorded.select(Answered)[0].answer == "Hello, Ines!"
    assert recorded.at(AnswerDelta) < recorded.at(Planned)
    assert len(server.asked) == 1
    assert [usage.stage for usage in recorded.select(RequestDone)[0].usage] == ["plan"]


STORY = '{"tasks": [], "answer": "Once upon a time there was'


@pytest.mark.parametrize(
    "cut", [pieces(STORY, finish="length"), pieces(STORY, breaks_off=True), pieces(STORY, 6.0, ' a fox."}')]
)
async def test_an_answer_that_breaks_off_stays_as_far_as_it_was_said(server: ScriptedServer, ask: Ask, cut: Reply) -> None:
    server.will(cut)
    recorded = await ask("Tell me a story.", files=False, plan_seconds=3.0)
    assert recorded.select(Answered) == [Answered("Once upon a time there was", complete=False)]
    assert recorded.select(Notice)[0].message.startswith("The answer breaks off: ")
    assert len(server.asked) == 1


async def test_an_answer_may_take_longer_than_a_plan_as_long_as_it_goes_on(server: ScriptedServer, ask: Ask) -> None:
    server.will(pieces(STORY, 0.8, " a", 0.8, " fox", 0.8, '."}'))
    recorded = await ask("Tell me a story.", files=False, plan_seconds=2.0)
    assert recorded.select(Answered)[0].answer == "Once upon a time there was a fox."


async def test_words_of_a_try_that_failed_are_no_answer(server: ScriptedServer, ask: Ask) -> None:
    server.will(
        completion('{"tasks": [{"task": "make-coffee", "id": 0}], "answer": "Here"}'), completion({"tasks": []}), ANSWER
    )
    assert (await ask("Make coffee.", files=False)).select(Answered)[0].answer == "It says 20417."


async def test_thanks_are_answered_in_a_session_with_files(
    server: ScriptedServer, workspace: Workspace, settings: Settings
) -> None:
    server.will(completion(PLAN), ANSWER, completion("You're welcome!"))
    session, controller = Session(workspace), LLMController(LanguageModel("tiny", server.base_url, KEY))
    agent = HuggingGPT([Quick()], fallback=RulesController(), settings=settings)
    picture = workspace.add_file(MEDIA / "sign.jpg")
    for text, given in (("Read it aloud.", [picture]), ("Thanks!", [])):
        events = [event async for event in agent.run(text, session, controller, given)]
    assert [event.answer for event in events if isinstance(event, Answered)] == ["You're welcome!"]
    assert len(server.asked) == 3


async def test_prose_is_an_answer_where_there_is_nothing_to_be_wrong_about(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion("Hello!"))
    assert (await ask("Hello.", files=False)).select(Answered)[0].answer == "Hello!"


async def test_prose_about_a_file_is_not_taken_for_an_answer(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion("The picture shows a cat."), completion("Really, a cat."), ANSWER)
    recorded = await ask("What does this sign say?")
    assert recorded.select(Notice)[0].message == (
        "tiny (127.0.0.1) made no plan that can be used (tiny (127.0.0.1) answered no plan: try another model.); "
        "this one is built in."
    )
    assert recorded.done == [0]
    assert recorded.select(Answered)[0].answer == "It says 20417."


async def test_where_nobody_can_plan_the_first_refusal_is_told(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion([{"task": "make-coffee", "id": 0}]))
    recorded = await ask("Machst du mir einen Kaffee mit Milch?")
    assert "make-coffee" in recorded.select(RequestFailed)[0].error
    assert len(server.asked) == 2


DESCRIBE = {"task": "image-classification", "id": 2, "dep": [-1], "args": {"image": "image-1"}}


async def test_the_rest_is_planned_anew_once_when_a_task_fails_for_good(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), completion({"tasks": [DESCRIBE], "answer": None}), ANSWER)
    blind = Failing("blind", tasks=["image-to-text"], error=InputError("There is nothing to read in this picture."))
    recorded = await ask("Read it aloud.", blind, Quick(tasks=["image-classification", "text-to-speech"]))
    first, second = recorded.select(Planned)
    assert second.because == "Task 0 (image-to-text) failed: There is nothing to read in this picture."
    assert [task.id for task in second.plan.tasks] == [0, 1, 2]
    assert recorded.done == [2]
    assert "There is nothing to read in this picture." in server.asked[1].last
    assert len(server.asked) == 3
    assert len(first.plan.tasks) == 2


async def test_a_second_failure_is_answered_and_not_planned_around_again(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), completion({"tasks": [DESCRIBE], "answer": None}), ANSWER)
    recorded = await ask("Read it aloud.", Failing("broken", error=ExpertError("Out of order.")))
    assert len(recorded.select(TaskFailed)) == 2
    assert len(server.asked) == 3


async def test_a_new_plan_without_tasks_changes_nothing(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), completion({"tasks": [], "answer": "It can't be read."}), ANSWER)
    recorded = await ask("Read it aloud.", Failing("broken"))
    assert len(recorded.select(Planned)) == 1
    assert (
        "".join(event.text for event in recorded.select(AnswerDelta)) == recorded.select(Answered)[0].answer == "It says 20417."
    )


async def test_none_is_an_answer_to_whether_anything_else_can_help(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), completion("None."), ANSWER)
    recorded = await ask("Read it aloud.", Failing("broken"))
    assert recorded.select(Notice) == []
    assert len(server.asked) == 3


async def test_a_new_plan_that_repeats_what_was_done_does_not_do_it_again(server: ScriptedServer, ask: Ask) -> None:
    again = [READ | {"dep": []}, DESCRIBE]
    server.will(completion(PLAN), completion({"tasks": again, "answer": None}), ANSWER)
    recorded = await ask(
        "Read it aloud.", Quick(tasks=["image-to-text", "image-classification"]), Failing("mute", tasks=["text-to-speech"])
    )
    assert recorded.done == [0, 2]


async def test_a_second_plan_may_begin_to_count_anew(server: ScriptedServer, ask: Ask) -> None:
    anew = [DESCRIBE | {"id": 0}, SAY]
    server.will(completion({"tasks": [READ], "answer": None}), completion({"tasks": anew, "answer": None}), ANSWER)
    blind = Failing("blind", tasks=["image-to-text"])
    recorded = await ask("What is it?", blind, Quick(tasks=["image-classification", "text-to-speech"]))
    assert recorded.done == [2, 1]
    assert [task.dep for task in recorded.select(Planned)[-1].plan.tasks] == [(), (), (2,)]


async def test_new_plans_can_be_switched_off(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion(PLAN), ANSWER)
    await ask("Read it aloud.", Failing("broken"), replans=0)
    assert len(server.asked) == 2


class Mute(Quick):
    """Finds nothing to say."""

    async def run(self, call: Call) -> Result:
        return Result((Output(Kind.TEXT, text="  "),))


async def test_an_empty_result_shows_that_the_plan_was_wrong(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion({"tasks": [READ], "answer": None}), completion({"tasks": [DESCRIBE], "answer": None}), ANSWER)
    recorded = await ask("What is it?", Mute("mute", tasks=["image-to-text"]), Quick(tasks=["image-classification"]))
    assert recorded.select(Planned)[1].because == "Task 0 (image-to-text) gave an empty text."
    assert recorded.done == [0, 2]


async def test_stopping_while_the_plan_is_written_stops_the_tasks_that_have_begun(
    server: ScriptedServer, workspace: Workspace, settings: Settings
) -> None:
    server.will(pieces(json.dumps({"tasks": [say(0, "a")]})[:-2], 20.0, "]}"))
    slow = Quick(seconds=30)
    agent = HuggingGPT([slow], fallback=RulesController(), settings=settings)
    stream = agent.run("Write.", Session(workspace), LLMController(LanguageModel("tiny", server.base_url, KEY)))
    async for event in stream:
        if isinstance(event, TaskStarted):
            break
    begun = time.monotonic()
    await stream.aclose()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 10
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
