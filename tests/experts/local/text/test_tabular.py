"""Classes for the rows of a table."""

import csv
from pathlib import Path

import pytest

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from hugginggpt.core.tasks import Kind
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

TASK, MODEL = "tabular-classification", "tiny/retirement"


async def test_each_row_gets_its_class_and_how_sure_that_is(local: LocalBench) -> None:
    done = await local.run(TASK, MODEL, table=local.demo("people.csv"))
    assert [output.kind for output in done.result.outputs] == [Kind.TABLE, Kind.TEXT]
    with done.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows][:2] == ["Ines Varga", "Teodor Lindqvist"]
    assert {row["name"]: row["prediction"] for row in rows}["Ines Varga"] == "yes"
    assert all(0.5 <= float(row["confidence"]) <= 1 for row in rows)
    assert sum(done.data["classes"].values()) == len(rows) == 6
    assert done.text.startswith("6 rows: ")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name,age\nIn,61\n", "lacks the column born_in"),
        ("name\nIn\n", "lacks the columns age, born_in"),
        ("age,born_in\nold,Kenya\n", "“old” in the column age is no number"),
        ("age,born_in\n,Kenya\n", "empty cells"),
        ("age,born_in\n", "no rows"),
    ],
)
async def test_a_table_that_does_not_fit_the_model_is_refused(
    local: LocalBench, tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        await local.run(TASK, MODEL, table=local.file(path))


async def test_a_table_with_a_column_of_that_name_keeps_it(local: LocalBench, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    path.write_text("age;born_in;prediction\n61;Spain;perhaps\n")
    done = await local.run(TASK, MODEL, table=local.file(path))
    assert done.path.read_text().splitlines()[0] == "age,born_in,prediction,prediction_by_model,confidence"
    assert done.text == "1 row: 1 yes."


async def test_a_model_with_parts_that_are_not_known_to_be_safe_is_not_loaded(local: LocalBench) -> None:
    with pytest.raises(ExpertError, match="not known to be safe"):
        await local.run(TASK, "tiny/strange-estimator", table=local.demo("people.csv"))


async def test_classifying_can_be_stopped(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run(TASK, MODEL, StoppedAfter(looks=1), table=local.demo("people.csv"))
