"""Turns: who waits for whom, and calls that go through one model together."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from hugginggpt.core.errors import InputError
from hugginggpt.core.events import TaskDone, TaskFailed, TaskProgress, TaskStarted
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.tasks import Kind
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, RunPlan, say


@dataclass
class Together:
    """A back end that takes up to `batch` texts at once and refuses the word "bad"."""

    batch: int = 4
    slot: str | None = "device"
    seconds: float = 0.0
    backend: str = "local"
    batches: list[list[str]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def cards(self, tasks: Collection[str] | None = None) -> list[ModelCard]:
        tasks = {"text-generation": "text", "image-classification": "image"}
        return [ModelCard("together", task, self.backend, "", slot=self.slot, batch=self.batch) for task in tasks]

    async def run(self, call: Call) -> Result:
        (result,) = await self.run_batch([call])
        return result

    async def run_batch(self, calls: Sequence[Call]) -> list[Result]:
        given = [call.text() if "text" in call.inputs else call.file("image").name for call in calls]
        self.batches.append(given)
        self.begun.set()
        await asyncio.sleep(self.seconds)
        if "bad" in given:
            raise InputError("That is bad.")
        return [Result((Output(Kind.TEXT, text=f"<{text}>"),)) for text in given]


async def test_tasks_of_one_model_that_are_ready_together_go_through_it_together(run_plan: RunPlan) -> None:
    expert = Together(batch=8)
    ran = await run_plan([say(n, f"text {n}") for n in range(8)], expert)
    assert expert.batches == [[f"text {n}" for n in range(8)]]
    assert [ran.text(n) for n in range(8)] == [f"<text {n}>" for n in range(8)]
    assert len(ran.select(TaskStarted)) == len(ran.select(TaskDone)) == 8


async def test_no_more_go_together_than_the_card_says(run_plan: RunPlan) -> None:
    expert = Together(batch=3)
    await run_plan([say(n, f"{n}") for n in range(8)], expert)
    assert [len(batch) for batch in expert.batches] == [3, 3, 2]


async def test_what_becomes_ready_while_the_model_works_goes_next_together(run_plan: RunPlan) -> None:
    expert = Together(batch=8, seconds=0.02)
    await run_plan([say(0, "a"), *(say(n, f"<resource>-0 {n}", 0) for n in range(1, 5))], expert)
    assert [len(batch) for batch in expert.batches] == [1, 4]


async def test_one_bad_input_fails_its_own_task_alone(run_plan: RunPlan) -> None:
    expert = Together(batch=4)
    ran = await run_plan([say(0, "a"), say(1, "bad"), say(2, "c")], expert)
    assert [step.status for step in ran.steps.values()] == ["done", "failed", "done"]
    assert expert.batches == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    assert [event.error for event in ran.select(TaskFailed)] == ["That is bad."]


async def test_a_task_with_several_pictures_sends_them_together(run_plan: RunPlan, workspace: Workspace) -> None:
    names = [workspace.add_file(MEDIA / name).name for name in ("cat.jpg", "coffee.jpg", "rocket.jpg")]
    expert = Together(batch=8)
    task = {"task": "image-classification", "id": 0, "dep": [-1], "args": {"image": ", ".join(names)}}
    ran = await run_plan([task], expert)
    assert [len(batch) for batch in expert.batches] == [3]
    assert len(ran.steps[0].outputs) == 3
    assert [event.message for event in ran.select(TaskProgress)] == ["1 of 3", "2 of 3", "3 of 3"]


async def test_a_batch_that_takes_too_long_fails_all_of_its_tasks_once(run_plan: RunPlan) -> None:
    expert = Together(batch=4, seconds=5)
    ran = await run_plan([say(n, f"{n}") for n in range(3)], expert, seconds=0.1)
    assert {step.status for step in ran.steps.values()} == {"failed"}
    assert len(expert.batches) == 1


async def test_a_stopped_batch_gives_its_slot_back(run_plan: RunPlan) -> None:
    expert, slots = Together(batch=4, seconds=5), DeviceSlots()
    running = asyncio.create_task(run_plan([say(n, f"{n}") for n in range(3)], expert, slots=slots))
    await expert.begun.wait()
    running.cancel()
    await asyncio.wait([running], timeout=4)
    assert running.cancelled()
    expert.seconds = 0
    ran = await asyncio.wait_for(run_plan([say(0, "again")], expert, slots=slots), timeout=30)
    assert ran.text(0) == "<again>"


async def test_visitors_take_turns_at_a_device_and_a_first_call_does_not_wait_behind_fifty() -> None:
    slots, ran = DeviceSlots(), list[str]()

    async def use(visitor: str) -> None:
        async with slots.hold("device", visitor):
            ran.append(visitor)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as calls:
        for visitor in [*["many"] * 50, "one", "two"]:
            calls.create_task(use(visitor))
    assert ran[:4] == ["many", "one", "two", "many"]
    assert len(ran) == 52


async def test_plans_of_one_visitor_share_their_turns(run_plan: RunPlan) -> None:
    expert, slots = Together(batch=1), DeviceSlots()
    many = [say(n, f"many {n}") for n in range(6)]
    async with asyncio.TaskGroup() as plans:
        plans.create_task(run_plan(many, expert, slots=slots, visitor="a"))
        plans.create_task(run_plan(many, expert, slots=slots, visitor="a"))
        await expert.begun.wait()
        plans.create_task(run_plan([say(0, "one")], expert, slots=slots, visitor="b"))
    assert ["one"] in expert.batches[:3]
