"""Running of a given plan from a script, without a planner; `ui.export.python_script` writes such scripts."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.agent.factory import make_agent, make_language_model, make_session_experts
from hugginggpt.agent.model_preferences import ModelPreferences, make_visitor
from hugginggpt.controllers.base import Choice, PlanRequest, RespondRequest, Selection
from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import Event, Notice, RequestFailed, Step, Usage
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import NAME_PATTERN, Resource
from hugginggpt.core.tasks import Kind, is_usable_as
from hugginggpt.core.trace import fold_steps
from hugginggpt.hub.tokens import read_environment_token
from hugginggpt.planning.repair import make_plan
from hugginggpt.workspace.resource_copy import copy_resource

RESULTS_FOLDER: Final = "results"
"""Folder for a plan's outputs, beside its files."""
_EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})  # read-only: a dict as a default would be shared by all calls


@dataclass
class GivenPlan:
    """Controller with a plan and models given beforehand."""

    tasks: Plan
    models: Mapping[int, str] = field(default_factory=dict)
    """Model of a task, by the task's id; where it can't run, the next candidate does."""
    name: str = "the script"
    can_replan: bool = False

    async def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice, None]:
        """Yield the given tasks."""
        for task in self.tasks.as_json():
            yield task

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """Select the models that the script names."""
        chosen = [(choice.task.id, self.models[choice.task.id]) for choice in choices if choice.task.id in self.models]
        return [Selection(task_id, model, "The script names it.") for task_id, model in chosen], None

    async def respond(self, request: RespondRequest) -> AsyncGenerator[str | Usage, None]:
        """Yield one sentence that says that the plan was run: the results are the answer."""
        yield "The plan was run."


def run_plan(
    plan: Sequence[Mapping[str, Any]],
    *,
    request: str = "Run the plan.",
    files: Mapping[str, str] = _EMPTY,
    models: Mapping[int, str] = _EMPTY,
    folder: str | Path = ".",
    on_event: Callable[[Event], object] = lambda event: None,
) -> tuple[Step, ...]:
    """Run a plan as it stands; keys are taken from ``HF_TOKEN`` and ``OPENAI_API_KEY``, where there are any.

    Args:
        plan: Tasks in the paper's form: ``{"task": …, "id": 0, "dep": [-1], "args": {…}}``.
        request: What it is for; its words may say what models are to be good at.
        files: What the plan calls its files ("image-1"), and their names.
        models: Which models are to run, by the tasks' ids; for all others the first that can.
        folder: Where the files lie; what is made is put into its folder ``results``.
        on_event: Called with every event.

    Returns:
        The final state of each task, in the plan's order.

    Raises:
        HuggingGPTError: The plan is none, a file can't be used, or there is nothing to run it on.
    """
    return asyncio.run(run_plan_with_agent(make_agent(), plan, request, files, models, Path(folder), on_event))


async def run_plan_with_agent(
    agent: HuggingGPT,
    plan: Sequence[Mapping[str, Any]],
    request: str,
    files: Mapping[str, str],
    models: Mapping[int, str],
    folder: Path,
    on_event: Callable[[Event], object] = lambda event: None,
) -> tuple[Step, ...]:
    """Run a plan as `run_plan` does, with an agent that exists already."""
    session = agent.new_session()
    try:
        attached = [_attach_file(session, name, folder / file) for name, file in files.items()]
        parsed = make_plan(plan, agent.table, attached, max_tasks=agent.settings.max_tasks)
        visitor = await make_visitor(agent, read_environment_token(), ModelPreferences())
        model = make_language_model(
            key=os.environ.get("OPENAI_API_KEY", ""),
            base_url=os.environ.get("OPENAI_BASE_URL", ""),
            model=os.environ.get("OPENAI_MODEL", ""),
        )
        extra = make_session_experts(agent, model, visitor=visitor)
        events: list[Event] = []
        async for event in agent.run(request, session, GivenPlan(parsed, models), attached, extra=extra):
            events.append(event)
            on_event(event)  # before the error is raised: the caller's log has the failure, too
            if isinstance(event, RequestFailed):
                raise RequestError(event.error)
        return tuple(_copy_outputs(step, folder / RESULTS_FOLDER) for step in fold_steps(events))
    finally:
        session.close()  # deletes its files: results were copied out above


def _attach_file(session: Session, name: str, path: Path) -> Resource:
    """Add a file to the session under the name that the plan has for it."""
    workspace = session.workspace
    names = {resource.name for resource in workspace.resources}
    added = workspace.add_file(path)
    if added.name == name:  # the workspace counts names by kind, and so do most plans
        return added
    if name in names or not NAME_PATTERN.fullmatch(name) or not is_usable_as(added.kind, Kind(name.partition("-")[0])):
        raise RequestError(f"“{path.name}” can't be called {name}: it is {added.kind.value}, or the name is taken.")
    renamed = copy_resource(replace(added, name=name), workspace)
    workspace.discard([added])  # after its file was adopted
    return renamed


def _copy_outputs(step: Step, folder: Path) -> Step:
    """Copy a step's files out of the session, which is about to be deleted."""
    return replace(step, outputs=tuple(_copy_file(resource, folder) for resource in step.outputs))


def _copy_file(resource: Resource, folder: Path) -> Resource:
    if resource.path is None:
        return resource
    folder.mkdir(parents=True, exist_ok=True)
    return replace(resource, path=Path(shutil.copyfile(resource.path, folder / f"{resource.name}{resource.path.suffix}")))


def describe_step(step: Step) -> str:
    """Describe a task's final state in lines: its model, its outputs and their paths."""
    model = f" by {step.model.id}" if step.model else ""
    lines = [f"{step.task.id} {step.task.task}: {step.status}{model}", step.error]
    lines += [f"{output.name}: {output.path if output.text is None else output.text}" for output in step.outputs]
    return "\n".join(filter(None, lines))
