"""A plan run from a script, without a planner: what `ui.export.python_script` writes is built on this."""

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
from hugginggpt.core.resources import NAME, Resource
from hugginggpt.core.tasks import Kind, serves
from hugginggpt.core.trace import fold_steps
from hugginggpt.hub.tokens import read_environment_token
from hugginggpt.planning.repair import make_plan
from hugginggpt.workspace.adopt import adopt

RESULTS: Final = "results"
"""The folder for what a plan makes, beside its files."""
_EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})  # read-only: a dict as a default would be shared by all calls


@dataclass
class GivenPlan:
    """A controller that has its plan, and knows which models it wants."""

    tasks: Plan
    models: Mapping[int, str] = field(default_factory=dict)
    """The model for a task, by the task's id; where it can't run, the next one does."""
    name: str = "the script"
    replans: bool = False

    async def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice, None]:
        """Yield the tasks as they stand."""
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
    tell: Callable[[Event], object] = lambda event: None,
) -> tuple[Step, ...]:
    """Run a plan as it stands; keys are taken from ``HF_TOKEN`` and ``OPENAI_API_KEY``, where there are any.

    Args:
        plan: Tasks in the paper's form: ``{"task": …, "id": 0, "dep": [-1], "args": {…}}``.
        request: What it is for; its words may say what models are to be good at.
        files: What the plan calls its files ("image-1"), and their names.
        models: Which models are to run, by the tasks' ids; for all others the first that can.
        folder: Where the files lie; what is made is put into its folder ``results``.
        tell: Called with every event.

    Returns:
        What became of each task, in the plan's order.

    Raises:
        HuggingGPTError: The plan is none, a file can't be used, or there is nothing to run it on.
    """
    return asyncio.run(carry_out(make_agent(), plan, request, files, models, Path(folder), tell))


async def carry_out(
    agent: HuggingGPT,
    plan: Sequence[Mapping[str, Any]],
    request: str,
    files: Mapping[str, str],
    models: Mapping[int, str],
    folder: Path,
    tell: Callable[[Event], object] = lambda event: None,
) -> tuple[Step, ...]:
    """Do what `run_plan` does, on an agent that exists already."""
    session = agent.new_session()
    try:
        attached = [_attach_file(session, name, folder / file) for name, file in files.items()]
        made = make_plan(plan, agent.table, attached, max_tasks=agent.settings.max_tasks)
        visitor = await make_visitor(agent, read_environment_token(), ModelPreferences())
        model = make_language_model(
            key=os.environ.get("OPENAI_API_KEY", ""),
            base_url=os.environ.get("OPENAI_BASE_URL", ""),
            model=os.environ.get("OPENAI_MODEL", ""),
        )
        extra = make_session_experts(agent, model, visitor=visitor)
        events: list[Event] = []
        async for event in agent.run(request, session, GivenPlan(made, models), attached, extra=extra):
            events.append(event)
            tell(event)  # before the error is raised: the caller's log has the failure, too
            if isinstance(event, RequestFailed):
                raise RequestError(event.error)
        return tuple(_copy_outputs(step, folder / RESULTS) for step in fold_steps(events))
    finally:
        session.close()  # deletes its files: results were copied out above


def _attach_file(session: Session, name: str, path: Path) -> Resource:
    """Add a file to the session under the name that the plan has for it."""
    workspace = session.workspace
    names = {resource.name for resource in workspace.resources}
    added = workspace.add_file(path)
    if added.name == name:  # the workspace counts names by kind, and so do most plans
        return added
    if name in names or not NAME.fullmatch(name) or not serves(added.kind, Kind(name.partition("-")[0])):
        raise RequestError(f"“{path.name}” can't be called {name}: it is {added.kind.value}, or the name is taken.")
    renamed = adopt(replace(added, name=name), workspace)
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
    """Describe what became of a task, in lines: which model ran, what it made and where that is."""
    model = f" by {step.model.id}" if step.model else ""
    lines = [f"{step.task.id} {step.task.task}: {step.status}{model}", step.error]
    lines += [f"{made.name}: {made.path if made.text is None else made.text}" for made in step.outputs]
    return "\n".join(filter(None, lines))
