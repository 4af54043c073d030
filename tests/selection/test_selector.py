"""Stage 2 as a whole: who is asked what, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.core.events import Event, ModelSelected, RequestDone, TaskDone, TaskFailed
from hugginggpt.core.model_card import Preferences
from hugginggpt.core.settings import Settings
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from hugginggpt.llm.client import LanguageModel
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Planner, Quick
from tests.scripted_server import KEY, ScriptedServer, completion, error, scripted_server

EIGHT = (
    "text-classification", "token-classification", "summarization", "translation", "fill-mask", "text-generation",
    "question-answering", "sentence-similarity",
)  # fmt: skip
TEXTS = {"text": "A ___ sat there.", "question": "Who?", "other_text": "A cat.", "language": "German"}
NAMES = ["one", "two", "three", "four", "five", "six"]


@pytest.fixture
def llm() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


async def run(plan: Any, llm: ScriptedServer, settings: Settings, names: list[str] = NAMES, **more: Any) -> list[Event]:
    agent = HuggingGPT([Quick("local", names=names)], fallback=Planner(), settings=settings)
    with Workspace.create(settings) as workspace:
        controller = LLMController(LanguageModel("scripted", llm.base_url, KEY))
        controller.plan = Planner([plan]).plan  # type: ignore[method-assign]  (the plan is given, the choice is asked for)
        return [event async for event in agent.run("Do all of it.", Session(workspace), controller, **more)]


def plan(*tasks: str) -> list[dict[str, Any]]:
    return [{"task": task, "id": number, "args": TEXTS} for number, task in enumerate(tasks)]


def choosing(**chosen: str) -> Any:
    entries = [{"task": int(name[1:]), "id": model, "reason": "It suits best."} for name, model in chosen.items()]
    return completion(json.dumps({"selections": entries}))


async def test_eight_tasks_cost_one_call(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(choosing(**{f"t{number}": "local/three" for number in range(8)}), completion("Done."))
    events = await run(plan(*EIGHT), llm, settings)
    assert [e.model.id for e in events if isinstance(e, TaskDone)] == ["local/three"] * 8
    assert {e.reason for e in events if isinstance(e, ModelSelected)} == {"It suits best."}
    asked = [asked for asked in llm.asked if "selections" in json.dumps(asked.body.get("response_format", ""))]
    assert len(asked) == 1
    assert asked[0].text.count("local/six") == 0  # of six models the best five are shown
    (done,) = [e for e in events if isinstance(e, RequestDone)]
    assert next(usage.calls for usage in done.usage if usage.stage == "select") == 1


async def test_a_task_with_one_model_or_a_pinned_one_costs_none(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(completion("Done."))
    await run(plan("translation"), llm, settings, names=["only"])
    pinned = Preferences(pinned={"translation": "local/two"})
    events = await run(plan("translation"), llm, settings, preferences=pinned)
    assert [e.model.id for e in events if isinstance(e, TaskDone)] == ["local/two"]
    assert all("selections" not in json.dumps(asked.body.get("response_format", "")) for asked in llm.asked)


async def test_an_id_that_is_no_candidate_falls_back_to_the_first(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(choosing(t0="gpt-99", t1="local/two"), completion("Done."))
    events = await run(plan("translation", "summarization"), llm, settings)
    assert {e.task_id: e.model.id for e in events if isinstance(e, TaskDone)} == {0: "local/one", 1: "local/two"}
    assert [e.reason for e in events if isinstance(e, ModelSelected)] == ["First of those that run here.", "It suits best."]


async def test_a_choice_that_is_no_json_costs_only_the_choice(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(completion("I would take the third one."), completion("Done."))
    events = await run(plan("translation"), llm, settings)
    assert [e.model.id for e in events if isinstance(e, TaskDone)] == ["local/one"]
    assert not [e for e in events if isinstance(e, TaskFailed)]


async def test_a_banned_model_is_not_even_shown(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(choosing(t0="local/one"), completion("Done."))
    banned = Preferences(banned=frozenset({"local/one"}))
    events = await run(plan("translation"), llm, settings, preferences=banned)
    assert [e.model.id for e in events if isinstance(e, TaskDone)] == ["local/two"]
    assert "local/one" not in llm.asked[0].text


async def test_what_is_ruled_out_altogether_says_why(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(error(500))
    events = await run(plan("translation"), llm, settings, preferences=Preferences(placement="hosted"))
    (failed,) = [e for e in events if isinstance(e, TaskFailed)]
    assert failed.error == (
        "No model for translation is left: local/one and 5 more not hosted, and models are to run elsewhere. "
        "Change what is set for models, or the request."
    )
    assert all("selections" not in json.dumps(asked.body.get("response_format", "")) for asked in llm.asked)


async def test_of_very_many_tasks_one_choice_is_asked_for_each_type(llm: ScriptedServer, settings: Settings) -> None:
    llm.will(choosing(t0="local/two", t1="local/three"), completion("Done."))
    events = await run(plan(*("translation", "summarization") * 10), llm, settings)
    done = {e.task_id: e.model.id for e in events if isinstance(e, TaskDone)}
    assert done == {n: "local/three" if n % 2 else "local/two" for n in range(20)}
    assert "Tasks:\n0: translation" in llm.asked[0].text
    assert "\n2: translation" not in llm.asked[0].text


@pytest.mark.parametrize(("task", "said"), [("text-to-video", True), ("depth-estimation", False)])
async def test_where_nothing_does_a_task_it_is_said_that_a_token_would(
    settings: Settings, tmp_path: Path, task: str, said: bool
) -> None:
    nowhere = HubAddresses("http://127.0.0.1:9", "http://127.0.0.1:9")
    agent = HuggingGPT(
        [HostedExpert(HubSearch(tmp_path, nowhere, 60), CircuitBreaker())], fallback=Planner(), settings=settings
    )
    with Workspace.create(settings) as workspace:
        image = workspace.add_file(MEDIA / "cat.jpg")
        asked = {"task": task, "id": 0, "args": {"text": "a cat", "image": image.name}}
        events = [event async for event in agent.run("Do it.", Session(workspace), Planner([[asked]]))]
    (failed,) = [event for event in events if isinstance(event, TaskFailed)]
    assert ("with a Hugging Face token a hosted one does it" in failed.error) is said


class Forgetful(Quick):
    """Can't tell what it has."""

    def cards(self, tasks: Any = None) -> Any:
        raise OSError("the disk is gone")


async def test_a_back_end_that_cannot_tell_its_models_fails_its_tasks_and_nothing_hangs(settings: Settings) -> None:
    agent = HuggingGPT([Forgetful()], fallback=Planner(), settings=settings)
    with Workspace.create(settings) as workspace:
        async with asyncio.timeout(5):
            events = [e async for e in agent.run("Do it.", Session(workspace), Planner([plan("translation", "fill-mask")]))]
    assert len([event for event in events if isinstance(event, TaskFailed)]) == 2
    assert isinstance(events[-1], RequestDone)
