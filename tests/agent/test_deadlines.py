"""Every stage and the whole request have one deadline, which nothing that a server sends moves on.

A server that drips sends a little again and again, so that no single wait is long; the servers here do so over real sockets.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import Answered, Event, ModelSelected, Notice, RequestDone, RequestFailed, TaskDone, TaskFailed
from hugginggpt.core.settings import Settings
from hugginggpt.llm.client import LanguageModel
from hugginggpt.planning.approval import Approved, Proposal
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import Planner, Quick, WebServer
from tests.scripted_server import KEY, Asked, Reply, ScriptedServer, completion, pieces

SHORT = 0.5
"""A stage's time in these tests, in seconds."""
LONG = 60.0
"""Least time that a stage would take without a deadline, in seconds; no test waits for it."""
TASK = {"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Hello.", "language": "German"}}
SLOW = {"task": "summarization", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}
PLAN = completion({"tasks": [TASK], "answer": None})


def drip(beginning: str = "", *, streamed: bool = True) -> Reply:
    """Send the beginning of a reply, then a blank every moment until the client has gone."""
    if streamed:
        return pieces(beginning, *[part for _ in range(int(LONG / 0.05)) for part in (" ", 0.05)])

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(int(LONG / 0.05)):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    return reply


Ask = Callable[..., Any]


@pytest.fixture
def ask(server: ScriptedServer, workspace: Workspace, settings: Settings) -> Ask:
    """Ask a language model with settings of one's own; the built-in planner stands behind it."""

    async def run(*experts: Any, text: str = "Say hello in German.", **limits: Any) -> list[Event]:
        agent = HuggingGPT(experts or [Quick()], fallback=RulesController(), settings=settings.model_copy(update=limits))
        controller = LLMController(LanguageModel("tiny", server.base_url, KEY))
        async with asyncio.timeout(LONG / 2):
            return [event async for event in agent.run(text, Session(workspace), controller)]

    return run


def select_events(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("beginning", ["", '{"tasks": ['])
async def test_a_plan_that_drips_is_given_up_on(server: ScriptedServer, ask: Ask, beginning: str) -> None:
    server.will(drip(beginning))
    (failed,) = select_events(await ask(plan_seconds=SHORT), RequestFailed)
    assert failed.error == "tiny (127.0.0.1) took longer than 0.5 s to plan: try again, or another model."


async def test_an_answer_without_a_plan_has_an_answers_time_however_many_words_come(server: ScriptedServer, ask: Ask) -> None:
    server.will(drip('{"tasks": [], "answer": "Once upon a time'))
    events = await ask(plan_seconds=LONG, respond_seconds=SHORT)
    (answered,) = select_events(events, Answered)
    assert answered.answer.startswith("Once upon a time")
    assert not answered.complete
    assert "took longer than 0.5 s to answer" in select_events(events, Notice)[0].message


async def test_a_choice_of_models_that_drips_costs_the_choice(server: ScriptedServer, ask: Ask) -> None:
    def answer(handler: BaseHTTPRequestHandler, asked: Asked) -> None:  # on a busy machine the question may not be sent in time
        (completion("Hallo.") if asked.body.get("stream") else drip(streamed=False))(handler, asked)

    server.will(PLAN, answer)
    events = await ask(Quick(names=["one", "two"]), select_seconds=SHORT)
    assert select_events(events, ModelSelected)[0].model.id == "quick/one"
    assert "did not choose the models (it took too long)" in select_events(events, Notice)[0].message
    assert select_events(events, Answered)[0].complete


async def test_a_back_end_that_does_not_say_what_it_has_is_left_out(server: ScriptedServer, ask: Ask) -> None:
    class Pondering(Quick):
        def cards(self, tasks: Any = None) -> Any:
            gone.wait(LONG)
            return super().cards(tasks)

    gone = threading.Event()
    server.will(PLAN, completion("Hallo."))
    events = await ask(Pondering("pondering"), Quick(), select_seconds=SHORT)
    gone.set()
    assert [event.model.id for event in select_events(events, TaskDone)] == ["quick/model"]
    assert (
        select_events(events, Notice)[0].message
        == "The pondering models for translation were not listed within 0.5 s: left out."
    )


async def test_a_task_whose_address_drips_fails_in_a_tasks_time(web: WebServer, settings: Settings) -> None:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:  # until nobody reads any more
            handler.wfile.write(b" ")
            time.sleep(0.05)

    web.pages["/a.txt"] = page
    limits = settings.model_copy(update={"task_seconds": SHORT, "fetch_seconds": LONG})
    plan = [{"task": "summarization", "id": 0, "args": {"text": web.url("/a.txt")}}]
    agent = HuggingGPT([Quick()], fallback=Planner(), settings=limits)
    with Workspace.create(limits, allowed=lambda address: address == "127.0.0.1") as workspace:
        events = [event async for event in agent.run("Sum it up.", Session(workspace), Planner([plan]))]
    (failed,) = select_events(events, TaskFailed)
    assert failed.error == "The inputs of summarization were not there within the 0.5 s of a task."


async def test_an_answer_that_drips_is_replaced_by_the_built_in_one(server: ScriptedServer, ask: Ask) -> None:
    server.will(PLAN, drip("Hallo"))
    events = await ask(respond_seconds=SHORT)
    assert "took longer than 0.5 s to answer" in select_events(events, Notice)[0].message
    assert "translation(" in select_events(events, Answered)[0].answer


async def test_an_answer_that_drips_where_nothing_was_done_is_one_sentence(server: ScriptedServer, ask: Ask) -> None:
    server.will(completion({"tasks": [], "answer": None}), drip("Hallo"))
    events = await ask(text="Hello!", plan_seconds=SHORT, respond_seconds=SHORT)
    assert all("this program" not in failed.error for failed in select_events(events, RequestFailed))


async def whole(
    settings: Settings, *experts: Any, plan: Any = (TASK, SLOW), agent: HuggingGPT | None = None, **more: Any
) -> Any:
    agent = agent or HuggingGPT(experts, fallback=Planner(), settings=settings)
    with Workspace.create(settings) as workspace:
        async with asyncio.timeout(LONG / 2):
            stream = agent.run("Do it.", Session(workspace), Planner([plan]), settings=settings, **more)
            return [event async for event in stream]


async def test_when_a_requests_time_is_over_what_is_done_stays_and_is_answered_from(settings: Settings) -> None:
    limits = settings.model_copy(update={"request_seconds": 6 * SHORT})
    quick, slow = Quick("quick", tasks=["translation"]), Quick("slow", tasks=["summarization"], seconds=LONG)
    events = await whole(limits, quick, slow)
    assert [event.task_id for event in select_events(events, TaskDone)] == [0]
    (failed,) = select_events(events, TaskFailed)
    assert (failed.task_id, failed.error) == (1, "The request took longer than 3 s, so this was stopped.")
    assert (
        select_events(events, Notice)[0].message
        == "The request took longer than 3 s: the answer is from what was done by then."
    )
    assert select_events(events, Answered) == [Answered("Done: translation(Hello.+German)", complete=False)]
    assert isinstance(events[-1], RequestDone)


async def test_a_request_without_a_plan_by_then_fails_in_one_sentence(settings: Settings) -> None:
    class Pondering(Planner):
        async def plan(self, request: Any) -> AsyncIterator[Any]:
            await asyncio.sleep(LONG)
            yield {}

    limits = settings.model_copy(update={"request_seconds": SHORT})
    agent = HuggingGPT([Quick()], fallback=Planner(), settings=limits)
    with Workspace.create(limits) as workspace:
        events = [event async for event in agent.run("Do it.", Session(workspace), Pondering())]
    (failed,) = select_events(events, RequestFailed)
    assert failed.error == "The request took longer than 0.5 s and has no plan yet: try again, or another model."


async def test_waiting_for_a_models_turn_counts_for_the_request_and_not_for_the_task(settings: Settings) -> None:
    limits = settings.model_copy(update={"request_seconds": 2 * SHORT, "task_seconds": SHORT})
    agent = HuggingGPT([Quick(slot="gpu")], fallback=Planner(), settings=limits)
    async with agent._slots.hold("gpu"):
        (failed,) = select_events(await whole(limits, plan=[TASK], agent=agent), TaskFailed)
    assert failed.error == "The request took longer than 1 s, so this was stopped."
    assert select_events(await whole(settings, plan=[TASK], agent=agent), TaskDone)  # the turn was given up


async def test_what_a_person_takes_to_approve_a_plan_does_not_count(settings: Settings) -> None:
    async def approve(proposal: Proposal) -> Approved:
        await asyncio.sleep(5 * SHORT)
        return Approved(proposal.plan)

    limits = settings.model_copy(update={"request_seconds": 4 * SHORT})
    assert select_events(await whole(limits, Quick(), plan=[TASK], approve=approve), TaskDone)
    slow = await whole(limits, Quick(seconds=LONG), plan=[TASK], approve=approve)  # it counts on afterwards
    assert "took longer than 2 s" in select_events(slow, TaskFailed)[0].error


async def test_a_request_that_is_stopped_ends_at_once_whatever_its_deadline(settings: Settings) -> None:
    agent = HuggingGPT([Quick(seconds=LONG)], fallback=Planner(), settings=settings)
    with Workspace.create(settings) as workspace:
        stream = agent.run("Do it.", Session(workspace), Planner([[TASK]]))
        async for event in stream:
            if isinstance(event, ModelSelected):
                break
        async with asyncio.timeout(LONG / 2):
            await stream.aclose()


async def test_the_answer_after_a_requests_time_has_a_short_one(server: ScriptedServer, ask: Ask, monkeypatch: Any) -> None:
    monkeypatch.setattr("hugginggpt.agent.pipeline.GRACE_SECONDS", SHORT)
    server.will(completion({"tasks": [TASK, SLOW], "answer": None}), drip("Hallo"))
    quick, slow = Quick("quick", tasks=["translation"]), Quick("slow", tasks=["summarization"], seconds=LONG)
    events = await ask(quick, slow, request_seconds=10 * SHORT)
    assert json.dumps(select_events(events, Answered)[0].answer).count("translation(") == 1
    assert not select_events(events, Answered)[0].complete
