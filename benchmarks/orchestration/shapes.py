"""The five requests that are measured, out of ``shapes.yaml``, and the least time that each must take."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.model_card import ModelCard
from hugginggpt.hub.catalog import load_catalog

MEDIA: Final = Path(__file__).resolve().parents[2] / "demos" / "media"
BACKEND: Final = "hosted"
"""The back end's name: candidates that run elsewhere are ranked by downloads and shown with them."""
_CANDIDATES: Final = 5
_SHAPES: Final = Path(__file__).with_name("shapes.yaml")


@dataclass(frozen=True, slots=True)
class Shape:
    """One request, and all that the models around it will say."""

    name: str
    request: str
    files: tuple[Path, ...]
    """What the request comes with."""
    plan: tuple[Mapping[str, Any], ...]
    """In the paper's form, as the language model writes it; every task stands after those it waits for."""
    results: Mapping[str, str]
    """By kind of task the text that it makes."""
    answer: str

    @property
    def choices(self) -> tuple[int, ...]:
        """The ids of the tasks that have several candidates."""
        return tuple(task["id"] for task in self.plan if len(candidates(task["task"])) > 1)

    @property
    def longest_path(self) -> int:
        """How many tasks must run one after the other."""
        depth: dict[int, int] = {-1: 0}
        for task in self.plan:
            depth[task["id"]] = 1 + max(depth[before] for before in task["dep"])
        return max(depth.values())

    def floor(self, delay: float) -> float:
        """The least time for four stages one after the other, in seconds: a call to plan, one to select where there is a
        choice, the longest path of models, one call to answer. Stages that overlap can get below it.

        Args:
            delay: What every call takes, in seconds.
        """
        return delay * (1 + bool(self.choices) + self.longest_path + 1)


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """All shapes by name, in the order in which they are measured."""
    return {name: _shape(name, **fields) for name, fields in _read()["shapes"].items()}


def _shape(name: str, *, files: list[str], plan: list[Mapping[str, Any]], **fields: Any) -> Shape:
    return Shape(name=name, files=tuple(MEDIA / file for file in files), plan=tuple(plan), **fields)


@functools.cache
def candidates(task: str) -> tuple[ModelCard, ...]:
    """The models for a kind of task, the preferred first: the first ones of the shipped list, or one alone."""
    count = 1 if task in _read()["one_model"] else _CANDIDATES
    return tuple(
        ModelCard(
            entry.id,
            task,
            BACKEND,
            entry.description,
            license=entry.license,
            size_mb=entry.size_mb,
            languages=entry.languages,
            downloads=_downloads(task, place),
            likes=_downloads(task, place) // 830,
            provider="hf-inference",
        )
        for place, entry in enumerate(load_catalog()[task][:count])
    )


def _downloads(task: str, place: int) -> int:
    """Made up, of the Hub's order of magnitude and falling: the shipped list has none, and they cost tokens like real ones."""
    return (2_417_000 + 90_700 * len(task)) // (2 * place + 1)


@functools.cache
def _read() -> Mapping[str, Any]:
    read: dict[str, Any] = yaml.safe_load(_SHAPES.read_text(encoding="utf-8"))
    return read
