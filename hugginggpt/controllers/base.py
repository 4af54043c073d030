"""The seam between the agent and its controllers: a language model, or the built-in planner."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hugginggpt.core.events import Notice, Step, Usage
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Input of planning."""

    text: str
    attached: tuple[Resource, ...] = ()
    """Resources that this request came with."""
    turns: tuple[Turn, ...] = ()
    """Earlier requests of the session, the oldest first."""
    complaint: str = ""
    """Complaint about an earlier plan: its mistake, or its failed tasks."""
    steps: tuple[Step, ...] = ()
    """With a complaint, the steps of those tasks of the first plan that stay; only what is missing is planned."""

    @property
    def earlier_resources(self) -> tuple[Resource, ...]:
        """Resources of earlier turns that this request may refer to, the oldest first."""
        return tuple(resource for turn in self.turns for resource in turn.resources)


@dataclass(frozen=True, slots=True)
class Choice:
    """One task and the models it may be given to."""

    task: Task
    candidates: tuple[ModelCard, ...]
    """At least two, the best first."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A model for a task, and the reason: the paper's {"id", "reason"}."""

    task_id: int
    model_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RespondRequest:
    """Input of the answer, which may name nothing else."""

    text: str
    attached: tuple[Resource, ...]
    plan: Plan
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...] = field(default=())


class Controller(Protocol):  # structural: a controller outside of this package inherits nothing
    """Controller of stages 1, 2 and 4: plans, selects, responds."""

    @property
    def name(self) -> str:
        """The controller's name for people: "built-in planner", "gpt-5-mini (api.openai.com)"."""

    @property
    def can_replan(self) -> bool:
        """True if it can make a new plan for the rest when a task has failed."""  # a property: a plain attribute satisfies it

    def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice]:
        """Yield task objects in the paper's form as soon as each is known, not yet repaired.

        A controller that answers a request itself, because it needs no task, yields the answer in pieces, as str. What the
        person should know besides is a Notice.

        Raises:
            RequestError: The controller can't make a plan of this request and says why.
            ControllerError: Its server failed.
        """

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """Choose a model for each task that has a choice.

        Raises:
            ControllerError: Its server failed; the first candidates are taken then.
        """

    def respond(self, request: RespondRequest) -> AsyncGenerator[str | Usage]:  # as `plan`: an async generator, so no `async`
        """Yield the answer in pieces.

        Raises:
            ControllerError: Its server failed; the built-in answer is given then.
        """
