"""One request through the agent, and the same one through the sequential agent, against the same servers."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.orchestration import sequential
from benchmarks.orchestration.models import HTTPModels
from benchmarks.orchestration.serving import Servers
from benchmarks.orchestration.shapes import Shape
from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import (
    AnswerDelta,
    AttemptFailed,
    Event,
    Notice,
    Planned,
    RequestFailed,
    TaskDone,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
)
from hugginggpt.core.settings import Settings
from hugginggpt.llm.client import LanguageModel

_FIRST: Final[Mapping[str, type[Event]]] = {
    "first_task_s": TaskStarted,
    "plan_end_s": Planned,
    "first_result_s": TaskDone,
    "first_word_s": AnswerDelta,
}
"""What is told by the time of the first event of a kind."""
_AMISS: Final = (AttemptFailed, Notice, RequestFailed, TaskFailed, TaskSkipped)
"""What doesn't happen where all goes well: times of a request that went otherwise would say nothing."""


class BenchmarkError(Exception):
    """The agent did something else than what is measured."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one shape; times in seconds since the request."""

    makespan_s: float
    """To the answer's last word."""
    floor_s: float
    """The least that four stages one after the other can take: `Shape.floor`."""
    sequential_s: float
    """What the sequential agent takes for its last word."""
    first_task_s: float
    plan_end_s: float
    first_result_s: float
    first_word_s: float
    llm_calls: int
    input_tokens: int
    """Of the messages of all these calls."""
    schema_tokens: int
    """Of the JSON schemas that went with them."""
    choices: int
    """How many tasks have several candidates."""
    choices_kept: int
    """How many of these ran on the model that the language model chose."""
    calls: Sequence[Mapping[str, Any]] = field(default=())
    """Each LLM call: stage, tokens, when it began and ended."""

    def rounded(self) -> dict[str, Any]:
        """For JSON, times to the millisecond."""
        return {each.name: _rounded(getattr(self, each.name)) for each in fields(self)}


def warm_up(shape: Shape, servers: Servers) -> None:
    """Let both agents and both servers load what they load late."""
    _round(shape, servers, 0.0)


def measure(shape: Shape, servers: Servers, delay: float, rounds: int) -> Figures:
    """The medians of some rounds' times; all else is the last round's.

    Args:
        shape: What is asked.
        servers: Who answers.
        delay: What every call takes, in seconds.
        rounds: How often each agent does it.
    """
    each = [_round(shape, servers, delay) for _ in range(rounds)]
    medians: dict[str, Any] = {
        field.name: statistics.median(getattr(figures, field.name) for figures in each)
        for field in fields(Figures)
        if field.name.endswith("_s")
    }
    rest = {field.name: getattr(each[-1], field.name) for field in fields(Figures) if field.name not in medians}
    return Figures(**medians, **rest)


def _round(shape: Shape, servers: Servers, delay: float) -> Figures:
    begun = time.monotonic()
    sequential.answer(shape, servers.llm_url(delay, shape.name), servers.models_url(delay, shape.name))
    one_by_one = time.monotonic() - begun
    llm_calls(servers)
    begun, events = asyncio.run(request(shape, servers, delay))
    calls = llm_calls(servers)
    chosen = {int(task): model for call in calls for task, model in call["chosen"].items()}
    return Figures(
        floor_s=shape.floor(delay),
        sequential_s=one_by_one,
        makespan_s=max(at for at, event in events if isinstance(event, AnswerDelta)),
        **{name: next(at for at, event in events if isinstance(event, kind)) for name, kind in _FIRST.items()},
        llm_calls=len(calls),
        input_tokens=sum(call["input_tokens"] for call in calls),
        schema_tokens=sum(call["schema_tokens"] for call in calls),
        choices=len(shape.choices),
        choices_kept=sum(chosen.get(e.task_id) == e.model.id for _, e in events if isinstance(e, TaskDone)),
        calls=[_since(call, begun) for call in calls],
    )


async def request(shape: Shape, servers: Servers, delay: float) -> tuple[float, list[tuple[float, Event]]]:
    """Put a shape's request to the agent.

    Returns:
        When it began, on the machine's monotonic clock, and what happened, how many seconds later.

    Raises:
        BenchmarkError: Not all of its tasks were done, or something went amiss.
    """
    controller = LLMController(LanguageModel("scripted", servers.llm_url(delay, shape.name), "none"))
    with tempfile.TemporaryDirectory() as folder:
        async with HTTPModels(servers.models_url(delay, shape.name), shape) as models:
            agent = HuggingGPT([models], fallback=RulesController(), settings=Settings(sessions=Path(folder)))
            session = agent.new_session()
            attached = [session.workspace.add_file(file) for file in shape.files]
            timed_events: list[tuple[float, Event]] = []
            begun = time.monotonic()
            async for event in agent.run(shape.request, session, controller, attached):
                timed_events.append((time.monotonic() - begun, event))
            session.close()
    _check(shape, [event for _, event in timed_events])
    return begun, timed_events


def _check(shape: Shape, events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, _AMISS):
            raise BenchmarkError(f"{shape.name}: {event}")
    done = sorted(event.task_id for event in events if isinstance(event, TaskDone))
    if done != sorted(task["id"] for task in shape.plan):
        raise BenchmarkError(f"{shape.name}: of {len(shape.plan)} tasks these were done: {done}")
    if (said := "".join(event.text for event in events if isinstance(event, AnswerDelta))) != shape.answer:
        raise BenchmarkError(f"{shape.name}: the answer is {said!r}")


def llm_calls(servers: Servers) -> list[dict[str, Any]]:
    """The calls that the language model has had since this was last asked."""
    calls: list[dict[str, Any]] = httpx2.get(f"{servers.llm}/calls", trust_env=False).json()
    return calls


def _since(call: Mapping[str, Any], begun: float) -> dict[str, Any]:
    """A call with its times counted from the request on."""
    ended = call["ended"]
    times = {"begun_s": call["begun"] - begun, "ended_s": None if ended is None else ended - begun}
    return {name: value for name, value in call.items() if name not in {"begun", "ended"}} | times


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
