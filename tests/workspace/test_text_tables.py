"""Tables inside plain texts: found where they are, never in prose; parts of the text that they stand in."""

from pathlib import Path

import pytest

from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.text_tables import HOLDS_TEXT, add_pasted_table, cut_pasted_table, find_tables
from hugginggpt.workspace.workspace import Workspace

MARKDOWN = "| Part | Price |\n|:-----|------:|\n| **Bolt** | 0.15 |\n| A \\| B | 2 |"


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        (MARKDOWN, [[("Part", "Price"), ("Bolt", "0.15"), ("A | B", "2")]]),
        ("Part | Price\n--- | ---\nBolt | 0.15 | more\nNut |", [[("Part", "Price"), ("Bolt", "0.15"), ("Nut", "")]]),
        (f"{MARKDOWN}\n\ntext\n\n{MARKDOWN}", 2 * [[("Part", "Price"), ("Bolt", "0.15"), ("A | B", "2")]]),
        ("Part | Price\nBolt | 0.15\nNut | 0.10", [[("Part", "Price"), ("Bolt", "0.15"), ("Nut", "0.10")]]),
        ("a;b\n1;2\n3;4", [[("a", "b"), ("1", "2"), ("3", "4")]]),
        ("name\tcity\nAda\tRome\nBo\tOslo", [[("name", "city"), ("Ada", "Rome"), ("Bo", "Oslo")]]),
        ('item,n\n"Lamp, small",3\nDesk,4', [[("item", "n"), ("Lamp, small", "3"), ("Desk", "4")]]),
        ("| Part | Price |\n|---|---|", []),  # no row
        ("| Part | Price |\n|---|\n| Bolt | 1 |", []),  # no rule of that width
        ("Title\n---\ntext", []),
        ("Red, white\nBlue, green\nPink, brown", []),  # words with commas
        ("We ate, then slept\nBo came, 7 years old\nIt rained, for 3 hours.", []),
        ("12,3\n4,5\n6,7", []),  # no header
        ("a,b\n1,2", []),  # too short to tell
        ("a,b\n1,2,3\n4,5", []),
        ('a,b\n"1,2\n3",4\n5,6', []),
    ],
)
def test_tables_are_found_and_nothing_else(text: str, tables: list[list[tuple[str, ...]]]) -> None:
    assert [[tuple(row) for row in table.rows] for table in find_tables(text)] == tables


@pytest.mark.parametrize(
    ("name", "text", "measures", "holds_text"),
    [
        ("stock.md", f"# Stock\n\n{MARKDOWN}\n", ["2 rows"], True),
        ("notes.md", f"Ida was elected treasurer.\n\n{MARKDOWN}\n", ["2 rows"], False),  # which may be asked about
        ("stock.txt", "part;n\nbolt;1\nnut;2\n", ["2 rows"], True),
        ("trip.md", f"{'We went on and on. ' * 9}\n\n{MARKDOWN}\n\n{MARKDOWN}", ["2 rows", "2 rows"], False),
        ("trip.txt", f"{'We went on and on. ' * 9}\n\npart;n\nbolt;1\nnut;2\n", [], False),
        ("page.txt", "<html><table><tr><td>a<td>b<tr><td>1<td>2</table>", ["1 row"], True),
    ],
)
def test_a_texts_tables_are_parts_of_it(
    workspace: Workspace, tmp_path: Path, name: str, text: str, measures: list[str], holds_text: bool
) -> None:
    path = tmp_path / name
    path.write_text(text)
    resource = workspace.add_file(path)
    parts = workspace.list_parts(resource)
    assert resource.kind is Kind.TEXT
    assert [part.measure for part in parts] == measures
    assert all(part.kind is Kind.TABLE and (HOLDS_TEXT in part.data) is holds_text for part in parts)


def test_a_text_without_room_for_its_tables_is_taken_without(tmp_path: Path) -> None:
    (tmp_path / "many.md").write_text("\n\n".join([MARKDOWN] * 30))
    with Workspace.create(Settings(max_session_files=3)) as workspace:
        resource = workspace.add_file(tmp_path / "many.md")
        assert len(workspace.list_parts(resource)) == 2


@pytest.mark.parametrize(
    ("request_", "rest"),
    [
        (f"Which part is the cheapest?\n\n{MARKDOWN}", "Which part is the cheapest?"),
        (f"Here is our stock:\n\n```\n{MARKDOWN}\n```\nWhich part is the cheapest?", "Which part is the cheapest?"),
        ("Draw a bar chart of this:\npart,n\nbolt,1\nnut,2", "Draw a bar chart of this:"),
        ("name\tpoints\nAbel\t12\nBritt\t19\n\nWho has the most points?", "Who has the most points?"),
    ],
)
def test_a_pasted_table_becomes_a_table_once(workspace: Workspace, request_: str, rest: str) -> None:
    table = add_pasted_table(workspace, request_)
    assert table is not None
    assert (table.kind, table.measure) == (Kind.TABLE, "2 rows")
    assert add_pasted_table(workspace, request_) == table
    assert cut_pasted_table(request_) == rest


@pytest.mark.parametrize(
    "request_", ["Which is the cheapest?", "Read this:\nDear Ann, I am here,\nand so is Bo, too,\nyours, Cy"]
)
def test_other_requests_have_no_table(workspace: Workspace, request_: str) -> None:
    assert add_pasted_table(workspace, request_) is None
    assert cut_pasted_table(request_) == request_
