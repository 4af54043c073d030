"""The measures, as pure functions: F1 over multisets, edit distance, exact match, and what a table row sums up.

Node and edge F1 as in TaskBench (arXiv 2311.18760, section 4), edit distance as in HuggingGPT (arXiv 2303.17580, section
4.2). Unlike TaskBench's script, a task that a plan has twice counts twice, and a plan that is invalid counts as an
empty one instead of being left out.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.planning.items import Filled, Graph, Item, Shape
from benchmarks.planning.results import Outcome

ALL: Final = "all"
_P95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Counts:
    """What a micro-averaged F1 is made of."""

    hits: int = 0
    planned: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.planned + other.planned, self.wanted + other.wanted)

    @property
    def f1(self) -> float | None:
        """0..1; None where neither anything was planned nor wanted."""
        total = self.planned + self.wanted
        return 2 * self.hits / total if total else None


def overlap(planned: Iterable[Hashable], wanted: Iterable[Hashable]) -> Counts:
    """Compare two multisets.

    >>> overlap(["ocr", "ocr", "tts"], ["ocr", "translation"])
    Counts(hits=1, planned=3, wanted=2)
    """
    given, right = Counter(planned), Counter(wanted)
    return Counts((given & right).total(), given.total(), right.total())


def edit_distance(planned: Sequence[str], wanted: Sequence[str]) -> float:
    """Levenshtein distance of two sequences of tasks over the longer one's length, 0..1.

    >>> edit_distance(["ocr", "tts"], ["ocr", "translation", "tts"])
    0.3333333333333333
    """
    row = list(range(len(wanted) + 1))
    for i, task in enumerate(planned, start=1):
        above, row = row, [i]
        for j, other in enumerate(wanted, start=1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (task != other)))
    return row[-1] / max(len(planned), len(wanted), 1)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One plan beside one right plan."""

    exact: bool
    distance: float
    """Normalised edit distance of the tasks, 0..1."""
    nodes: Counts
    edges: Counts | None
    arguments: Counts | None


def judge(planned: Graph, right: Graph) -> Judgement:
    """Compare a plan with one that is right; what the right one doesn't tell is not compared.

    Exact is the same sequence of tasks; in a graph, where several orders are right, the same tasks and edges.
    """
    edges = None if right.edges is None else overlap(planned.edges or (), right.edges)
    arguments = None
    if right.arguments is not None:
        named = any(name for _, name, _ in right.arguments)
        given = planned.arguments or ()
        arguments = overlap(given if named else map(_unnamed, given), right.arguments)
    if right.shape is Shape.GRAPH:
        exact = Counter(planned.tasks) == Counter(right.tasks) and Counter(planned.edges) == Counter(right.edges)
    else:
        exact = planned.tasks == right.tasks
    return Judgement(exact, edit_distance(planned.tasks, right.tasks), overlap(planned.tasks, right.tasks), edges, arguments)


def _unnamed(filled: Filled) -> Filled:
    return filled[0], "", filled[2]


def nearest(planned: Graph, right: Sequence[Graph]) -> Judgement:
    """The judgement beside the right plan that comes nearest: the most alike in tasks, then in edges, then in arguments."""

    def likeness(found: Judgement) -> tuple[float, ...]:
        shares = [1.0 if counts is None or counts.f1 is None else counts.f1 for counts in (found.edges, found.arguments)]
        return found.exact, -found.distance, *shares

    return max((judge(planned, graph) for graph in right), key=likeness)


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the table. Shares are 0..1; None where the data don't tell."""

    requests: int
    node_f1: float | None
    edge_f1: float | None
    argument_f1: float | None
    edit_distance: float | None
    """Mean of the normalised edit distances, 0 is best."""
    exact: float | None
    """Share of the plans that match a right one exactly."""
    invalid: float
    """Share of the requests for which there was no valid plan."""
    prompt_tokens: float | None
    """Mean a plan."""
    completion_tokens: float | None
    """Mean a plan."""
    median: float
    """Seconds a plan."""
    p95: float
    """Seconds within which 95 % of the plans were there (nearest rank)."""
    longest: float
    """Seconds."""


Answered = tuple[Item, Outcome]


def score(answered: Sequence[Answered]) -> Score:
    """Sum up the plans of at least one request."""
    found = [_judged(item, outcome) for item, outcome in answered if item.right]
    seconds = sorted(outcome.seconds for _, outcome in answered)
    return Score(
        requests=len(answered),
        node_f1=_f1(judgement.nodes for judgement in found),
        edge_f1=_f1(judgement.edges for judgement in found),
        argument_f1=_f1(judgement.arguments for judgement in found),
        edit_distance=_mean([judgement.distance for judgement in found]),
        exact=_mean([judgement.exact for judgement in found]),
        invalid=statistics.fmean(_is_invalid(item, outcome) for item, outcome in answered),
        prompt_tokens=_mean([n for _, outcome in answered if (n := outcome.prompt_tokens) is not None]),
        completion_tokens=_mean([n for _, outcome in answered if (n := outcome.completion_tokens) is not None]),
        median=statistics.median(seconds),
        p95=percentile(seconds, _P95),
        longest=seconds[-1],
    )


def _judged(item: Item, outcome: Outcome) -> Judgement:
    judgement = nearest(outcome.graph(item), item.right)
    if judgement.exact and _is_invalid(item, outcome):  # refused, and so as empty as a plan of nothing
        return Judgement(False, 1.0, judgement.nodes, judgement.edges, judgement.arguments)
    return judgement


def _is_invalid(item: Item, outcome: Outcome) -> bool:
    """Where nothing is to be run, a controller that says in words what it can't do has done right."""
    is_explained = outcome.in_words and any(not graph.tasks for graph in item.right)
    return outcome.plan is None and not is_explained


def _f1(counts: Iterable[Counts | None]) -> float | None:
    return sum((one for one in counts if one is not None), Counts()).f1


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that so large a share of the ordered values does not exceed (nearest rank).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def by_shape(answered: Sequence[Answered]) -> Mapping[str, Score]:
    """A score for each shape that occurs, and one for all."""
    shapes = {shape: [pair for pair in answered if pair[0].shape is shape] for shape in Shape}
    return {**{shape.value: score(pairs) for shape, pairs in shapes.items() if pairs}, ALL: score(answered)}
