"""The four stages over one session, told as one stream of events."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.base import PlanRequest, RespondRequest
from hugginggpt.core.errors import ControllerError, HuggingGPTError, RequestError
from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    Event,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    TaskDone,
    TaskPlanned,
    TaskStarted,
)
from hugginggpt.core.settings import Settings
from hugginggpt.core.trace import fold_steps, trace_json
from hugginggpt.response.responder import MAX_ANSWER_CHARS
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Failing, Planner, Quick, Threaded, say

CHAIN = [
    {"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Hello."}},
    {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
]


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return Session(workspace)


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick(names=["one", "two"])], fallback=Planner(name="built in"), settings=settings)


async def record_events(agent: HuggingGPT, session: Session, controller: Any, text: str = "Do it.", **more: Any) -> list[Event]:
    return [event async for event in agent.run(text, session, controller, **more)]


def select_events(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def test_the_four_stages_are_told_in_order(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([CHAIN]))
    assert [type(event) for event in events[:4]] == [RequestStarted, TaskPlanned, TaskPlanned, Planned]
    for task_id in (0, 1):
        kinds = [type(event) for event in events if getattr(event, "task_id", None) == task_id]
        assert kinds == [ModelSelected, TaskStarted, TaskDone]
    assert [type(event) for event in events[-4:]] == [AnswerDelta, AnswerDelta, Answered, RequestDone]
    assert select_events(events, Answered) == [Answered("Done: translation(Hello.)", True)]
    assert "".join(event.text for event in select_events(events, AnswerDelta)) == "Done: translation(Hello.)"


async def test_what_language_models_used_is_summed_by_stage(agent: HuggingGPT, session: Session) -> None:
    trace = trace_json(await record_events(agent, session, Planner([CHAIN])))
    assert trace["usage"]["calls"] == 3
    assert list(trace["usage"]["stages"]) == ["plan", "select", "respond"]


async def test_the_model_that_the_controller_selects_runs(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([CHAIN], prefers="quick/two"))
    assert [event.model.id for event in select_events(events, TaskDone)] == ["quick/two"] * 2
    assert select_events(events, ModelSelected)[0].reason == "It suits."


async def test_a_model_that_does_not_exist_is_not_selected(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([CHAIN], prefers="gpt-99"))
    assert [event.model.id for event in select_events(events, TaskDone)] == ["quick/one"] * 2
    assert select_events(events, ModelSelected)[0].reason == "Hosted; first in the list."


async def test_when_selection_fails_the_first_models_are_taken_and_it_is_told(agent: HuggingGPT, session: Session) -> None:
    class Undecided(Planner):
        async def select(self, *_: Any) -> Any:
            raise ControllerError("The key is refused.")

    events = await record_events(agent, session, Undecided([CHAIN]))
    assert "The key is refused." in select_events(events, Notice)[0].message
    assert len(select_events(events, TaskDone)) == 2


async def test_a_plan_that_cannot_be_repaired_is_asked_for_once_more_with_the_complaint(
    agent: HuggingGPT, session: Session
) -> None:
    planner = Planner([[{"task": "make-coffee"}], CHAIN])
    events = await record_events(agent, session, planner)
    assert planner.complaints[0] == ""
    assert "make-coffee" in planner.complaints[1]
    assert len(select_events(events, TaskDone)) == 2


async def test_a_second_bad_plan_fails_the_request_in_a_sentence(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([[{"task": "make-coffee"}]] * 2))
    assert "make-coffee" in select_events(events, RequestFailed)[0].error
    assert isinstance(events[-1], RequestDone)


async def test_a_plan_without_tasks_is_answered(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([[]], answer="Hello! "))
    assert select_events(events, Answered)[0].complete
    assert select_events(events, Answered)[0].answer.startswith("Hello!")


@pytest.mark.parametrize(
    ("text", "part"), [("", "empty"), (" \n ", "empty"), ("x" * 100_000, "100,000 characters")], ids=["", "blank", "long"]
)
async def test_a_request_that_cannot_be_worked_on_is_refused_and_the_next_one_works(
    text: str, part: str, agent: HuggingGPT, session: Session
) -> None:
    planner = Planner([CHAIN])
    events = await record_events(agent, session, planner, text)
    assert [type(event) for event in events] == [RequestStarted, RequestFailed, RequestDone]
    assert part in select_events(events, RequestFailed)[0].error
    assert select_events(await record_events(agent, session, planner), Answered)


async def test_a_file_without_words_is_asked_about(agent: HuggingGPT, session: Session) -> None:
    cat = session.workspace.add_file(MEDIA / "cat.jpg")
    events = await record_events(agent, session, Planner(), "", attached=[cat])
    assert select_events(events, RequestFailed)[0].error == "What should be done with cat.jpg? Write it in a sentence."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ControllerError("The key is refused."), "The key is refused."),
        (RequestError("I can't read Chinese."), "I can't read Chinese."),
        (KeyError("secret"), "Something broke inside this program (KeyError); the log says more."),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_controller_that_fails_to_plan_costs_one_request_and_not_the_session(
    error: Exception, message: str, agent: HuggingGPT, session: Session
) -> None:
    planner = Planner([error, CHAIN])
    assert select_events(await record_events(agent, session, planner), RequestFailed) == [RequestFailed(message)]
    assert select_events(await record_events(agent, session, planner), Answered)


async def test_a_controller_that_plans_for_ever_is_given_up_on(session: Session, settings: Settings) -> None:
    class Pondering(Planner):
        async def plan(self, request: PlanRequest) -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            yield {}

    agent = HuggingGPT([Quick()], fallback=Planner(), settings=settings.model_copy(update={"plan_seconds": 0.1}))
    events = await record_events(agent, session, Pondering())
    assert "took longer than 0.1 s to plan" in select_events(events, RequestFailed)[0].error


async def test_when_the_controller_cannot_answer_the_built_in_one_does(agent: HuggingGPT, session: Session) -> None:
    class Silent(Planner):
        async def respond(self, request: RespondRequest) -> AsyncIterator[Any]:
            raise ControllerError("The quota is used up.")
            yield ""

    events = await record_events(agent, session, Silent([CHAIN]))
    assert "The quota is used up." in select_events(events, Notice)[0].message
    assert select_events(events, Answered)[0].answer == "Done: translation(Hello.)"


async def test_when_every_task_failed_the_answer_is_not_complete(session: Session, settings: Settings) -> None:
    agent = HuggingGPT([Failing()], fallback=Planner(), settings=settings)
    events = await record_events(agent, session, Planner([CHAIN]))
    assert [step.status for step in fold_steps(events)] == ["failed", "skipped"]
    assert not select_events(events, Answered)[0].complete


async def test_a_task_without_any_model_says_so(session: Session, settings: Settings) -> None:
    agent = HuggingGPT([Quick(tasks=["text-to-speech"])], fallback=Planner(), settings=settings)
    step = fold_steps(await record_events(agent, session, Planner([CHAIN])))[0]
    assert step.status == "failed"
    assert "translation" in step.error


async def test_the_next_request_knows_what_was_said_and_made(agent: HuggingGPT, session: Session) -> None:
    cat = session.workspace.add_file(MEDIA / "cat.jpg")
    await record_events(agent, session, Planner([CHAIN]), "First.", attached=[cat])
    turn = session.turns[0]
    assert (turn.request, turn.answer) == ("First.", "Done: translation(Hello.)")
    assert [resource.name for resource in turn.resources] == ["image-1", "text-1", "audio-1"]


async def test_an_answer_that_names_what_does_not_exist_is_told_apart(agent: HuggingGPT, session: Session) -> None:
    events = await record_events(agent, session, Planner([CHAIN], answer="See text-1 and image-7. "))
    assert select_events(events, Notice)[-1].message == "The answer names image-7, which does not exist."


async def test_an_answer_without_end_is_cut_and_its_inventions_are_told_in_a_line(agent: HuggingGPT, session: Session) -> None:
    answer = " ".join(f"image-{n}" for n in range(1_000, 30_000))
    events = await record_events(agent, session, Planner([CHAIN], answer=answer))
    (answered,) = select_events(events, Answered)
    assert answered.answer == answer[:MAX_ANSWER_CHARS]
    cut, invented = (notice.message for notice in select_events(events, Notice))
    assert cut == "The answer is longer than 200,000 characters; the rest is cut."
    assert len(invented) < 400


async def test_a_name_that_the_person_or_a_result_wrote_is_no_invention(agent: HuggingGPT, session: Session) -> None:
    plan = [{"task": "text-generation", "id": 0, "args": {"text": "see image-8"}}]
    events = await record_events(agent, session, Planner([plan], answer="image-8, table-3: "), text="What about table-3?")
    assert select_events(events, Notice) == []


async def test_an_example_that_a_plan_names_stands_in_the_trace_and_in_the_history(agent: HuggingGPT, session: Session) -> None:
    draw = {"task": "canny-control", "args": {"image": "cat.jpg"}}
    events = await record_events(agent, session, Planner([[draw | {"id": n} for n in range(3)]]))
    assert [r["origin"] for r in trace_json(events)["resources"]].count("cat.jpg") == 1
    assert session.turns[0].resources[0].origin.label == "cat.jpg"


async def test_a_request_is_not_answered_by_a_step_on_the_way(session: Session, settings: Settings) -> None:
    agent = HuggingGPT([Quick(tasks=["image-to-text"])], fallback=Planner(), settings=settings)
    read = {"task": "image-to-text", "id": 0, "args": {"image": "cat.jpg"}}
    translate = {"task": "translation", "id": 1, "args": {"text": "<resource>-0"}}
    assert not select_events(await record_events(agent, session, Planner([[read, translate]])), Answered)[0].complete
    assert select_events(await record_events(agent, session, Planner([[read]])), Answered)[0].complete


async def test_without_results_a_failed_answer_is_a_failed_request(agent: HuggingGPT, session: Session) -> None:
    class Mute(Planner):
        async def respond(self, request: RespondRequest) -> AsyncIterator[Any]:
            raise ControllerError("The line is dead.")
            yield ""

    events = await record_events(agent, session, Mute([[]]))
    assert select_events(events, RequestFailed)[0].error == "The line is dead."
    assert select_events(events, Answered) == []


async def test_a_failed_request_leaves_no_turn(agent: HuggingGPT, session: Session) -> None:
    await record_events(agent, session, Planner([ControllerError("No network.")]))
    assert session.turns == ()


async def test_a_sessions_own_back_end_serves_that_session_alone(agent: HuggingGPT, session: Session) -> None:
    assert [card.id for card in agent.candidates([Quick("hosted")])["translation"].cards][-1] == "hosted/model"
    assert "hosted/model" not in [card.id for card in agent.candidates()["translation"].cards]


async def test_a_plan_alone_says_what_its_planner_remarks(agent: HuggingGPT, session: Session) -> None:
    plan = await agent.plan("Do it.", session, Planner([[Notice("The coffee is left out."), *CHAIN]]))
    assert plan.notes == ("The coffee is left out.",)
    assert len(plan.tasks) == len(CHAIN)


async def test_a_plan_alone_runs_nothing(agent: HuggingGPT, session: Session) -> None:
    plan = await agent.plan("Do it.", session, Planner([CHAIN]))
    assert plan.as_json() == CHAIN
    assert session.workspace.resources == ()
    with pytest.raises(HuggingGPTError):
        await agent.plan("", session, Planner())


async def test_closing_the_stream_stops_the_request_at_once(session: Session, settings: Settings, stuck: Threaded) -> None:
    stuck.slot = "cuda:0"
    agent = HuggingGPT([stuck], fallback=Planner(), settings=settings)
    stream = agent.run("Do it.", session, Planner([[say(0, "x")]]))
    async for event in stream:
        if isinstance(event, Planned):
            break
    assert await asyncio.to_thread(stuck.started.wait, 5)
    begun = time.monotonic()
    await stream.aclose()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 4  # it would wait for half a minute
    assert not stuck.stopped.is_set()


async def test_a_stopped_request_frees_its_slot_for_the_next(session: Session, settings: Settings, stuck: Threaded) -> None:
    stuck.slot, stuck.tasks = "cuda:0", ["translation"]
    agent = HuggingGPT([stuck, Quick(slot="cuda:0", tasks=["text-generation"])], fallback=Planner(), settings=settings)
    reading = asyncio.create_task(record_events(agent, session, Planner([CHAIN[:1]])))
    assert await asyncio.to_thread(stuck.started.wait, 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(1):
        events = await record_events(agent, session, Planner([[say(0, "next")]]))
    assert fold_steps(events)[0].status == "done"


async def test_a_trace_of_the_whole_has_no_path_but_its_resources(agent: HuggingGPT, session: Session) -> None:
    trace = trace_json(await record_events(agent, session, Planner([CHAIN])))
    paths = [resource.pop("path", None) for resource in trace["resources"]]
    assert str(session.workspace.folder) in str(paths)
    assert str(session.workspace.folder) not in str(trace)


async def test_two_sessions_run_side_by_side(agent: HuggingGPT, settings: Settings) -> None:
    with Workspace.create(settings) as one, Workspace.create(settings) as two:
        both = await asyncio.gather(
            record_events(agent, Session(one), Planner([[say(0, "red")]])),
            record_events(agent, Session(two), Planner([[say(0, "blue")]])),
        )
    assert ["red" in select_events(events, Answered)[0].answer for events in both] == [True, False]


async def test_of_a_request_that_is_refused_for_its_length_only_the_beginning_is_told(
    agent: HuggingGPT, session: Session
) -> None:
    events = await record_events(agent, session, Planner(), "Do it, " * 1_000_000)
    assert select_events(events, RequestStarted)[0].request.startswith("Do it, Do it")
    assert select_events(events, RequestFailed)[0].error.startswith(
        "The request is 7,000,000 characters long and 32,000 is the limit"
    )
    assert len(repr(events)) < 2_000
