"""Draft of a plan: its tasks, and each step's results for those that follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hugginggpt.controllers.rules.cue_table import load_rules
from hugginggpt.core.plan import Reference
from hugginggpt.core.tasks import Kind, TaskType


@dataclass(frozen=True, slots=True)
class DraftResult:
    """Result of one step, which may be several tasks, one for each file."""

    task: str
    ids: tuple[int, ...]
    start: int
    """Start of the step's words in the request."""
    outputs: tuple[Kind, ...]

    @property
    def references(self) -> list[str]:
        """References to it for later arguments, one for each task."""
        return [str(Reference(number)) for number in self.ids]


@dataclass
class PlanDraft:
    """Plan of one request while it is being built."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    """In the paper's form."""
    steps: list[DraftResult] = field(default_factory=list)
    last_media: dict[Kind, DraftResult] = field(default_factory=dict)
    """Last step by kind that made a picture, sound or video for later steps to work on."""

    def add(self, row: TaskType, variants: Sequence[Mapping[str, Any]], start: int) -> DraftResult:
        """Add a step, as one task for each set of arguments, and return it."""
        ids = range(len(self.tasks), len(self.tasks) + len(variants))  # ids are positions: nothing is ever removed
        self.tasks += [{"task": row.name, "id": number, "args": dict(args)} for number, args in zip(ids, variants, strict=True)]
        step = DraftResult(row.name, tuple(ids), start, row.outputs)
        self.steps.append(step)
        for kind in row.outputs:
            if kind is not Kind.TEXT and (row.name in load_rules().changes or kind not in self.last_media):
                self.last_media[kind] = step
        return step

    @property
    def last_step(self) -> DraftResult | None:
        """Step that was added last."""
        return self.steps[-1] if self.steps else None

    @property
    def text_steps(self) -> list[DraftResult]:
        """Steps that make a text."""
        return [step for step in self.steps if Kind.TEXT in step.outputs]

    @property
    def content_steps(self) -> list[DraftResult]:
        """Steps whose text is content to work on, rather than a finding about its input."""
        return [step for step in self.text_steps if step.task not in load_rules().findings]

    def find_content(self, task: str) -> DraftResult | None:
        """Find the text that a task works on where its words name none: the last; for a finding the last that is whole."""
        contents = self.content_steps
        if task in load_rules().findings and contents:
            contents = [step for step in contents if step.task not in load_rules().shortened] or contents[-1:]
            if self._is_shortened_only(contents):
                return None
        return contents[-1] if contents else None

    def _is_shortened_only(self, contents: Sequence[DraftResult]) -> bool:
        """Tell whether there is only a summary of a given text: a finding is made of the text itself."""
        return all(step.task in load_rules().shortened for step in contents)

    def find_result(self, tasks: Collection[str], kind: Kind, before: int) -> DraftResult | None:
        """Find the last step of one of these tasks that makes a kind and whose words stand before a position."""
        steps = [s for s in self.steps if s.task in tasks and kind in s.outputs and s.start <= before]  # points back
        return steps[-1] if steps else None

    def find_text_to_speak(self, position: int, start: int, end: int) -> DraftResult:
        """Find the text to read aloud: that of the same clause, else the one asked for last before it."""
        text_steps = self.text_steps
        same_clause = [step for step in text_steps if start <= step.start < end]
        before = [step for step in text_steps if step.start <= position]
        return (same_clause or before or text_steps)[-1]  # the last resort: a step whose words come later
