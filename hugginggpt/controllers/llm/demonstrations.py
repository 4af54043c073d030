"""Demonstrations for the planning prompt: those in ``demos/plans/`` that are nearest to a request.

Source: arXiv 2303.17580, section 3.1.2, demonstration-based parsing. The paper has the same few in every prompt; here those
are shown that have most to do with the request, as many as a budget of tokens allows.
"""

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

DEMONSTRATIONS_FOLDER: Final = Path(__file__).resolve().parents[3] / "demos" / "plans"
_WORD: Final = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff]")  # Chinese and Japanese have no blanks: each character is a word
_ENDINGS: Final = re.compile(r"(?:ing|ed|es|s|e)$")  # crude, but of both texts that are compared the same
_TASKS_WEIGHT, _KINDS_WEIGHT, _REPETITION_PENALTY = 1.5, 0.15, 0.15
"""Weights beside the similarity of the words, 0..1: for showing tasks that the request may need, for coming with the same
kinds of files, and against showing only what others show."""
_PLAN_CHARS_PER_TOKEN: Final = 3.2  # characters per token of a request and its plan as JSON


@dataclass(frozen=True, eq=False)  # by identity: a key of dicts, and mappings can't be hashed
class Demonstration:
    """Request, the files that came with it, and the right plan."""

    request: str
    attached: tuple[Resource, ...]
    turns: tuple[Turn, ...]
    plan: tuple[Mapping[str, Any], ...]
    answer: str
    """Direct answer, where nothing is planned."""
    words: Mapping[str, float]
    """Words of the request with their weights, a vector of length 1."""

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of the attached files."""
        return frozenset(resource.kind for resource in self.attached)

    @functools.cached_property
    def tasks(self) -> frozenset[str]:
        """Task types of the plan."""
        return frozenset(task["task"] for task in self.plan)

    @property
    def reply(self) -> str:
        """Right reply, as JSON without blanks."""
        value = {"tasks": list(self.plan), "answer": self.answer or None}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    @functools.cached_property
    def tokens(self) -> int:
        """Estimated number of tokens."""
        return math.ceil((len(self.reply) + len(self.request) + 30 * len(self.attached)) / _PLAN_CHARS_PER_TOKEN) + 8


def select_demonstrations(
    text: str, kinds: Collection[Kind], likely: Sequence[str], budget: int, *, earlier: bool = False
) -> tuple[Demonstration, ...]:
    """Return the demonstrations that have most to do with a request, the nearest last, where a model minds it most.

    Args:
        text: The request.
        kinds: Kinds of the attached files.
        likely: Tasks that the request may need.
        budget: Tokens that the demonstrations may take.
        earlier: Whether there were requests before this one.
    """
    words, needed, request_kinds = compute_word_weights(text), set(likely), set(kinds)
    remaining_tokens, chosen = budget, list[tuple[float, Demonstration]]()
    pool = {
        demo: _score_words(words, demo) + _KINDS_WEIGHT * (demo.kinds == request_kinds)
        for demo in load_demonstrations()
        if earlier or not demo.turns  # its turns would be taken for the session's
    }
    shown_tasks: set[str] = set()
    while fitting := {demo: score for demo, score in pool.items() if demo.tokens <= remaining_tokens}:
        gains = {demo: score + _score_tasks(demo, needed - shown_tasks, shown_tasks) for demo, score in fitting.items()}
        best = max(gains, key=gains.__getitem__)
        chosen.append((pool.pop(best) + _TASKS_WEIGHT * len(best.tasks & needed) / max(len(best.tasks | needed), 1), best))
        shown_tasks |= best.tasks
        remaining_tokens -= best.tokens
    return tuple(demo for _, demo in sorted(chosen, key=lambda pair: pair[0]))


def _score_tasks(demo: Demonstration, missing: Collection[str], shown_tasks: Collection[str]) -> float:
    """Score a demonstration for tasks that are not shown yet, and against showing only what others show."""
    useful = len(demo.tasks & set(missing)) / len(demo.tasks | set(missing)) if missing else 0.0
    return _TASKS_WEIGHT * useful - _REPETITION_PENALTY * (demo.tasks <= set(shown_tasks))


def _score_words(words: Mapping[str, float], demo: Demonstration) -> float:
    """Compute the cosine similarity of two requests' words, 0..1."""
    return sum(weight * demo.words.get(word, 0.0) for word, weight in words.items())  # both have length 1


def compute_word_weights(text: str) -> Mapping[str, float]:
    """Weigh a text's words by their rarity among the demonstrations; the squares of the weights add up to 1."""
    counts = Counter(extract_stems(text))
    rarity, max_rarity = _compute_rarity()
    weights = {word: (1 + math.log(count)) * rarity.get(word, max_rarity) for word, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()} if length else {}


def extract_stems(text: str) -> list[str]:
    """Split a text into lower-case words without their endings; for Chinese and Japanese into single characters."""
    return [_ENDINGS.sub("", word) if len(word) > 4 else word for word in _WORD.findall(text.lower())]


@functools.cache
def _compute_rarity() -> tuple[Mapping[str, float], float]:
    requests = [row["request"] for row in _read_rows()]
    counts = Counter(word for request in requests for word in set(extract_stems(request)))
    return {word: math.log(len(requests) / count) + 0.2 for word, count in counts.items()}, math.log(len(requests)) + 0.2


@functools.cache
def _read_rows() -> tuple[Mapping[str, Any], ...]:
    files = sorted(DEMONSTRATIONS_FOLDER.glob("*.yaml"))  # sorted, so that ties are the same on every machine
    return tuple(row for file in files for row in yaml.safe_load(file.read_text(encoding="utf-8")))


@functools.cache
def load_demonstrations() -> tuple[Demonstration, ...]:
    """Return all demonstrations, read once."""
    return tuple(_build_demonstration(row) for row in _read_rows())


def _build_demonstration(row: Mapping[str, Any]) -> Demonstration:
    count: Counter[str] = Counter()
    turns = tuple(Turn(turn["request"], "", _build_resources(turn["made"], count)) for turn in row.get("earlier", ()))
    attached = _build_resources(row.get("resources", ()), count)
    words = compute_word_weights(row["request"])
    return Demonstration(row["request"], attached, turns, tuple(row["plan"]), row.get("answer", ""), words)


def _build_resources(files: Sequence[Mapping[str, str]], count: Counter[str]) -> tuple[Resource, ...]:
    resources = []
    for file in files:
        count[file["kind"]] += 1
        kind = Kind(file["kind"])
        resources.append(Resource(f"{kind}-{count[file['kind']]}", kind, Origin("upload", file["name"])))
    return tuple(resources)
