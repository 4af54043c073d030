"""Answers from texts and from tables."""

import itertools
from pathlib import Path

import pytest

from hugginggpt.core.errors import InputError, StoppedError
from hugginggpt.experts.local.text.word_borders import align_to_words
from hugginggpt.experts.outputs.tables import aggregate_cells
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")
QUESTION = "Who will retire in August?"


@pytest.mark.parametrize("model", ["tiny/bert-squad", "tiny/roberta-squad"])
@pytest.mark.parametrize("text", [REPORT, REPORT[:100], "Ines Varga"], ids=["long", "short", "a name"])
async def test_an_answer_is_a_span_of_the_text_and_comes_with_its_sentence(local: LocalBench, model: str, text: str) -> None:
    done = await local.run("question-answering", model, text=text, question=QUESTION)
    data, text = done.data, text.strip()
    assert text[data["start"] : data["end"]] == data["answer"] != ""
    assert 0 < data["score"] <= 1
    assert data["sentence"] in text
    assert done.text.startswith(data["answer"])


@pytest.mark.parametrize(
    ("text", "part", "answer"),
    [
        ("It opened in Marrakesh.", "arrak", "Marrakesh"),
        ("It opened in Marrakesh.", " Marrakesh", "Marrakesh"),
        ("Ask Ines, then Jun.", "Ines,", "Ines"),
        ("It cost 1,250.75 euros.", "250", "1,250.75"),
        ("It left at 10:09 sharp.", "10", "10:09"),
        ("Mr O’Neil's hat", "Neil", "O’Neil's"),
        ("Es war im Donaudampfschiff.", "Donau", "Donaudampfschiff"),
        ("Привет, мир", "рив", "Привет"),
        ("cafe\u0301 noir", "cafe", "cafe\u0301"),
        ("图书馆在北京开放。", "北京", "北京"),
        ("From 1990-1995 it was open.", "1990", "1990"),
        ("a Berlin-based firm", "Berli", "Berlin"),
        ("The end.", "end.", "end."),
    ],
)
def test_an_answer_ends_where_words_do(text: str, part: str, answer: str) -> None:
    start = text.index(part)
    assert text[slice(*align_to_words(text, start, start + len(part)))] == answer


async def test_of_a_long_text_the_note_says_which_windows_were_read(local: LocalBench) -> None:
    done = await local.run("question-answering", "tiny/bert-squad", text=REPORT, question=QUESTION)
    windows, text = done.data["windows"], REPORT.strip()
    assert windows[0]["start"] == 0
    assert windows[-1]["end"] == len(text)
    assert all(one["end"] > other["start"] for one, other in itertools.pairwise(windows))  # none is left out
    assert windows[done.data["window"]]["start"] <= done.data["start"] < done.data["end"] <= windows[done.data["window"]]["end"]
    assert f"in {len(windows)} windows that overlap; the answer is from number {done.data['window'] + 1}" in done.result.note
    short = await local.run("question-answering", "tiny/bert-squad", text="Ines Varga", question=QUESTION)
    assert (short.result.note, "windows" in short.data) == ("", False)


async def test_a_model_that_may_refuse_says_that_the_answer_is_not_there(local: LocalBench) -> None:
    done = await local.run("question-answering", "tiny/bert-unsure", text=REPORT, question=QUESTION)
    assert done.text == "I did not find it in the text."
    assert done.data["answer"] == ""
    assert done.data["start"] is None


async def test_a_question_longer_than_the_window_is_refused(local: LocalBench) -> None:
    with pytest.raises(InputError, match="question is longer"):
        await local.run("question-answering", "tiny/bert-squad", text=REPORT, question="and who " * 60)


@pytest.mark.parametrize("missing", ["text", "question"])
async def test_an_empty_text_or_question_is_refused(local: LocalBench, missing: str) -> None:
    with pytest.raises(InputError, match=f"The {missing} is empty"):
        await local.run("question-answering", "tiny/bert-squad", **{"text": REPORT, "question": QUESTION, missing: " "})


async def test_reading_a_long_text_can_be_stopped(local: LocalBench) -> None:
    with pytest.raises(StoppedError):
        await local.run("question-answering", "tiny/bert-squad", StoppedAfter(looks=3), text=REPORT, question=QUESTION)
    assert len(local.progress) < 4


async def test_a_table_answers_with_cells_and_what_they_come_to(local: LocalBench) -> None:
    table = local.demo("people.csv")
    done = await local.run("table-question-answering", "tiny/tapas", table=table, question="How old are they?")
    rows = [line.split(",") for line in (MEDIA / "people.csv").read_text().splitlines()[1:]]
    assert done.data["aggregator"] in {"NONE", "SUM", "AVERAGE", "COUNT"}
    assert [rows[row][column] for row, column in done.data["coordinates"]] == done.data["cells"]
    assert done.text


async def test_of_a_table_beyond_the_window_the_first_rows_are_read_and_the_note_says_so(
    local: LocalBench, tmp_path: Path
) -> None:
    path = tmp_path / "long.csv"
    path.write_text("name,age\n" + "".join(f"Ines Varga,{number}\n" for number in range(300)))
    for model in ("tiny/tapas", "tiny/tapex"):
        done = await local.run("table-question-answering", model, table=local.file(path), question="How old is she?")
        assert done.text
        assert "of the table's 300 rows" in done.result.note


async def test_a_model_that_writes_answers_from_a_table_too(local: LocalBench, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("name;age\nIn;61\nTe;47\n")
    done = await local.run("table-question-answering", "tiny/tapex", table=local.file(path), question="Age?")
    assert done.text == done.data["answer"] != ""
    assert done.result.note == ""


@pytest.mark.parametrize("model", ["tiny/tapas", "tiny/tapex"])
async def test_a_table_without_rows_or_a_question_beyond_the_window_is_refused(
    local: LocalBench, tmp_path: Path, model: str
) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("name,age\n")
    with pytest.raises(InputError, match="no rows"):
        await local.run("table-question-answering", model, table=local.file(path), question="How old?")
    with pytest.raises(InputError, match="already more"):
        await local.run("table-question-answering", model, table=local.demo("people.csv"), question="who " * 300)


@pytest.mark.parametrize(
    ("cells", "aggregator", "answer", "said"),
    [
        (["61", "47"], "SUM", "108", "108, the sum of 61 and 47."),
        (["1,000", "$2,000.50", "−3"], "AVERAGE", "999.166667", "999.166667, the average of 1,000, $2,000.50 and −3."),
        (["Ines", "Jun"], "COUNT", "2", "2: Ines, Jun."),
        (["Ines", "Jun"], "SUM", "Ines, Jun", "Ines, Jun"),
        (["Ines"], "NONE", "Ines", "Ines"),
        ([], "SUM", "", "The answer is not in the table."),
    ],
)
def test_cells_come_to_an_answer(cells: list[str], aggregator: str, answer: str, said: str) -> None:
    assert aggregate_cells(cells, aggregator) == (answer, said)
