"""The plan so far: its tasks, and what each step made for those that follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hugginggpt.controllers.rules.cue_table import load_rules
from hugginggpt.core.plan import Reference
from hugginggpt.core.tasks import Kind, TaskType


@dataclass(frozen=True, slots=True)
class DraftResult:
    """The result of one step, which may have become several tasks, one for each file."""

    task: str
    ids: tuple[int, ...]
    start: int
    """Start of the step's words in the request."""
    outputs: tuple[Kind, ...]

    @property
    def references(self) -> list[str]:
        """References by which a later argument means it, one for each task."""
        return [str(Reference(number)) for number in self.ids]


@dataclass
class PlanDraft:
    """The plan of one request while it grows."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    """In the paper's form."""
    steps: list[DraftResult] = field(default_factory=list)
    made: dict[Kind, DraftResult] = field(default_factory=dict)
    """The last step that made a picture, sound or video which later steps work on."""

    def add(self, row: TaskType, variants: Sequence[Mapping[str, Any]], start: int) -> DraftResult:
        """Add a step, as one task for each set of arguments, and return it."""
        ids = range(len(self.tasks), len(self.tasks) + len(variants))  # ids are positions: nothing is ever removed
        self.tasks += [{"task": row.name, "id": number, "args": dict(args)} for number, args in zip(ids, variants, strict=True)]
        step = DraftResult(row.name, tuple(ids), start, row.outputs)
        self.steps.append(step)
        for kind in row.outputs:
            if kind is not Kind.TEXT and (row.name in load_rules().changes or kind not in self.made):
                self.made[kind] = step
        return step

    @property
    def last(self) -> DraftResult | None:
        """The step before the one that is to be added."""
        return self.steps[-1] if self.steps else None

    @property
    def spoken(self) -> list[DraftResult]:
        """The steps that made any text."""
        return [step for step in self.steps if Kind.TEXT in step.outputs]

    @property
    def contents(self) -> list[DraftResult]:
        """The steps whose text is a content to work on, rather than a finding about one."""
        return [step for step in self.spoken if step.task not in load_rules().findings]

    def content_for(self, task: str) -> DraftResult | None:
        """Find the text that a task works on where its words name none: the last; for a finding the last that is whole."""
        contents = self.contents
        if task in load_rules().findings and contents:
            contents = [step for step in contents if step.task not in load_rules().shortened] or contents[-1:]
            if self._is_shortened_only(contents):
                return None
        return contents[-1] if contents else None

    def _is_shortened_only(self, contents: Sequence[DraftResult]) -> bool:
        """Tell whether there is only a summary of a given text: a finding is made of the text itself."""
        return all(step.task in load_rules().shortened for step in contents)

    def result(self, tasks: Collection[str], kind: Kind, before: int) -> DraftResult | None:
        """Return the last step of one of these tasks that makes a kind; its words stand before a position."""
        steps = [s for s in self.steps if s.task in tasks and kind in s.outputs and s.start <= before]  # points back
        return steps[-1] if steps else None

    def spoken_near(self, position: int, start: int, end: int) -> DraftResult:
        """Find what is read aloud: what the same part of the sentence asks for, else what was asked for last before it."""
        spoken = self.spoken
        same_clause = [step for step in spoken if start <= step.start < end]
        before = [step for step in spoken if step.start <= position]
        return (same_clause or before or spoken)[-1]  # the last resort: a step whose words come later
