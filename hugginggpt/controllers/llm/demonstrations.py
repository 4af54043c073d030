"""Demonstrations for the planning prompt: all of ``demos/plans/``, and those of them that are nearest to a request.

Source: arXiv 2303.17580, section 3.1.2, demonstration-based parsing. There a few stand in every prompt; here those are shown
that have most to do with the request, as many as a budget of tokens allows.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind

FOLDER: Final = Path(__file__).resolve().parents[3] / "demos" / "plans"
_WORD: Final = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff]")
_ENDINGS: Final = re.compile(r"(?:ing|ed|es|s|e)$")
_SAME_TASKS, _SAME_KINDS, _SEEN = 1.5, 0.15, 0.15
"""Beside the likeness of the words, 0..1, it counts for a demonstration that it shows tasks which the request may need, that it
comes with the same kinds of files; and against it, that others show all that it shows."""
_PLAN_CHARS_PER_TOKEN: Final = 3.2
"""Of a request and its plan as JSON."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """A request, what it came with, and what is right for it."""

    request: str
    attached: tuple[Resource, ...]
    turns: tuple[Turn, ...]
    plan: tuple[Mapping[str, Any], ...]
    answer: str
    """What is said at once, where nothing is planned."""
    words: Mapping[str, float]
    """The words of the request with their weights, a vector of length 1."""

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """Of what it comes with."""
        return frozenset(resource.kind for resource in self.attached)

    @functools.cached_property
    def tasks(self) -> frozenset[str]:
        """The task types of its plan."""
        return frozenset(task["task"] for task in self.plan)

    @property
    def reply(self) -> str:
        """The reply that is wanted, as JSON without blanks."""
        value = {"tasks": list(self.plan), "answer": self.answer or None}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    @functools.cached_property
    def tokens(self) -> int:
        """About how many tokens it takes."""
        return math.ceil((len(self.reply) + len(self.request) + 30 * len(self.attached)) / _PLAN_CHARS_PER_TOKEN) + 8


def nearest(
    text: str, kinds: Collection[Kind], likely: Sequence[str], budget: int, *, earlier: bool = False
) -> tuple[Demonstration, ...]:
    """The demonstrations that have most to do with a request, the nearest last, where a model minds it most.

    Args:
        text: The request.
        kinds: Of what it comes with.
        likely: The tasks that it may need, as far as anybody knows.
        budget: How many tokens they may take.
        earlier: Whether there were requests before this one.
    """
    words, wanted, given = weighted(text), set(likely), set(kinds)
    left, shown = budget, list[tuple[float, Demonstration]]()
    pool = {
        demo: _alike(words, demo) + _SAME_KINDS * (demo.kinds == given)
        for demo in demonstrations()
        if earlier or not demo.turns
    }
    shows: set[str] = set()
    while fitting := {demo: alike for demo, alike in pool.items() if demo.tokens <= left}:
        gains = {demo: alike + _teaches(demo, wanted - shows, shows) for demo, alike in fitting.items()}
        best = max(gains, key=gains.__getitem__)
        shown.append((pool.pop(best) + _SAME_TASKS * len(best.tasks & wanted) / max(len(best.tasks | wanted), 1), best))
        shows |= best.tasks
        left -= best.tokens
    return tuple(demo for _, demo in sorted(shown, key=lambda pair: pair[0]))


def _teaches(demo: Demonstration, missing: Collection[str], shows: Collection[str]) -> float:
    """What it counts that it shows tasks which are still missing, or only what others show already."""
    useful = len(demo.tasks & set(missing)) / len(demo.tasks | set(missing)) if missing else 0.0
    return _SAME_TASKS * useful - _SEEN * (demo.tasks <= set(shows))


def _alike(words: Mapping[str, float], demo: Demonstration) -> float:
    """The cosine of two requests' words, 0..1."""
    return sum(weight * demo.words.get(word, 0.0) for word, weight in words.items())


def weighted(text: str) -> Mapping[str, float]:
    """The words of a text by how rare they are among the demonstrations; the squares of the weights add up to 1."""
    counts = Counter(stems(text))
    rarity, most = _rarity()
    weights = {word: (1 + math.log(count)) * rarity.get(word, most) for word, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()} if length else {}


def stems(text: str) -> list[str]:
    """Words in small letters without their endings; of Chinese and Japanese the signs."""
    return [_ENDINGS.sub("", word) if len(word) > 4 else word for word in _WORD.findall(text.lower())]


@functools.cache
def _rarity() -> tuple[Mapping[str, float], float]:
    requests = [row["request"] for row in _rows()]
    found = Counter(word for request in requests for word in set(stems(request)))
    return {word: math.log(len(requests) / count) + 0.2 for word, count in found.items()}, math.log(len(requests)) + 0.2


@functools.cache
def _rows() -> tuple[Mapping[str, Any], ...]:
    files = sorted(FOLDER.glob("*.yaml"))
    return tuple(row for file in files for row in yaml.safe_load(file.read_text(encoding="utf-8")))


@functools.cache
def demonstrations() -> tuple[Demonstration, ...]:
    """All of them."""
    return tuple(_demonstration(row) for row in _rows())


def _demonstration(row: Mapping[str, Any]) -> Demonstration:
    count: Counter[str] = Counter()
    turns = tuple(Turn(turn["request"], "", _resources(turn["made"], count)) for turn in row.get("earlier", ()))
    attached = _resources(row.get("resources", ()), count)
    return Demonstration(row["request"], attached, turns, tuple(row["plan"]), row.get("answer", ""), weighted(row["request"]))


def _resources(files: Sequence[Mapping[str, str]], count: Counter[str]) -> tuple[Resource, ...]:
    made = []
    for file in files:
        count[file["kind"]] += 1
        kind = Kind(file["kind"])
        made.append(Resource(f"{kind}-{count[file['kind']]}", kind, Origin("upload", file["name"])))
    return tuple(made)
