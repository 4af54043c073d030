"""Boxes and lines: nothing overlaps, everything runs downwards, and it stays quick and narrow."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from hugginggpt.ui.run_panel.graph_layout import Layout, NodeSize, lay_out

WIDTH, HEIGHT = 140.0, 48.0
EDGES: dict[str, list[tuple[int, int]]] = {
    "chain": [(0, 1), (1, 2)],
    "diamond": [(0, 1), (0, 2), (1, 3), (2, 3)],
    "a long line beside a chain": [(0, 1), (1, 2), (2, 3), (0, 3)],
    "eight into one": [(n, 8) for n in range(8)],
    "one into eight": [(0, n) for n in range(1, 9)],
    "nothing to wait for": [],
    "some forty at random": [
        (a, b) for a, b in itertools.combinations(range(40), 2) if random.Random(a * 41 + b).random() < 0.1
    ],
}


def laid(edges: list[tuple[int, int]], files: dict[str, int] | None = None) -> Layout:
    count = max((max(edge) for edge in edges), default=3) + 1
    given = tuple(NodeSize(name, 80, 24, is_input=True) for name in files or ())
    pairs = [(str(a), str(b)) for a, b in edges] + [(name, str(target)) for name, target in (files or {}).items()]
    return lay_out((*given, *(NodeSize(str(n), WIDTH, HEIGHT) for n in range(count))), tuple(pairs))


@pytest.mark.parametrize("edges", EDGES.values(), ids=EDGES)
def test_no_two_boxes_overlap_and_all_lie_inside(edges: list[tuple[int, int]]) -> None:
    placed = laid(edges, {"image-1": 0, "image-2": 1})
    for a, b in itertools.combinations(placed.positions.values(), 2):
        beside = a.x + a.width <= b.x + 0.01 or b.x + b.width <= a.x + 0.01
        assert beside or a.y + a.height < b.y or b.y + b.height < a.y
    for place in placed.positions.values():
        assert place.x >= -0.01
        assert place.x + place.width <= placed.width + 0.01
        assert 0 <= place.y <= placed.height - place.height


@pytest.mark.parametrize("edges", EDGES.values(), ids=EDGES)
def test_what_waits_stands_below_what_it_waits_for_and_every_line_runs_down(edges: list[tuple[int, int]]) -> None:
    placed = laid(edges)
    for a, b in edges:
        assert placed.positions[str(a)].y + HEIGHT < placed.positions[str(b)].y
    assert all(line.start[1] < line.end[1] <= line.through for line in placed.lines)
    reached = {line.end for line in placed.lines if line.arrives}
    assert reached == {(placed.positions[str(b)].x + WIDTH / 2, placed.positions[str(b)].y) for _, b in edges}


def test_many_side_by_side_stay_in_a_column() -> None:
    assert laid(EDGES["eight into one"]).width <= 320
    assert laid(EDGES["one into eight"]).width <= 320


def test_lines_from_one_box_share_their_way_and_each_edge_keeps_a_piece_of_its_own() -> None:
    placed = laid(EDGES["one into eight"])
    assert len(placed.lines) < 2 * 8
    assert len(set(placed.labels.values())) == 8


def test_lines_that_need_not_cross_do_not() -> None:
    placed = laid([(0, 3), (1, 2)])  # the order of the boxes alone would cross them
    (a, b), (c, d) = ((line.start[0], line.end[0]) for line in placed.lines)
    assert (a - c) * (b - d) > 0


def test_what_is_given_stands_right_above_its_first_use() -> None:
    placed = laid([(0, 1), (1, 2)], {"image-1": 2})
    assert placed.positions["1"].y < placed.positions["image-1"].y < placed.positions["2"].y


def test_a_circle_is_drawn_without_the_edge_that_closes_it() -> None:
    placed = laid([(0, 1), (1, 2), (2, 0), (1, 1)])
    assert set(placed.labels) == {("0", "1"), ("1", "2")}


def test_a_dense_plan_is_laid_out_at_once() -> None:
    lay_out.cache_clear()
    begun = time.process_time()
    laid(list(itertools.combinations(range(40), 2)))
    assert time.process_time() - begun < 2
