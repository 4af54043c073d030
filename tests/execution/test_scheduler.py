"""Running a plan: what waits for what, what takes turns, what failing, hanging and stopping do."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pytest

from hugginggpt.core.errors import AccountError, ExpertError, InputError, StoppedError
from hugginggpt.core.events import AttemptFailed, Event, ModelSelected, TaskDone, TaskFailed, TaskSkipped, TaskStarted, Usage
from hugginggpt.core.resources import Origin
from hugginggpt.core.tasks import Kind
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.experts.base import Call, Output, Result
from tests.conftest import Failing, Quick, RunPlan, Threaded, say

MARGIN = 1.5
"""Seconds that a loaded machine may add."""


WRITER = ["text-generation", "text-to-speech"]
"""What a back end does that leaves translation to another."""


@dataclass
class Refusing(Failing):
    """Counts how often it is asked."""

    asked: int = 0

    async def run(self, call: Call) -> Result:
        self.asked += 1
        return await super().run(call)


def order(events: list[Event]) -> list[tuple[str, int]]:
    """When which task started and ended."""
    short = {TaskStarted: "start", TaskDone: "done", TaskFailed: "failed", TaskSkipped: "skipped"}
    return [(short[type(event)], event.task_id) for event in events if type(event) in short]  # type: ignore[union-attr]


async def test_a_diamond_runs_in_three_waves(run_plan: RunPlan) -> None:
    diamond = [say(0, "a"), say(1, "b", 0), say(2, "c", 0), say(3, "<resource>-1 <resource>-2", 1, 2)]
    ran = await run_plan(diamond, Quick(seconds=0.05))
    observed = order(ran.events)
    assert observed[:2] == [("start", 0), ("done", 0)]
    assert set(observed[2:4]) == {("start", 1), ("start", 2)}
    assert set(observed[4:6]) == {("done", 1), ("done", 2)}
    assert observed[6:] == [("start", 3), ("done", 3)]


async def test_a_task_starts_when_its_own_inputs_are_there_whatever_else_still_runs(run_plan: RunPlan) -> None:
    slow = Quick("slow", seconds=0.3, tasks=["translation"])
    ran = await run_plan([say(0, "long", task="translation"), say(1, "b"), say(2, "c", 1)], slow, Quick())
    assert order(ran.events)[-1] == ("done", 0)
    assert ran.steps[2].status == "done"


async def test_independent_tasks_run_together(run_plan: RunPlan) -> None:
    begun = time.monotonic()
    await run_plan([say(n, "x") for n in range(20)], Quick(seconds=0.1))
    assert time.monotonic() - begun < 0.1 + MARGIN


async def test_a_plan_in_any_order_runs_in_the_order_of_its_dependencies(run_plan: RunPlan) -> None:
    ran = await run_plan([say(2, "<resource>-1"), say(1, "<resource>-0"), say(0, "x")], Quick())
    assert ran.text(2) == "text-generation(text-generation(text-generation(x)))"


async def test_tasks_on_one_slot_take_turns(run_plan: RunPlan) -> None:
    expert = Quick(seconds=0.03, slot="cuda:0")
    await run_plan([say(n, "x") for n in range(5)], expert)
    ends_before_next = [a[2] <= b[1] for a, b in zip(expert.spans, expert.spans[1:], strict=False)]
    assert ends_before_next == [True] * 4


async def test_tasks_on_two_slots_run_together(run_plan: RunPlan) -> None:
    one = Quick("one", seconds=0.1, slot="a", tasks=["text-generation"])
    two = Quick("two", seconds=0.1, slot="b", tasks=["translation"])
    ran = await run_plan([say(0, "x"), say(1, "y", task="translation")], one, two)
    assert [what for what, _ in order(ran.events)] == ["start", "start", "done", "done"]


async def test_two_requests_share_the_slots(run_plan: RunPlan) -> None:
    slots, expert = DeviceSlots(), Quick(seconds=0.05, slot="cuda:0")
    begun = time.monotonic()
    await asyncio.gather(*(run_plan([say(0, "x")], expert, slots=slots) for _ in range(3)))
    assert time.monotonic() - begun >= 0.15


class Extending(Quick):
    async def run(self, call: Call) -> Result:
        call.extend_deadline(60)
        return await super().run(call)


async def test_a_call_that_waits_for_a_server_to_start_may_have_its_deadline_moved(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "x")], Extending(seconds=0.6), seconds=0.3)
    assert ran.steps[0].status == "done"


async def test_waiting_for_a_slot_does_not_count_against_the_deadline(run_plan: RunPlan) -> None:
    ran = await run_plan([say(n, "x") for n in range(5)], Quick(seconds=0.06, slot="cuda:0"), seconds=0.2)
    assert {step.status for step in ran.steps.values()} == {"done"}
    assert max(step.seconds for step in ran.steps.values()) < 0.2


async def test_what_depends_on_a_failed_task_is_skipped_and_says_so_and_all_else_goes_on(run_plan: RunPlan) -> None:
    plan = [
        say(0, "x", task="translation"),
        {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
        say(2, "after", 1),
        say(3, "free"),
        say(4, "free too", 3),
    ]
    ran = await run_plan(plan, Failing(tasks=["translation"]), Quick(tasks=WRITER))
    assert [ran.steps[n].status for n in range(5)] == ["failed", "skipped", "skipped", "done", "done"]
    assert ran.steps[0].error == "The model is out of order."
    assert ran.steps[1].error == "I could not read it aloud, because nothing was translated."
    assert ran.steps[2].error == "I could not write it, because nothing was read aloud."
    assert [(event.task_id, event.because) for event in ran.select(TaskSkipped)] == [(1, 0), (2, 1)]


async def test_an_account_that_is_refused_is_not_asked_again_for_the_tasks_that_follow(run_plan: RunPlan) -> None:
    refusing = Refusing(error=AccountError("The account has no credit left."))
    ran = await run_plan([say(0, "a"), say(1, "b", 0)], refusing, Quick())
    assert refusing.asked == 1
    assert [step.status for step in ran.steps.values()] == ["done", "done"]
    assert [(event.task_id, event.error) for event in ran.select(AttemptFailed)] == [
        (0, "The account has no credit left."),
        (1, "The account has no credit left."),
    ]
    alone = Refusing(error=AccountError("The account has no credit left."))
    ran = await run_plan([say(0, "a"), say(1, "b")], alone, slots=DeviceSlots())
    assert [event.error for event in ran.select(TaskFailed)] == ["The account has no credit left."] * 2


async def test_a_skipped_task_never_starts(run_plan: RunPlan) -> None:
    expert = Quick(tasks=WRITER)
    await run_plan([say(0, "x", task="translation"), say(1, "y", 0)], Failing(tasks=["translation"]), expert)
    assert expert.spans == []


async def test_a_task_without_a_model_fails_alone(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "x", task="translation"), say(1, "y")], Quick(tasks=["text-generation"]))
    assert [ran.steps[n].status for n in (0, 1)] == ["failed", "done"]
    assert ran.steps[0].error == "No model for translation is installed here."


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), KeyError("y"), MemoryError(), RecursionError(), TimeoutError(), SystemExit(2), OSError(28, "z"),
     asyncio.CancelledError(), StoppedError("Stopped."), ExceptionGroup("g", [ValueError()])],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_whatever_an_expert_raises_fails_its_task_alone(error: BaseException, run_plan: RunPlan) -> None:
    plan = [say(0, "x", task="translation"), say(1, "y"), say(2, "z", 0)]
    ran = await run_plan(plan, Failing(error=error, tasks=["translation"]), Quick(tasks=WRITER))
    assert [ran.steps[n].status for n in range(3)] == ["failed", "done", "skipped"]
    assert ran.steps[0].error
    assert "Traceback" not in ran.steps[0].error


async def test_a_result_that_is_not_there_fails_its_task_alone(run_plan: RunPlan) -> None:
    class Forgetful(Quick):
        async def run(self, call: Call) -> Result:
            return Result((Output(Kind.IMAGE, path=call.new_path(".png")),))

    plan = [{"task": "text-to-image", "id": 0, "args": {"text": "a boat"}}, say(1, "y")]
    ran = await run_plan(plan, Forgetful("forgetful", tasks=["text-to-image"]), Quick(tasks=["text-generation"]))
    assert [ran.steps[n].status for n in (0, 1)] == ["failed", "done"]
    assert "can't be read" in ran.steps[0].error


async def test_when_a_model_fails_the_next_candidate_is_tried_and_credited(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "x")], Failing(names=["one", "two"]), Quick())
    assert [(event.model.id, event.error) for event in ran.select(AttemptFailed)] == [
        ("failing/one", "The model is out of order."),
        ("failing/two", "The model is out of order."),
    ]
    assert ran.steps[0].status == "done"
    assert ran.steps[0].model
    assert ran.steps[0].model.id == "quick/model"


async def test_an_input_that_does_not_suit_the_task_is_not_tried_on_other_models(run_plan: RunPlan) -> None:
    spare = Quick()
    ran = await run_plan([say(0, "x")], Failing(error=InputError("The text is empty.")), spare)
    assert ran.steps[0].error == "The text is empty."
    assert spare.spans == []


async def test_when_all_models_fail_the_last_error_is_told(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "x")], Failing("a"), Failing("b", error=ExpertError("This one too.")))
    assert ran.steps[0].error == "This one too."


async def test_a_task_over_its_deadline_fails_and_the_rest_goes_on(run_plan: RunPlan) -> None:
    slow = Quick("slow", seconds=30, tasks=["translation"])
    begun = time.monotonic()
    ran = await run_plan([say(0, "x", task="translation"), say(1, "y")], slow, Quick(tasks=WRITER), seconds=0.1)
    assert time.monotonic() - begun < 0.1 + MARGIN
    assert [ran.steps[n].status for n in (0, 1)] == ["failed", "done"]
    assert ran.steps[0].error == "slow/model took longer than the 0.1 s that a task may take."


async def test_the_deadline_is_the_task_s_however_many_models_there_are(run_plan: RunPlan) -> None:
    begun = time.monotonic()
    ran = await run_plan([say(0, "x")], Quick("slow", seconds=30), Quick("slower", seconds=30), seconds=0.1)
    assert time.monotonic() - begun < 0.1 + MARGIN
    assert "took longer" in ran.steps[0].error
    assert not ran.select(AttemptFailed)


async def test_a_thread_over_its_deadline_is_asked_to_stop(run_plan: RunPlan) -> None:
    expert = Threaded()
    await run_plan([say(0, "x")], expert, seconds=0.1)
    assert await asyncio.to_thread(expert.stopped.wait, 1.0)


async def stop_when(started: Any, running: asyncio.Task[Any]) -> float:
    """Cancel the run once `started` is set; how long that took, in seconds."""
    assert await asyncio.to_thread(started.wait, 5.0)
    begun = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    return time.monotonic() - begun


async def test_stopping_ends_a_run_and_asks_its_threads_to_stop(run_plan: RunPlan) -> None:
    expert, events = Threaded(tasks=["translation"]), list[Event]()
    plan = [say(0, "x", task="translation"), say(1, "y", 0), say(2, "z", 1)]
    running = asyncio.create_task(run_plan(plan, expert, Quick(tasks=["text-generation"]), seconds=60, events=events))
    assert await stop_when(expert.started, running) < 1
    assert expert.stopped.wait(1.0)
    observed = len(events)
    await asyncio.sleep(0.05)
    assert len(events) == observed
    assert order(events) == [("start", 0)]


async def test_stopping_frees_the_slot_even_when_the_thread_is_stuck(run_plan: RunPlan, stuck: Threaded) -> None:
    slots = DeviceSlots()
    stuck.slot = "cuda:0"
    running = asyncio.create_task(run_plan([say(0, "x")], stuck, slots=slots, seconds=60))
    assert await stop_when(stuck.started, running) < 1
    begun = time.monotonic()
    ran = await run_plan([say(0, "next")], Quick(slot="cuda:0"), slots=slots)
    assert time.monotonic() - begun < 1
    assert ran.steps[0].status == "done"
    assert not stuck.stopped.is_set()


async def test_stopping_one_request_while_it_waits_for_a_slot_leaves_the_other_alone(
    run_plan: RunPlan, stuck: Threaded
) -> None:
    slots, stuck.slot = DeviceSlots(), "cuda:0"
    first = asyncio.create_task(run_plan([say(0, "x")], stuck, slots=slots))
    second = asyncio.create_task(run_plan([say(0, "y")], Quick(slot="cuda:0"), slots=slots))
    await stop_when(stuck.started, second)
    stuck.release.set()
    assert (await first).text(0) == "released"


async def test_results_carry_the_task_that_made_them(run_plan: RunPlan) -> None:
    ran = await run_plan([say(4, "Hi.", task="text-to-speech")], Quick())
    assert ran.steps[4].outputs[0].origin == Origin("task", "text-to-speech", 4)


async def test_each_task_tells_its_model_and_its_candidates(run_plan: RunPlan) -> None:
    ran = await run_plan([say(0, "x")], Quick(names=["one", "two"]))
    selected = ran.select(ModelSelected)[0]
    assert selected.model.id == "quick/one"
    assert [ref.id for ref in selected.candidates] == ["quick/one", "quick/two"]


async def test_what_language_models_used_is_returned(run_plan: RunPlan) -> None:
    class Frugal(Quick):
        async def run(self, call: Call) -> Result:
            return Result((Output(Kind.TEXT, text="x"),), usage=Usage("work", 1, 7, 3))

    assert (await run_plan([say(0, "x"), say(1, "y")], Frugal())).usages == (Usage("work", 1, 7, 3),) * 2


async def test_a_thousand_tasks_cost_little(run_plan: RunPlan) -> None:
    begun = time.monotonic()
    ran = await run_plan([say(n, "x", *([n - 1] if n % 2 else [])) for n in range(1000)], Quick())
    assert time.monotonic() - begun < 10
    assert {step.status for step in ran.steps.values()} == {"done"}


async def test_while_all_tasks_wait_the_loop_sleeps(run_plan: RunPlan) -> None:
    """Nobody polls: from when the chain's first task runs until it ends, the loop turns only for the timers."""
    turns = 0
    loop = asyncio.get_running_loop()
    select = loop._selector.select  # type: ignore[attr-defined]

    def counted(timeout: float | None) -> Any:
        nonlocal turns
        turns += 1
        return select(timeout)

    loop._selector.select = counted  # type: ignore[attr-defined]
    await run_plan([say(n, "x", *([n - 1] if n else [])) for n in range(4)], Quick(seconds=0.1))
    assert turns < 60


class Doubting(Quick):
    """Is not sure of what it has heard."""

    async def run(self, call: Call) -> Result:
        return Result((Output(Kind.TEXT, text="perhaps this", data={"unsure": True}),))


async def test_what_is_made_of_an_unsure_result_says_so_and_so_does_what_is_made_of_that(run_plan: RunPlan) -> None:
    tasks = [say(0, "a", task="translation"), say(1, "<resource>-0", 0), say(2, "after <resource>-1", 1), say(3, "b", 0)]
    ran = await run_plan(tasks, Doubting(tasks=["translation"]), Quick("sure", tasks=["text-generation"]))
    notes = [ran.steps[number].note for number in range(4)]
    assert notes[0] == ""
    assert notes[1] == "It rests on an unsure result (translation), so it may be wrong, too."
    assert notes[2] == "It rests on an unsure result (text writing), so it may be wrong, too."
    assert notes[3] == ""  # it waits for the doubtful one, but is not made from it
