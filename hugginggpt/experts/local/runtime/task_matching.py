"""Tasks that a checkpoint can do, told by its own configuration, not by its name."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.hub.cache import Checkpoint

_TABLE: Final = Path(__file__).with_name("architectures.yaml")
_ONE_OF: Final = frozenset({"summarization", "translation", "text2text-generation", "table-question-answering"})
"""Tasks that the same architectures do, each after its own training."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the table; what is empty fits everything."""

    architecture: str = "*"
    types: tuple[str, ...] = ()
    no_types: tuple[str, ...] = ()
    label: str = ""
    no_label: str = ""
    names: tuple[str, ...] = ()
    file: str = ""
    tags: tuple[str, ...] = ()

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Return whether a checkpoint is of this kind."""
        labels = [label.lower() for label in checkpoint.labels]
        return (
            fnmatchcase(checkpoint.architecture, self.architecture)
            and (not self.types or checkpoint.model_type in self.types)
            and checkpoint.model_type not in self.no_types
            and (not self.label or any(self.label in label for label in labels))
            and not (self.no_label and any(self.no_label in label for label in labels))
            and (not self.names or any(name in checkpoint.id.lower() for name in self.names))
            and (not self.file or (checkpoint.folder / self.file).is_file())
        )


@dataclass(frozen=True, slots=True)
class Match:
    """A task that a checkpoint can do."""

    task: str
    rank: int
    """Number of the task's entry that fitted: 0 is the preferred one."""
    tags: tuple[str, ...] = ()
    """Strengths of the model, as `ModelCard.tags`."""


def match_tasks(checkpoint: Checkpoint) -> list[Match]:
    """Return all tasks that a checkpoint can do, in the table's order."""
    found = [
        Match(task, rank, rule.tags)
        for task, rules in _table().items()
        for rank, rule in enumerate(rules)
        if rule.fits(checkpoint)
    ]
    first = {match.task: match for match in reversed(found)}
    trained = _trained_for(checkpoint)
    if trained & first.keys():
        return [match for task, match in first.items() if task not in _ONE_OF or task in trained]
    return list(first.values())


def _trained_for(checkpoint: Checkpoint) -> set[str]:
    """Return which of the tasks that share an architecture a checkpoint was trained for, where it says so."""
    own: Mapping[str, Any] = checkpoint.config.get("task_specific_params") or {}
    said = {*own, str(checkpoint.card.get("pipeline_tag", ""))}
    return {task for task in _ONE_OF for word in said if word.startswith(task)}


@functools.cache
def _table() -> Mapping[str, Sequence[Rule]]:
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return {task: tuple(_rules(entries)) for task, entries in found.items()}


def _rules(entries: Sequence[Mapping[str, Any]]) -> Iterator[Rule]:
    for entry in entries:
        yield Rule(
            str(entry.get("class", "*")),
            _words(entry.get("type", ())),
            _words(entry.get("no_type", ())),
            str(entry.get("label", "")),
            str(entry.get("no_label", "")),
            _words(entry.get("name", ())),
            str(entry.get("file", "")),
            _words(entry.get("tags", ())),
        )


def _words(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
