"""The context that is handed down, whole, through the four stages of a request.

It names both seams, controllers and experts, so it stands above the two and below the stages.
"""

from dataclasses import dataclass, field
from typing import Self

from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.core.events import Emit, Event, Step
from hugginggpt.core.model_card import Preferences
from hugginggpt.core.recording import Turn
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.trace import StepFold
from hugginggpt.experts.base import Expert
from hugginggpt.workspace.workspace import Workspace


@dataclass  # not frozen: `turns` is replaced when a request is over
class Session:
    """One person's workspace and conversation."""

    workspace: Workspace
    turns: tuple[Turn, ...] = ()
    """The oldest first."""
    visitor: str = field(default="", repr=False)
    """Text that tells visitors apart, who take turns at devices; empty: each session is a visitor of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete its files."""
        self.workspace.close()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request: who asks for what, who works on it, and where its events are sent."""

    request: PlanRequest
    session: Session
    settings: Settings
    controller: Controller
    fallback: Controller  # may be `controller` itself, then there is nothing to fall back on
    """Plans and answers where `controller` has failed at it."""
    experts: tuple[Expert, ...]
    """In order of preference; one that stands there twice counts as it stands there last."""
    send: Emit  # a queue's put: events cross from the request's task to its reader
    preferences: Preferences = field(default_factory=Preferences)
    table: TaskTable = field(default_factory=load_task_table)
    tasks_with_key: frozenset[str] = frozenset()
    """Tasks that a session's own key would add a model for, to say so where there is none."""
    fold: StepFold = field(default_factory=StepFold)

    def emit(self, event: Event) -> None:
        """Send an event to whoever listens, and add it to the fold that `steps` reads."""
        self.fold.add(event)  # before the reader hears of it: `steps` is never behind what was sent
        self.send(event)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The state of each task so far, in the plan's order."""
        return self.fold.steps
