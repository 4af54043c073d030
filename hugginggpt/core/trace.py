"""Folding of an event stream: into the state of each task, and into a trace as JSON."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, Final

from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    AttemptFailed,
    Event,
    ModelRef,
    ModelSelected,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    ResourcesFetched,
    Stage,
    Step,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskSkipped,
    TaskStarted,
    Usage,
)
from hugginggpt.core.resources import Resource

_CHARS_PER_VALUE: Final = 10  # what stands around it
_MAX_COUNTED_CHARS: Final = 1_000


class StepFold:
    """The state of each task, kept up to date event by event."""

    def __init__(self) -> None:
        self._steps: dict[int, Step] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in the plan's order; status "pending" or "running" while one isn't over."""
        return tuple(self._steps.values())

    def add(self, event: Event) -> None:
        """Fold in one more event; events that are about no task change nothing."""
        match event:
            case TaskPlanned(task=task):  # before the plan is complete: it is shown growing
                self._steps[task.id] = Step(task, "pending")
            case Planned(plan=plan):
                steps = {task.id: self._steps.get(task.id) or Step(task, "pending") for task in plan.tasks}
                self._steps = {task.id: replace(steps[task.id], task=task) for task in plan.tasks}  # a person may change one
            case ModelSelected():
                self._update(event.task_id, model=event.model, reason=event.reason)
            case TaskStarted():
                self._update(event.task_id, status="running", model=event.model)
            case AttemptFailed(task_id=n):
                reason = f"Next in the list, after {event.model.id} failed."
                self._update(n, attempts=(*self._steps[n].attempts, event), reason=reason)
            case TaskDone():
                done = {"outputs": event.outputs, "seconds": event.seconds, "note": event.note}
                self._update(event.task_id, status="done", model=event.model, **done)
            case TaskFailed():
                self._update(event.task_id, status="failed", error=event.error, seconds=event.seconds)
            case TaskSkipped():  # its model never ran, so it gets no credit
                self._update(event.task_id, status="skipped", error=event.error, model=None, reason="")
            case _:
                pass

    def _update(self, task_id: int, **changes: Any) -> None:
        self._steps[task_id] = replace(self._steps[task_id], **changes)


def fold_steps(events: Iterable[Event]) -> tuple[Step, ...]:
    """Return the final state of each task of the plan, in the plan's order."""
    fold = StepFold()
    for event in events:
        fold.add(event)
    return fold.steps


def count_chars(value: Any, limit: int) -> int:
    """Return about how many characters of text an event holds, or any value in it; counted up to a limit."""
    count, rest = 0, [value]
    while rest and count <= limit:
        each = rest.pop()
        count += _CHARS_PER_VALUE
        if isinstance(each, str):
            count += len(each)
        elif isinstance(each, Resource):  # of what a task has made the beginning is shown
            count += min(len(each.text or ""), _MAX_COUNTED_CHARS)
            rest.append(each.data)
        elif isinstance(each, Mapping):
            rest += itertools.chain.from_iterable(itertools.islice(each.items(), limit))
        elif isinstance(each, tuple | list):
            rest += each[:limit]
        elif is_dataclass(each):
            rest += (getattr(each, field.name) for field in fields(each))
    return count


def sum_usages(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """Sum up usages by stage, in the order in which the stages first appear."""
    totals: dict[str, Usage] = {}
    for usage in usages:
        totals[usage.stage] = totals[usage.stage] + usage if usage.stage in totals else usage
    return tuple(totals.values())


def answer_text(events: Iterable[Event]) -> str:
    """Return the answer, as far as it has been written."""
    pieces: list[str] = []
    for event in events:
        match event:
            case AnswerDelta(text=text, restarts=restarts):
                if restarts:
                    pieces.clear()
                pieces.append(text)  # a copy of the list for each piece would take minutes for a long answer of short ones
            case Answered(answer=answer):
                pieces = [answer]
            case _:
                pass
    return "".join(pieces)


def trace_json(events: Sequence[Event]) -> dict[str, Any]:
    """Return the whole request as JSON values: request, plan, steps, resources, answer, usage; error where there is one."""
    started = next((e for e in events if isinstance(e, RequestStarted)), None)
    plans = [e for e in events if isinstance(e, Planned)]
    failed = next((e for e in events if isinstance(e, RequestFailed)), None)
    done = next((e for e in events if isinstance(e, RequestDone)), None)
    steps = fold_steps(events)
    fetched = (r for e in events if isinstance(e, ResourcesFetched) for r in e.resources)
    resources = (*(started.resources if started else ()), *fetched, *(r for step in steps for r in step.outputs))
    trace: dict[str, Any] = {
        "request": started.request if started else "",
        "controller": started.controller if started else "",
        "plan": plans[-1].plan.as_json() if plans else [step.task.as_json() for step in steps],  # else as far as it is written
        "notes": list(dict.fromkeys(note for planned in plans for note in planned.plan.notes)),  # a new plan repeats them
        **({"replanned": [planned.because for planned in plans[1:]]} if len(plans) > 1 else {}),
        "steps": [_step_json(step) for step in steps],
        "resources": [_resource_json(resource) for resource in resources],
        "answer": answer_text(events),
        "usage": format_usage(done.usage if done else ()),
        "seconds": round(done.seconds, 3) if done else None,
    }
    return trace | ({"error": failed.error} if failed else {})


def _step_json(step: Step) -> dict[str, Any]:
    model = _model_json(step.model) | {"reason": step.reason} if step.model else None
    return {
        "id": step.task.id,
        "task": step.task.task,
        "status": step.status,
        "model": model,
        "seconds": round(step.seconds, 3),
        "outputs": [resource.name for resource in step.outputs],
        "error": step.error or None,
        "note": step.note or None,
        "attempts": [{"model": _model_json(attempt.model), "error": attempt.error} for attempt in step.attempts],
    }


def _model_json(model: ModelRef) -> dict[str, Any]:
    return {"id": model.id, "backend": model.backend, **({"provider": model.provider} if model.provider else {})}


def _resource_json(resource: Resource) -> dict[str, Any]:
    value = {"path": str(resource.path)} if resource.text is None else {"text": resource.text}
    return {
        "name": resource.name,
        "kind": resource.kind.value,
        "task_id": resource.origin.task_id,
        "origin": resource.origin.label,
        **value,
        **({"data": dict(resource.data)} if resource.data else {}),
    }


def format_usage(usages: Iterable[Usage]) -> dict[str, Any]:
    """Format the usage in total and by stage."""
    entries = [asdict(usage) for usage in usages]
    for entry in entries:
        entry["seconds"] = round(entry["seconds"], 3)
    totals = {key: sum(entry[key] for entry in entries) for key in ("calls", "prompt_tokens", "completion_tokens")}
    costs = [entry["cost"] for entry in entries if entry["cost"] is not None]  # the sum of none is unknown, not 0
    stages = {entry.pop("stage"): entry for entry in entries}
    return totals | {"cost": round(sum(costs), 6) if costs else None, "stages": stages}


_STAGE_NAMES: Final[Mapping[Stage, str]] = {
    "plan": "Planning",
    "select": "Choosing models",
    "work": "Text tasks",
    "respond": "The answer",
}


_MIN_COST: Final = 0.0001


def format_cost(dollars: float) -> str:
    """Format an amount of money: "$0.0012"; what is less than can be written so is said to be less."""
    return f"${dollars:.4f}" if dollars >= _MIN_COST or not dollars else "< $0.0001"


def describe_cost(usage: Usage) -> str:
    """Describe in one line the calls, tokens, time and cost of a stage."""
    calls = f"{usage.calls} {'call' if usage.calls == 1 else 'calls'}"
    tokens = f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out"
    about, source = ("about ", " by list price") if usage.estimated else ("", "")
    money = "" if usage.cost is None else f", {about}{format_cost(usage.cost)}{source}"
    return f"{_STAGE_NAMES[usage.stage]}: {calls}, {tokens}, {format_duration(usage.seconds)}{money}"


def format_duration(seconds: float) -> str:
    """Format a time in seconds as people read it: "2 ms", "1.4 s", "2 min 5 s"."""
    if seconds < 0.0995:  # below it ".1f" would say "0.1 s" of 96 ms, and above it ".0f" "100 ms"
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # from there on ".1f" would say "60.0 s"
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
