"""What came of a request: what failed, whether anything was done, what its answer made up, what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.core.events import Step, Usage
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import NAME
from hugginggpt.workspace.workspace import Workspace


def gone_wrong(steps: Sequence[Step]) -> str:
    """Why the rest has to be planned anew: what failed for good, and what gave nothing; empty where all went well."""
    failed = [f"Task {step.task.id} ({step.task.task}) failed: {step.error}" for step in steps if step.status == "failed"]
    empty = [
        f"Task {step.task.id} ({step.task.task}) gave an empty text."
        for step in steps
        if step.status == "done" and step.outputs and not any(r.path or (r.text or "").strip() for r in step.outputs)
    ]
    return " ".join([*failed, *empty])


def complete(plan: Plan, steps: Sequence[Step]) -> bool:
    """Whether anything that was asked for was done: a task on the way to a failed one was not asked for itself."""
    needed = {n for task in plan.tasks for n in task.dep}
    return not plan.tasks or any(step.status == "done" for step in steps if step.task.id not in needed)


def invented(answer: str, request: RespondRequest, workspace: Workspace) -> list[str]:
    """Names of resources in an answer that no resource has and that nobody else wrote."""

    def names(text: str) -> set[str]:
        return set(NAME.findall(text))

    written = names(request.text).union(*(names(resource.text or "") for step in request.steps for resource in step.outputs))
    return sorted(names(answer) - {resource.name for resource in workspace.resources} - written)


def summed(usages: Sequence[Usage]) -> tuple[Usage, ...]:
    """One entry a stage, in the order in which the stages first appear."""
    totals: dict[str, Usage] = {}
    for usage in usages:
        totals[usage.stage] = totals[usage.stage] + usage if usage.stage in totals else usage
    return tuple(totals.values())
