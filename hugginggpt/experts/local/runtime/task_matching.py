"""Matching of checkpoints to tasks, by their own configuration, not by their names."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.hub.cache import Checkpoint

_MAX_SETTINGS_BYTES: Final = 16 * 2**20  # largest settings of a tokenizer that are looked through
_TABLE_PATH: Final = Path(__file__).with_name("architectures.yaml")
_SHARED_TASKS: Final = frozenset({"summarization", "translation", "text2text-generation", "table-question-answering"})
"""Tasks that share their architectures, so that only the training tells which of them a checkpoint does."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Entry of the table; an empty field fits everything."""

    architecture: str = "*"
    types: tuple[str, ...] = ()
    no_types: tuple[str, ...] = ()
    label: str = ""
    no_label: str = ""
    names: tuple[str, ...] = ()
    file: str = ""
    chat: bool = False
    tags: tuple[str, ...] = ()

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Return whether a checkpoint fits all fields."""
        labels = [label.lower() for label in checkpoint.labels]
        return (
            fnmatchcase(checkpoint.architecture, self.architecture)  # plain fnmatch ignores case on Windows
            and (not self.types or checkpoint.model_type in self.types)
            and checkpoint.model_type not in self.no_types
            and (not self.label or any(self.label in label for label in labels))
            and not (self.no_label and any(self.no_label in label for label in labels))
            and (not self.names or any(name in checkpoint.id.lower() for name in self.names))
            and (not self.file or (checkpoint.folder / self.file).is_file())
            and (not self.chat or has_chat_template(checkpoint.folder))
        )


@dataclass(frozen=True, slots=True)
class Match:
    """Task that a checkpoint can do."""

    task: str
    rank: int
    """Index of the entry that fitted; 0 is the preferred one."""
    tags: tuple[str, ...] = ()
    """Strengths, as in `ModelCard.tags`."""


def match_tasks(checkpoint: Checkpoint) -> list[Match]:
    """Return all tasks that a checkpoint can do, in the table's order."""
    found = [
        Match(task, rank, rule.tags)
        for task, rules in _read_table().items()
        for rank, rule in enumerate(rules)
        if rule.fits(checkpoint)
    ]
    first = {match.task: match for match in reversed(found)}  # the first entry of a task is the preferred one
    trained = _find_trained_tasks(checkpoint)
    if trained & first.keys():
        return [match for task, match in first.items() if task not in _SHARED_TASKS or task in trained]
    return list(first.values())  # nothing tells what it was trained for: all that its class can do


def _find_trained_tasks(checkpoint: Checkpoint) -> set[str]:
    """Return the tasks of `_SHARED_TASKS` that a checkpoint's configuration or card says it was trained for."""
    params: Mapping[str, Any] = checkpoint.config.get("task_specific_params") or {}  # T5's and BART's: settings by task
    names = {*params, str(checkpoint.card.get("pipeline_tag", ""))}
    return {task for task in _SHARED_TASKS for name in names if name.startswith(task)}  # "translation_en_to_de" is one


@functools.cache
def _read_table() -> Mapping[str, Sequence[Rule]]:
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(_TABLE_PATH.read_text(encoding="utf-8"))
    return {task: tuple(_build_rules(entries)) for task, entries in found.items()}


def has_chat_template(folder: Path) -> bool:
    """Return whether a checkpoint's tokenizer has a chat template; before 2025 it stood in the tokenizer's settings."""
    settings = folder / "tokenizer_config.json"
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    is_readable = settings.is_file() and settings.stat().st_size < _MAX_SETTINGS_BYTES
    return is_readable and b'"chat_template"' in settings.read_bytes()


def _build_rules(entries: Sequence[Mapping[str, Any]]) -> Iterator[Rule]:
    for entry in entries:
        yield Rule(
            str(entry.get("class", "*")),
            _as_tuple(entry.get("type", ())),
            _as_tuple(entry.get("no_type", ())),
            str(entry.get("label", "")),
            str(entry.get("no_label", "")),
            _as_tuple(entry.get("name", ())),
            str(entry.get("file", "")),
            bool(entry.get("chat", False)),
            _as_tuple(entry.get("tags", ())),
        )


def _as_tuple(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
