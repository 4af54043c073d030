"""The layout of a page, from the places of its pieces alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hugginggpt.experts.bundled.page_layout import align_tables, arrange, straighten
from hugginggpt.experts.bundled.page_tables import Cell

HEIGHT, PITCH, WIDTH = 20, 34, 10  # of a line, from line to line, of a character: in pixels

Piece = tuple[str, float, float]
"""Text, left, and number of the line."""


def draw_boxes(pieces: Sequence[Piece]) -> NDArray[np.float64]:
    return np.array(
        [
            [(left, line * PITCH), (right, line * PITCH), (right, line * PITCH + HEIGHT), (left, line * PITCH + HEIGHT)]
            for text, left, line in pieces
            for right in [left + WIDTH * len(text)]
        ],
        float,
    )


def read(pieces: Sequence[Piece], boxes: NDArray[np.float64] | None = None) -> list[str]:
    order = arrange([text for text, _, _ in pieces], draw_boxes(pieces) if boxes is None else boxes)
    return [" | ".join(pieces[index][0] for index in row) for row in order]


def column(left: float, first: float, *lines: str) -> list[Piece]:
    return [(text, left, first + number) for number, text in enumerate(lines)]


FERRY = (
    "The ferry leaves the old",
    "harbour at six in the",
    "morning and reaches the",
    "island before nine. There",
    "is coffee.",
)
BIKES = (
    "Cyclists pay two euros",
    "more. Dogs travel free if",
    "they stay on the lower",
    "deck. Tickets are sold at",
    "the kiosk.",
)
TREES = (
    "Oaks grow slowly and they",
    "live for many hundred years",
    "if nobody fells them. Birch",
    "trees grow faster and die",
    "sooner.",
)
RECEIPT = [
    ("2 x Flat white", 0, 0),
    ("7.60", 320, 0),
    ("1 x Bagel", 0, 1),
    ("4.25", 320, 1),
    ("TOTAL", 0, 2),
    ("11.85", 310, 2),
]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([*column(0, 0, *FERRY), *column(300, 0, *BIKES)], [*FERRY, *BIKES], id="two columns"),
        pytest.param(
            [("Getting to the island", 0, 0), *column(0, 1.5, *FERRY), *column(300, 1.5, *BIKES)],
            ["Getting to the island", *FERRY, *BIKES],
            id="a heading over the first column",
        ),
        pytest.param(
            [("How to get to the island and back again by ferry", 20, 0), *column(0, 1.5, *FERRY), *column(300, 1.5, *BIKES)],
            ["How to get to the island and back again by ferry", *FERRY, *BIKES],
            id="a heading across",
        ),
        pytest.param(
            [*column(0, 0, *FERRY), *column(300, 0, *BIKES), *column(600, 0, *TREES)], [*FERRY, *BIKES, *TREES],
            id="three columns",
        ),
        pytest.param(
            [*column(0, 0, *FERRY), *column(300, 0.5, *BIKES)], [*FERRY, *BIKES], id="lines that don't stand at one height"
        ),
        pytest.param(
            [*column(0, 0, *FERRY), *column(300, 0, *BIKES), ("Printed on recycled paper by the harbour office in May", 0, 6)],
            [*FERRY, *BIKES, "Printed on recycled paper by the harbour office in May"],
            id="a line across at the foot",
        ),
        pytest.param(
            [*column(0, 0, *FERRY), *column(300, 0, *BIKES[:3])], [*FERRY, *BIKES[:3]], id="a last column that ends early"
        ),
        pytest.param(RECEIPT, ["2 x Flat white | 7.60", "1 x Bagel | 4.25", "TOTAL | 11.85"], id="a receipt stays in rows"),
        pytest.param(
            [
                *column(0, 0, "BILL TO", "Pat Example", "9 Sample Street"),
                *column(300, 0, "SHIP TO", "Kim Muster", "22 Other Lane"),
            ],
            ["BILL TO | SHIP TO", "Pat Example | Kim Muster", "9 Sample Street | 22 Other Lane"],
            id="addresses side by side",
        ),
        pytest.param(
            [
                *column(0, 0, "Branch office", "North Quay in town", "Castle Street 14", "Greenfield by the sea"),
                *column(300, 0, "Opening hours of it", "Monday to Friday", "Saturday as well", "Every day in summer"),
            ],
            [
                "Branch office | Opening hours of it",
                "North Quay in town | Monday to Friday",
                "Castle Street 14 | Saturday as well",
                "Greenfield by the sea | Every day in summer",
            ],
            id="a table of phrases",
        ),
        pytest.param(
            [*column(0, 0, "今天早上渡船从旧港口出发", "九点以前到达岛上没有早饭", "所以请自己带一些吃的东西"),
             *column(300, 0, "骑自行车的人多付两块钱的", "狗只要在下层甲板就不用买", "票在红色的亭子里卖到十点")],
            ["今天早上渡船从旧港口出发", "九点以前到达岛上没有早饭", "所以请自己带一些吃的东西",
             "骑自行车的人多付两块钱的", "狗只要在下层甲板就不用买", "票在红色的亭子里卖到十点"],
            id="Chinese",
        ),
    ],
)  # fmt: skip
def test_pieces_are_read_in_the_order_of_a_reader(pieces: list[Piece], expected: list[str]) -> None:
    assert read(pieces) == expected


@pytest.mark.parametrize("degrees", [-30, -12, -4, 4, 12, 30])
def test_a_page_that_lies_askew_keeps_its_rows(degrees: float) -> None:
    angle = math.radians(degrees)
    turned = draw_boxes(RECEIPT) @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    assert read(RECEIPT, turned) == read(RECEIPT)


ITEMS = [piece for line in range(9) for piece in ((f"{line} x something", 0, line), (f"{line}.50", 600, line))]


@pytest.mark.parametrize(("convergence", "skew"), [(0.0004, 0), (-0.0004, 0), (0.0006, 5), (-0.0003, -8)])
def test_a_page_photographed_from_the_side_keeps_its_rows(convergence: float, skew: float) -> None:
    boxes = draw_boxes(ITEMS)
    boxes = boxes / (1 + convergence * boxes[..., :1])  # what is farther away is smaller
    angle = math.radians(skew)
    boxes = boxes @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    assert read(ITEMS, boxes) == [f"{line} x something | {line}.50" for line in range(9)]
    tops = straighten(boxes)[:, 0, 1].reshape(-1, 2)
    assert np.abs(np.diff(tops)).max() < HEIGHT / 2


def make_cells(rows: Sequence[str], lefts: Sequence[float] = (0, 200, 400, 600), gap: float = 1) -> list[list[Cell]]:
    """Make the cells of rows that are written as "a|b||d": an empty one isn't there."""
    return [
        [
            Cell(text, (left, line * PITCH * gap, left + WIDTH * len(text), line * PITCH * gap + HEIGHT))
            for text, left in zip(row.split("|"), lefts, strict=False)
            if text
        ]
        for line, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    "rows",
    [
        ["School|Teachers|Students", "Hill Road|18|342", "Lakeside|25|519"],
        ["|Monday|Tuesday|Wednesday", "8:00|Maths|English|Biology", "9:00||Maths|Music", "10:00|Sports||French"],
        ["Item|Quantity|Price", "Desk|2|289.00", "oiled||", "Lamp|4|64.50"],
        ["Name|Age|Town|", "Ann|31|Leeds|yes", "Ben||Hull|", "Cem|40|York|no"],
    ],
)
def test_a_table_has_a_cell_for_each_column_in_each_row(rows: list[str]) -> None:
    width = max(row.count("|") for row in rows) + 1
    expected = [(row + "|" * (width - row.count("|") - 1)).split("|") for row in rows]
    assert list(align_tables(make_cells(rows))) == [(texts, True) for texts in expected]


@pytest.mark.parametrize(
    ("rows", "gap"),
    [
        (["A heading", "and a line", "and another"], 1),
        (["Total|5.00", "Thank you for coming"], 1),
        (["one|two", "three|four", "five|six"], 2),  # far apart
    ],
)
def test_what_is_no_table_stays_as_it_is(rows: list[str], gap: float) -> None:
    assert [(" ".join(texts), table) for texts, table in align_tables(make_cells(rows, gap=gap))] == [
        (row.replace("|", " "), False) for row in rows
    ]
