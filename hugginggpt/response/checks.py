"""Checks of a request's outcome: failures, whether anything was done, and names that the answer made up."""

from collections.abc import Sequence

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.core.events import Step
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import NAME_PATTERN
from hugginggpt.workspace.workspace import Workspace


def describe_failures(steps: Sequence[Step]) -> str:
    """Describe failed and skipped tasks, as a complaint to the planner; empty where there are none."""
    failed = [f"Task {step.task.id} ({step.task.task}) failed: {step.error}" for step in steps if step.status == "failed"]
    without_text = [
        f"Task {step.task.id} ({step.task.task}) gave an empty text."
        for step in steps
        if step.status == "done" and step.outputs and not any(r.path or (r.text or "").strip() for r in step.outputs)
    ]
    return " ".join([*failed, *without_text])


def is_answered(plan: Plan, steps: Sequence[Step]) -> bool:
    """Tell whether anything that was asked for was done.

    A task on the way to a failed one does not count: nobody asked for it itself.
    """
    needed = {n for task in plan.tasks for n in task.dep}  # references in arguments are among them, too
    return not plan.tasks or any(step.status == "done" for step in steps if step.task.id not in needed)


def find_invented_names(answer: str, request: RespondRequest, workspace: Workspace) -> list[str]:
    """Return the names in an answer that look like resources, but exist neither as one nor in what the person wrote."""

    def scan(text: str) -> set[str]:
        return set(NAME_PATTERN.findall(text))

    written = scan(request.text).union(*(scan(resource.text or "") for step in request.steps for resource in step.outputs))
    return sorted(scan(answer) - {resource.name for resource in workspace.resources} - written)
