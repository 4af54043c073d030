"""Events, as small frozen dataclasses: the one stream that page, terminal and trace render.

No event ever carries a key, a path outside its resources, or a traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.resources import Resource

Stage = Literal["plan", "select", "respond", "work"]
"""Stage of a language-model call; "work" is a text task that the controller's model did as an expert."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Cost of language-model calls."""

    stage: Stage
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = field(default=0.0, compare=False)  # the clock's: two runs alike in all else stay equal
    """From the question to the reply's last word."""
    cost: float | None = None
    """In US dollars, where the server tells it or its prices; at the highest price of the providers that may have answered."""
    estimated: bool = False
    """True if the cost, or a part of it, is reckoned from list prices: what is paid may be less."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum, under this one's stage."""
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]  # None: not known, rather than free
        return Usage(
            self.stage,
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            sum(costs) if costs else None,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on a back end."""

    id: str
    backend: str
    """bundled, local, hosted, download or controller."""
    provider: str = ""
    """The provider that runs a hosted one, "fal-ai"; or the host of a dedicated endpoint."""

    @property
    def location(self) -> str:
        """Back end and provider, as people read them: "local", "hosted by fal-ai"."""
        return f"{self.backend} by {self.provider}" if self.provider else self.backend


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A request was accepted."""

    request: str
    resources: tuple[Resource, ...]
    """Resources that the request came with."""
    controller: str
    """The planning controller: "built-in planner", or a model's name and its server."""


@dataclass(frozen=True, slots=True)
class TaskPlanned:
    """One task of the plan is known; the rest is still being written."""

    task: Task


@dataclass(frozen=True, slots=True)
class Planned:
    """Stage 1 is over, or a new plan for the rest is made."""

    plan: Plan
    """All tasks, those of the plan before among them."""
    seconds: float
    because: str = ""
    """Reason for a new plan: a failure, or a finding in a result."""


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The plan waits for the person's approval before anything runs."""

    models: Mapping[int, tuple[ModelRef, ...]] = field(hash=False)  # a mapping can't be hashed, an event can
    """Models that could run each task, the chosen one first."""
    problems: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Reasons why nothing can run a task, by its id."""


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """The person has approved the plan, as it was or changed (then a `Planned` follows)."""


@dataclass(frozen=True, slots=True)
class ModelSelected:
    """Stage 2 for one task."""

    task_id: int
    model: ModelRef
    reason: str
    candidates: tuple[ModelRef, ...]
    """All that could have been chosen, the best first."""
    source: str = ""
    """Source of the candidates, where it is not plain: "the Hub's search, 3 h ago", "the shipped list"."""


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task has its inputs and its device slot, and runs."""

    task_id: int
    model: ModelRef


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """Progress of a running task."""

    task_id: int
    message: str
    fraction: float | None = None
    """0..1, where it is known."""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A model failed on a task and the next candidate is tried."""

    task_id: int
    model: ModelRef
    error: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task made its outputs."""

    task_id: int
    model: ModelRef
    """The model that really ran."""
    outputs: tuple[Resource, ...]
    seconds: float
    note: str = ""
    """One sentence for the person about how the result came about."""


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task failed for good."""

    task_id: int
    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TaskSkipped:
    """A task can't run because one that it depends on didn't succeed."""

    task_id: int
    error: str
    because: int
    """The id of the task whose result is missing."""


@dataclass(frozen=True, slots=True)
class ResourcesFetched:
    """Files that came neither with the request nor from a task: URLs and shipped examples that the plan named."""

    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """The next words of the answer."""

    text: str
    restarts: bool = False
    """True if what came before is void: the answer begins, or begins again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Stage 4 is over."""

    answer: str
    complete: bool = True
    """True if what was asked for is in it: False when all its tasks failed, or a part of the plan is missing."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should know that belongs to no task."""

    message: str


@dataclass(frozen=True, slots=True)
class RequestProgress:
    """Progress of what belongs to no task: the reading of files before the plan."""

    message: str
    fraction: float | None = None
    """0..1, where it is known."""


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The request ended without an answer."""

    error: str


@dataclass(frozen=True, slots=True)
class RequestDone:
    """The end of the stream; always the last event unless the request was cancelled."""

    seconds: float
    usage: tuple[Usage, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Step:
    """The state of one task: the events about it, folded (`trace.fold_steps`)."""

    task: Task
    status: Literal["pending", "running", "done", "failed", "skipped"]
    model: ModelRef | None = None
    reason: str = ""
    """Reason for the model: the controller's or the ranking's, or that the one before it failed."""
    seconds: float = 0.0
    outputs: tuple[Resource, ...] = ()
    error: str = ""
    note: str = ""
    attempts: tuple[AttemptFailed, ...] = ()
    """The models that were tried before, in their order."""


Event = (
    RequestStarted
    | TaskPlanned
    | Planned
    | ApprovalAsked
    | ApprovalGiven
    | ModelSelected
    | TaskStarted
    | TaskProgress
    | AttemptFailed
    | TaskDone
    | TaskFailed
    | TaskSkipped
    | ResourcesFetched
    | AnswerDelta
    | Answered
    | Notice
    | RequestProgress
    | RequestFailed
    | RequestDone
)


Emit = Callable[[Event], None]
"""Called in the event loop with every event of a request."""
