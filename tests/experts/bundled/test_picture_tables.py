"""Tables of pictures: those with a header become files."""

from pathlib import Path

import pytest

from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call
from hugginggpt.experts.bundled.picture_tables import count_cells, write_tables
from hugginggpt.workspace.text_tables import HOLDS_TEXT

STAFF = [["Branch", "Staff"], ["North Quay", "14"], ["Greenfield", "21"]]
NO_CORNER = [["", "Mon", "Tue"], ["Ada", "3", "4"], ["Bo", "", "5"]]
RECEIPT = [["2 x Tea", "5.00"], ["1 x Soup", "6.20"], ["TOTAL", "11.20"]]
SAME_NAMES = [["Hours", "Hours"], ["3", "4"], ["5", "6"]]
GAP = [["Branch", "", "Staff"], ["a", "b", "c"], ["d", "e", "f"]]


@pytest.mark.parametrize(
    ("tables", "more_cells", "written", "is_all"),
    [
        ([STAFF], 0, [STAFF], True),
        ([STAFF], 1, [STAFF], True),
        ([STAFF], 20, [STAFF], False),
        ([NO_CORNER], 0, [NO_CORNER], True),
        ([STAFF, NO_CORNER], 0, [STAFF, NO_CORNER], False),
        ([RECEIPT, STAFF], 0, [STAFF], False),
        ([RECEIPT], 0, [], False),
        ([SAME_NAMES], 0, [], False),
        ([GAP], 0, [], False),
        ([STAFF] * 9, 0, [STAFF] * 5, False),
    ],
)
def test_tables_with_a_header_are_written(
    tmp_path: Path, tables: list[list[list[str]]], more_cells: int, written: list[list[list[str]]], is_all: bool
) -> None:
    paths = iter(tmp_path / f"{number}.csv" for number in range(9))
    call = Call(ModelCard("model", "image-to-text", "bundled", ""), {}, lambda suffix: next(paths))
    outputs = list(write_tables(call, tables, sum(map(count_cells, tables)) + more_cells))
    texts = [output.path.read_text(encoding="utf-8") for output in outputs if output.path]
    assert texts == ["".join(f"{','.join(row)}\n" for row in table) for table in written]
    assert [HOLDS_TEXT in output.data for output in outputs] == [is_all] * len(written)
