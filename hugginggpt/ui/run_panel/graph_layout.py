"""Layout of a directed graph: boxes in layers from top to bottom, and the lines between them.

Layers by the longest path, a few boxes each; lines over several layers are bundled; the order within a layer is the
barycentre's with the fewest crossings seen. Source: Sugiyama, Tagawa, Toda, "Methods for Visual Understanding of
Hierarchical System Structures" (1981).
"""

import functools
import itertools
from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MAX_SWEEPS: Final = 8
_LINE_WIDTH: Final = 1.0  # the room that a line takes where it passes through a layer, in pixels


@dataclass(frozen=True, slots=True)
class NodeSize:
    """A box to be placed; sizes in pixels."""

    key: str
    width: float
    height: float
    is_input: bool = False
    """True if it comes from outside: it stands in a row of such, right above the first box that it leads to."""


@dataclass(frozen=True, slots=True)
class EdgePath:
    """A piece of a connection, from (x, y) down to (x, y), and on straight down to `through`."""

    start: tuple[float, float]
    end: tuple[float, float]
    through: float
    arrives: bool
    """True if it ends at a box."""


@dataclass(frozen=True, slots=True)
class NodePosition:
    """A placed box: its upper left corner, and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of all boxes and lines, in pixels from the upper left corner."""

    positions: Mapping[str, NodePosition]
    """Position of each box, by its key."""
    lines: tuple[EdgePath, ...]
    labels: Mapping[tuple[str, str], tuple[float, float]]
    """The middle of the piece that an edge has to itself, where it has one."""
    width: float
    height: float


Node = str | tuple[int, str, str]
"""A box by its key, or where the lines that "from" or "to" a box share pass through a layer."""


@functools.lru_cache(maxsize=64)  # a plan is drawn at each event, and hardly ever changes
def lay_out(
    boxes: tuple[NodeSize, ...],
    edges: tuple[tuple[str, str], ...],
    *,
    max_per_layer: int = 2,
    horizontal_gap: float = 8,
    layer_gap: float = 36,
) -> Layout:
    """Place the boxes; the same boxes and edges always give the same picture.

    Args:
        boxes: Each with a key of its own.
        edges: From the upper to the lower box, by their keys; those that close a circle are left out.
        max_per_layer: How many boxes stand in one layer at most, without those that are given.
        horizontal_gap: Pixels between neighbours.
        layer_gap: Pixels between layers.
    """
    box_of = {box.key: box for box in boxes}
    layer_of = _assign_layers(boxes, edges, max_per_layer)
    forward = tuple(dict.fromkeys((a, b) for a, b in edges if layer_of[a] < layer_of[b]))
    pieces, route = _route_edges(forward, layer_of)
    layers: list[list[Node]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for key in box_of:
        layers[layer_of[key]].append(key)
    middles = [(len(layer) + 1) // 2 for layer in layers]
    for node in dict.fromkeys(node for piece in pieces for node in piece if isinstance(node, tuple)):
        layers[node[0]].insert(middles[node[0]], node)  # lines start between the boxes
    upper, lower = _list_neighbours(pieces)
    layers = _order_layers(layers, upper, lower)
    widths = {node: box_of[node].width if isinstance(node, str) else _LINE_WIDTH for layer in layers for node in layer}
    centres = _place_centres(layers, upper, lower, widths, horizontal_gap)
    tops, heights = [], []
    y = 0.0
    for layer in layers:
        heights.append(max((box_of[node].height for node in layer if isinstance(node, str)), default=0.0))
        tops.append(y)
        y += heights[-1] + layer_gap

    def span(node: Node) -> tuple[float, float]:
        """Return the top and the bottom of a node, from above."""
        if isinstance(node, tuple):
            return tops[node[0]], tops[node[0]] + heights[node[0]]
        n = layer_of[node]
        top = tops[n] + (heights[n] - box_of[node].height) / 2
        return top, top + box_of[node].height

    lines = tuple(
        EdgePath((centres[a], span(a)[1]), (centres[b], span(b)[0]), span(b)[not isinstance(b, str)], isinstance(b, str))
        for a, b in pieces
    )
    places = {k: NodePosition(centres[k] - box.width / 2, span(k)[0], box.width, box.height) for k, box in box_of.items()}
    labels = {edge: ((centres[a] + centres[b]) / 2, (span(a)[1] + span(b)[0]) / 2) for edge, (a, b) in route.items()}
    width = max((centres[node] + widths[node] / 2 for node in widths), default=0.0)
    return Layout(places, lines, labels, width, max(y - layer_gap, 0.0))


def _assign_layers(boxes: Sequence[NodeSize], edges: Iterable[tuple[str, str]], max_per_layer: int) -> dict[str, int]:
    """Return the layer of each box, from 0 and without gaps: below all that lead to it, where there is still room."""
    given = {box.key for box in boxes if box.is_input}
    before: dict[str, set[str]] = {box.key: set() for box in boxes if not box.is_input}
    targets: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        if a in given:
            targets[a].append(b)
        elif a != b:
            before[b].add(a)
    row: dict[str, int] = {}
    taken: Counter[int] = Counter()
    waiting = list(before)
    while waiting:
        # in a circle nothing is ever ready: its first box begins
        key = next((key for key in waiting if before[key] <= row.keys()), waiting[0])  # quadratic: plans are short
        n = max((row[a] + 1 for a in before[key] if a in row), default=0)
        while taken[n] >= max_per_layer:  # a full layer: the next one down
            n += 1
        row[key] = n
        taken[n] += 1
        waiting.remove(key)
    halves = {key: 2 * n + 1 for key, n in row.items()}  # between any two rows there is one for what is given
    halves |= {key: min((halves[b] for b in targets[key]), default=1) - 1 for key in given}
    rank = {half: n for n, half in enumerate(sorted(set(halves.values())))}
    return {key: rank[half] for key, half in halves.items()}


def _route_edges(
    edges: Sequence[tuple[str, str]], layer_of: Mapping[str, int]
) -> tuple[tuple[tuple[Node, Node], ...], dict[tuple[str, str], tuple[Node, Node]]]:
    """Return the pieces from layer to layer, and for each edge the one that it shares with no other."""
    leaving, arriving = Counter(a for a, _ in edges), Counter(b for _, b in edges)
    pieces: dict[tuple[Node, Node], None] = {}
    own: dict[tuple[str, str], tuple[Node, Node]] = {}
    for a, b in edges:
        shared = ("to", b) if arriving[b] > leaving[a] else ("from", a)  # bundled at its busier end
        chain: list[Node] = [a, *((n, *shared) for n in range(layer_of[a] + 1, layer_of[b])), b]
        run = list(itertools.pairwise(chain))
        pieces |= dict.fromkeys(run)
        own[a, b] = run[0] if shared[0] == "to" else run[-1]
    return tuple(pieces), own


Neighbours = Mapping[Node, Sequence[Node]]


def _list_neighbours(pieces: Iterable[tuple[Node, Node]]) -> tuple[Neighbours, Neighbours]:
    """Return the neighbours above and below each node."""
    upper: dict[Node, list[Node]] = defaultdict(list)
    lower: dict[Node, list[Node]] = defaultdict(list)
    for a, b in pieces:
        upper[b].append(a)
        lower[a].append(b)
    return upper, lower


def _order_layers(layers: list[list[Node]], upper: Neighbours, lower: Neighbours) -> list[list[Node]]:
    """Return each layer in the order with the fewest crossings that sweeps down and up have come by."""
    best, fewest = layers, _count_crossings(layers, lower)
    for sweep in range(_MAX_SWEEPS):
        if not fewest:
            break
        layers = [list(layer) for layer in layers]  # `best` may hold the ones before
        beside = lower if sweep % 2 else upper
        at = {node: float(i) for layer in layers for i, node in enumerate(layer)}
        for n in reversed(range(len(layers))) if sweep % 2 else range(len(layers)):
            layers[n].sort(key=lambda node: _mean([at[other] for other in beside.get(node, ())], at[node]))
            at |= {node: float(i) for i, node in enumerate(layers[n])}
        if (count := _count_crossings(layers, lower)) < fewest:
            best, fewest = layers, count
    return best


def _count_crossings(layers: Sequence[Sequence[Node]], lower: Neighbours) -> int:
    at = {node: i for layer in layers for i, node in enumerate(layer)}
    count = 0
    for layer in layers:
        ends: list[int] = []
        for node in layer:
            below = sorted(at[other] for other in lower.get(node, ()))
            count += sum(len(ends) - bisect_right(ends, end) for end in below)
            for end in below:
                insort(ends, end)  # only now: lines from one node don't cross
    return count


def _place_centres(
    layers: Sequence[Sequence[Node]], upper: Neighbours, lower: Neighbours, widths: Mapping[Node, float], horizontal_gap: float
) -> dict[Node, float]:
    """Return the middle of each node, counted from the left edge: near its neighbours, no wider than must be."""
    frame = max((sum(widths[node] for node in layer) + horizontal_gap * (len(layer) - 1) for layer in layers), default=0.0)
    at: dict[Node, float] = {}
    for layer in layers:
        at |= zip(
            layer, _space_out([frame / 2] * len(layer), [widths[node] for node in layer], horizontal_gap, frame), strict=True
        )
    for sweep in range(_MAX_SWEEPS):
        for layer in reversed(layers) if sweep % 2 else layers:
            last = sweep >= _MAX_SWEEPS - 2  # at the end both sides count
            sides = [upper, lower] if last else [lower if sweep % 2 else upper]
            targets = [_mean([at[other] for side in sides for other in side.get(node, ())], at[node]) for node in layer]
            at |= zip(layer, _space_out(targets, [widths[node] for node in layer], horizontal_gap, frame), strict=True)
    left = min((at[node] - widths[node] / 2 for node in at), default=0.0)
    return {node: x - left for node, x in at.items()}


def _space_out(targets: Sequence[float], widths: Sequence[float], gap: float, frame: float) -> list[float]:
    """Return the places within 0..frame nearest to the wanted ones, by least squares, at which neighbours keep distance."""
    offsets, total = [], 0.0
    for i, width in enumerate(widths):
        total += (widths[i - 1] + width) / 2 + gap if i else 0.0
        offsets.append(total)
    groups: list[tuple[float, int]] = []  # those that stand as close as they may: where they want to be together
    for place, offset in zip(targets, offsets, strict=True):
        mean, count = place - offset, 1
        while groups and groups[-1][0] >= mean:  # isotonic regression: pool adjacent violators
            other_mean, other_count = groups.pop()
            mean, count = (mean * count + other_mean * other_count) / (count + other_count), count + other_count
        groups.append((mean, count))
    lowest, highest = widths[0] / 2, frame - total - widths[-1] / 2  # within the frame, as a whole
    means = [min(max(mean, lowest), highest) for mean, count in groups for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
