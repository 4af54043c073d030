"""A plan that waits for the person, that they change, or that runs once more in part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.errors import PlanError
from hugginggpt.core.events import Answered, ApprovalAsked, ApprovalGiven, Event, Planned, TaskDone, TaskStarted
from hugginggpt.core.plan import Plan
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import fold_steps
from hugginggpt.planning.approval import Approved, PreparedPlan, Proposal, edit_plan
from hugginggpt.planning.repair import make_plan
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import Failing, Planner, Quick

CHAIN = [
    {"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Hello."}},
    {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
    {"task": "summarization", "id": 2, "dep": [0], "args": {"text": "<resource>-0"}},
]


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return Session(workspace)


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick(names=["one", "two"])], fallback=Planner(name="built in"), settings=settings)


@pytest.fixture
def plan(table: TaskTable) -> Plan:
    return make_plan(CHAIN, table)


async def record_events(agent: HuggingGPT, session: Session, **more: Any) -> list[Event]:
    return [event async for event in agent.run("Do it.", session, Planner([CHAIN]), **more)]


def states(events: list[Event]) -> Mapping[int, str]:
    return {step.task.id: step.status for step in fold_steps(events)}


async def test_nothing_runs_before_the_person_has_said_yes(agent: HuggingGPT, session: Session) -> None:
    asked: asyncio.Future[Proposal] = asyncio.get_running_loop().create_future()
    answer: asyncio.Future[Approved] = asyncio.get_running_loop().create_future()

    async def approve(proposal: Proposal) -> Approved:
        asked.set_result(proposal)
        return await answer

    work = asyncio.create_task(record_events(agent, session, approve=approve))
    proposal = await asyncio.wait_for(asked, 5)
    await asyncio.sleep(0.05)
    assert session.workspace.resources == ()
    assert [[model.id for model in proposal.models[n]] for n in (0, 1, 2)] == [["quick/one", "quick/two"]] * 3
    answer.set_result(Approved(proposal.plan))
    events = await work
    kinds = [type(event) for event in events]
    assert kinds.index(ApprovalAsked) < kinds.index(ApprovalGiven) < kinds.index(TaskStarted)
    assert states(events) == {0: "done", 1: "done", 2: "done"}


async def test_what_the_person_changes_is_what_runs(agent: HuggingGPT, session: Session, table: TaskTable) -> None:
    async def approve(proposal: Proposal) -> Approved:
        plan = edit_plan(proposal.plan, table, (), dropped={2}, args={0: {"text": "Good morning."}})
        return Approved(plan, {1: "quick/two"})

    events = await record_events(agent, session, approve=approve)
    first, second = fold_steps(events)
    assert (first.task.args["text"], first.outputs[0].text) == ("Good morning.", "translation(Good morning.)")
    assert second.model is not None
    assert (second.model.id, second.reason) == ("quick/two", "You have chosen it.")
    assert [event.because for event in events if isinstance(event, Planned)] == ["", "You have changed the plan."]


async def test_a_task_that_nothing_can_run_is_told_before_the_rest_runs(settings: Settings, session: Session) -> None:
    agent = HuggingGPT([Quick(tasks=["translation", "summarization"])], fallback=Planner(name="built in"), settings=settings)
    seen: list[Proposal] = []

    async def approve(proposal: Proposal) -> Approved:
        seen.append(proposal)
        return Approved(proposal.plan)

    events = await record_events(agent, session, approve=approve)
    assert set(seen[0].models) == {0, 2}
    assert "No model" in seen[0].problems[1]
    assert states(events) == {0: "done", 1: "failed", 2: "done"}


async def test_a_request_can_be_stopped_while_it_waits(agent: HuggingGPT, session: Session) -> None:
    waiting = asyncio.Event()

    async def approve(_: Proposal) -> Approved:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    work = asyncio.create_task(record_events(agent, session, approve=approve))
    await asyncio.wait_for(waiting.wait(), 5)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_an_answer_without_tasks_needs_no_word(agent: HuggingGPT, session: Session) -> None:
    async def approve(_: Proposal) -> Approved:
        raise AssertionError("there is nothing to approve")

    events = [event async for event in agent.run("Hi.", session, Planner([[]]), approve=approve)]
    assert any(isinstance(event, Answered) for event in events)


async def test_what_is_done_stays_done_and_the_rest_runs_with_the_chosen_model(settings: Settings, session: Session) -> None:
    quick = Quick(names=["one", "two"])
    broken = HuggingGPT([quick, Failing(tasks=["text-to-speech"])], fallback=Planner(name="built in"), settings=settings)
    quick.tasks = ["translation", "summarization"]
    before = await record_events(broken, session)
    assert states(before) == {0: "done", 1: "failed", 2: "done"}
    steps, plan = fold_steps(before), next(event.plan for event in before if isinstance(event, Planned))
    runs = len(quick.spans)

    whole = HuggingGPT([Quick(names=["one", "two"])], fallback=Planner(name="built in"), settings=settings)
    events = await record_events(whole, session, prepared=PreparedPlan(plan, steps, {1: "quick/two"}))
    first, again, third = fold_steps(events)
    assert len(quick.spans) == runs
    assert (first.outputs, third.outputs) == (steps[0].outputs, steps[2].outputs)
    assert again.status == "done"
    assert again.model is not None
    assert again.model.id == "quick/two"
    assert "out of order" in again.attempts[0].error
    assert [event.task_id for event in events if isinstance(event, TaskStarted)] == [1]
    assert sum(isinstance(event, TaskDone) for event in events) == 3
    assert isinstance(events[-2], Answered)


def test_nothing_that_others_need_is_dropped_unsaid(plan: Plan, table: TaskTable) -> None:
    with pytest.raises(PlanError, match=r"Task 1 \(text-to-speech\), text: it needs what task 0 makes; drop it too"):
        edit_plan(plan, table, (), dropped={0})
    with pytest.raises(PlanError, match="Nothing is left"):
        edit_plan(plan, table, (), dropped={0, 1, 2})
    assert [task.id for task in edit_plan(plan, table, (), dropped={1}).tasks] == [0, 2]


def test_a_task_can_be_cut_loose_by_a_new_argument(plan: Plan, table: TaskTable) -> None:
    left = edit_plan(plan, table, (), dropped={0, 2}, args={1: {"text": "Good morning."}})
    assert [(task.id, task.dep, dict(task.args)) for task in left.tasks] == [(1, (), {"text": "Good morning."})]


@pytest.mark.parametrize(
    ("text", "said"), [("<resource>-7", "there is no task 7 in the plan"), ("text-99", "there is no text-99")]
)
def test_what_a_person_writes_is_not_guessed_at(text: str, said: str, plan: Plan, table: TaskTable) -> None:
    with pytest.raises(PlanError, match=said):
        edit_plan(plan, table, (), args={1: {"text": text}})


def test_what_has_run_is_not_asked_about_again(plan: Plan, table: TaskTable) -> None:
    proposal = Proposal(plan, {}, kept=frozenset({0}))
    assert [task.id for task in proposal.open_tasks] == [1, 2]
    assert edit_plan(plan, table, (), dropped={0, 2}, kept={0}).tasks[0] == plan.tasks[0]


async def test_a_plan_that_was_never_approved_waits_again(agent: HuggingGPT, session: Session, plan: Plan) -> None:
    asked: list[Proposal] = []

    async def approve(proposal: Proposal) -> Approved:
        asked.append(proposal)
        return Approved(proposal.plan)

    await record_events(agent, session, approve=approve, prepared=PreparedPlan(plan))
    assert len(asked) == 1
    await record_events(agent, session, approve=approve, prepared=PreparedPlan(plan, approved=True))
    assert len(asked) == 1


def test_a_change_that_can_not_run_is_refused(plan: Plan, table: TaskTable) -> None:
    with pytest.raises(PlanError, match="text"):
        edit_plan(plan, table, (), args={0: {"text": ""}})
