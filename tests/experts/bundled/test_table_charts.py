"""Charts of tables: what is drawn, and that a picture comes of it."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from tests.experts.bundled.conftest import Bench
from tests.experts.bundled.test_table_answers import TABLES, attach

TASK = "table-to-chart"


@pytest.mark.parametrize(
    ("name", "request_", "form", "drawn"),
    [
        ("staff", "Draw a bar chart of average salary per department", "bar", {"Sales": 4050.0, "Support": 3200.0}),
        ("staff", "pie chart of rows per city", "pie", {"Berlin": 2.0, "Paris": 3.0}),
        ("staff", "chart of the number of people per city", "bar", {"Rome": 1.0}),
        ("staff", "Draw a bar chart of salary by name from staff.csv", "bar", {"Carla Rossi": 5600.0}),
        ("sales", "bar chart of Umsatz by Region", "bar", {"Nord": 1354.5, "West": 2469.0}),
        ("sales", "plot Menge over time", "line", {"2024-01-17": 12.0}),
        ("weather", "line chart of tempC by date for Port", "line", {"2024-06-01": 18.5, "2024-06-02": 19.5}),
        ("products", "visualize the discount", "bar", {"Shelf": 15.0}),
        ("mixed", "bar chart of weight by team", "bar", {"Reds": 76.0, "Blues": 79.5}),
    ],
)
async def test_the_numbers_of_a_chart_are_calculated(
    bench: Bench, name: str, request_: str, form: str, drawn: dict[str, float]
) -> None:
    table = attach(bench, TABLES[name]["text"], TABLES[name]["suffix"])
    done = await bench.run(TASK, table=table, instruction=request_)
    picture, words = done.result.outputs
    assert (picture.kind, words.kind) == (Kind.IMAGE, Kind.TEXT)
    assert words.data["form"] == form
    found = dict(zip(words.data["labels"], words.data["values"], strict=True))
    assert drawn.items() <= found.items()
    assert picture.path is not None
    with Image.open(picture.path) as image:
        assert image.size == (960, 600)
        assert (np.asarray(image.convert("L")) < 200).mean() > 0.01


async def test_a_histogram_counts_all_rows(bench: Bench) -> None:
    done = await bench.run(TASK, table=attach(bench, TABLES["staff"]["text"]), instruction="histogram of salary")
    words = done.result.outputs[1]
    assert words.text == "A histogram of 7 values: Distribution of salary."


async def test_a_charts_answer_explains_its_numbers(bench: Bench) -> None:
    done = await bench.run(
        TASK, table=attach(bench, "word,n\n\U000130b8,3\n\U000130c0,5\n"), instruction="bar chart of n by word"
    )
    words = done.result.outputs[1]
    assert (
        words.text == "A bar chart of 2 values: n by word. 1: \U000130b8; 2: \U000130c0."
    )  # hieroglyphs: no usual font has them
    assert words.data["labels"] == ["\U000130b8", "\U000130c0"]
    assert "numbered" in done.note


async def test_labels_with_formulas_are_text(bench: Bench) -> None:
    table = attach(bench, "name,size\n$\\frac{1}{0,4\n$x^$,5\n<b>很长</b>,6\n")
    done = await bench.run(TASK, table=table, instruction="bar chart of size by name")
    assert sorted(done.result.outputs[1].data["values"]) == [4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("name", "request_", "reason"),
    [
        ("staff", "chart of happiness", "“happiness” is neither a column"),
        ("invoice", "bar chart", "which column is to be drawn"),
        ("mixed", "bar chart of paid by team", "several units"),
    ],
)
async def test_what_is_not_clear_is_not_drawn(bench: Bench, name: str, request_: str, reason: Any) -> None:
    with pytest.raises(ExpertError, match=reason):
        await bench.run(TASK, table=attach(bench, TABLES[name]["text"]), instruction=request_)


async def test_bars_that_nobody_can_read_are_not_drawn(bench: Bench) -> None:
    table = attach(bench, "name,size\n" + "".join(f"item{n},{n}\n" for n in range(100)))
    with pytest.raises(ExpertError, match="100 values are too many for a bar chart"):
        await bench.run(TASK, table=table, instruction="bar chart of size by name")
