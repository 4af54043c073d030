"""Questions about tables, answered by calculation or refused."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.resources import Resource
from tests.experts.bundled.conftest import Bench

TABLES: Final[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("table_questions.yaml").read_text(encoding="utf-8"))
TASK: Final = "table-question-answering"


def attach(bench: Bench, text: str, suffix: str = ".csv", name: str = "table") -> Resource:
    path = bench.workspace.new_path(suffix).with_name(f"{name}{suffix}")
    path.write_bytes(text.encode())
    return bench.workspace.add_file(path)


@pytest.mark.parametrize(
    ("name", "question", "expected"),
    [(name, question, expected) for name, table in TABLES.items() for question, expected in table["cases"]],
)
async def test_a_question_is_answered_rightly_or_refused(bench: Bench, name: str, question: str, expected: Any) -> None:
    table = attach(bench, TABLES[name]["text"], TABLES[name]["suffix"], name)
    if expected is None:
        with pytest.raises(ExpertError) as raised:
            await bench.run(TASK, table=table, question=question)
        assert not isinstance(raised.value, InputError)  # so that a table model is tried next
    else:
        done = await bench.run(TASK, table=table, question=question)
        assert done.data["values"] == [str(value) for value in (expected if isinstance(expected, list) else [expected])]


async def test_the_answer_says_what_was_counted_and_shows_the_rows(bench: Bench) -> None:
    table = attach(bench, TABLES["staff"]["text"])
    done = await bench.run(TASK, table=table, question="How many people are in Paris?")
    first, _, shown = done.text.partition("\n\n")
    assert first == "Counted 3 of 7 rows where city is Paris."
    assert shown.splitlines()[0] == "| name | department | city | salary | joined | phone_number | remote |"
    assert len(shown.splitlines()) == 2 + 3


async def test_a_row_that_sums_others_up_is_left_out_and_named(bench: Bench) -> None:
    done = await bench.run(TASK, table=attach(bench, TABLES["invoice"]["text"]), question="sum of the amounts")
    assert done.data["answer"] == "129"
    assert done.note == "The row “Total” sums others up, so it is left out."


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
async def test_separators_inside_of_quotes_separate_nothing(bench: Bench, separator: str) -> None:
    other = ";" if separator != ";" else ","
    text = f'"name{other}{other}{other}"{separator}"size"\r\n"Ann{other} B"{separator}4\r\nBo{separator}5\r\n'
    done = await bench.run(TASK, table=attach(bench, "\ufeff" + text), question="total size")
    assert done.data["answer"] == "9"


async def test_formulas_and_markup_are_text(bench: Bench) -> None:
    table = attach(bench, "name,cmd\n=HYPERLINK(1),<b>x</b>|y\n__import__('os'),$(ls)\n")
    done = await bench.run(TASK, table=table, question='show the rows where cmd is not "$(ls)"')
    assert done.data["rows"] == [["=HYPERLINK(1)", "<b>x</b>|y"]]


SCHOOLS = "| School | Teachers | Head |\n|---|---|---|\n| Hill Road | 18 | Ms Adeyemi |\n| Old Mill | 9 | Ms Castell |\n"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which school does Ms Castell lead?", "Old Mill"),
        ("Which head runs Hill Road?", "Ms Adeyemi"),
        ("How many schools does Ms Castell lead?", None),
        ("Which school with 18 teachers does Ms Castell lead?", None),
        ("Which school is the best?", None),
        ("Who painted Old Mill?", None),
    ],
)
async def test_of_a_table_inside_a_text_a_cell_is_looked_up_too(bench: Bench, question: str, answer: str | None) -> None:
    (table,) = bench.workspace.list_parts(attach(bench, SCHOOLS, ".md"))
    if answer is None:
        with pytest.raises(ExpertError):
            await bench.run(TASK, table=table, question=question)
    else:
        assert (await bench.run(TASK, table=table, question=question)).data["answer"] == answer
        with pytest.raises(ExpertError):  # a table by itself is calculated with, and nothing is guessed from it
            await bench.run(TASK, table=replace(table, part_of=""), question=question)


_WORDS = " ".join(f"w{n}" for n in range(36))
_HOSTILE = {
    "columns without number": (",".join("ab" for _ in range(200_000)) + "\n1\n", "sum of ab", "up to 1,000 are read"),
    "columns with long names": (
        ",".join("ab " * 60 + str(n) for n in range(1_000)) + "\n" + "1," * 999 + "1\n",
        _WORDS,
        "neither",
    ),
    "patterns": ("(a+)+$,[\n" + f"{'a' * 40}!,(a+)+$\n" * 1_000, f"(a+)+$ is {'a' * 900}", "neither"),
    "huge cells": ("name,n\n" + f"{'x ' * 50_000},1\n" * 5, f"the row of x {_WORDS}", "neither"),
    "a cell too huge": (f"name,n\n{'x' * 200_000},1\n", "sum of n", "can't be read as CSV"),
    "numbers without end": ("n,m\n" + f"{'1 ' * 15},{'1.' * 15}\n" * 5_000, "sum of m", "numbers|written otherwise"),
    "words without end": ("name,n\nab,1\n", "ab " * 300, "ask it in one sentence"),
    "formulas": ("name,n\n=1+1,=SUM(A1:A9)\n", "sum of n", "isn't made of numbers"),
}


@pytest.mark.parametrize("name", _HOSTILE)
async def test_hostile_tables_and_questions_are_refused_in_a_moment(bench: Bench, name: str) -> None:
    text, question, reason = _HOSTILE[name]
    table = attach(bench, text)
    begun = time.process_time()
    with pytest.raises((ExpertError, InputError), match=reason):
        await bench.run(TASK, table=table, question=question)
    assert time.process_time() - begun < 10  # below one on a machine at rest


async def test_a_long_text_is_no_question(bench: Bench) -> None:
    with pytest.raises(ExpertError, match="ask it in one sentence"):
        await bench.run(TASK, table=attach(bench, TABLES["staff"]["text"]), question="1.1" * 100_000)


async def test_a_hundred_thousand_rows_take_a_moment_and_few_are_shown(bench: Bench) -> None:
    rows = "".join(f"{n},city {n % 50},{n * 3}.5,2024-01-{n % 28 + 1:02}\n" for n in range(100_000))
    table = attach(bench, f"id,city,size,day\n{rows}")
    start = time.process_time()
    done = await bench.run(TASK, table=table, question="average size where city is city 7")
    assert time.process_time() - start < 10  # about one on a machine at rest
    assert done.data["answer"] == "149,946.5"
    assert len(done.data["rows"]) == 10
    assert done.note == "The first 10 of 2,000 rows are shown."
    (whole,) = done.tables
    assert (whole[0], len(whole)) == (["id", "city", "size", "day"], 1 + 2_000)


@pytest.mark.parametrize(
    ("question", "rows", "note"),
    [
        ("sort by n descending", 24, "The first 10 of 24 rows are shown."),
        ("show the rows where n is over 5", 18, "The first 10 of 18 rows are shown."),
        ("total n per name", 24, "The first 10 of 24 rows are shown."),
        ("list the different names", 24, "The first 10 of 24 rows are shown."),
        ("top 5 by n", 0, ""),
        ("how many rows are there", 0, ""),
        ("show the rows where n is under 5", 0, ""),
        ("what is the largest n", 0, ""),
    ],
)
async def test_of_many_rows_all_are_in_a_table_beside_the_answer(bench: Bench, question: str, rows: int, note: str) -> None:
    table = attach(bench, "name,n\n" + "".join(f"n{n},{n}\n" for n in range(24)))
    done = await bench.run(TASK, table=table, question=question)
    assert [len(whole) - 1 for whole in done.tables] == ([rows] if rows else [])
    assert done.note == note
    assert len(done.data["rows"]) <= 10


async def test_of_many_columns_all_are_in_a_table_beside_the_answer(bench: Bench) -> None:
    table = attach(bench, ",".join(f"c{n}" for n in range(12)) + "\n" + ",".join("abcdefghijkl") + "\n")
    done = await bench.run(TASK, table=table, question="show all rows")
    assert done.tables == [[[f"c{n}" for n in range(12)], list("abcdefghijkl")]]
    assert done.note == "The first 8 of 12 columns are shown."
