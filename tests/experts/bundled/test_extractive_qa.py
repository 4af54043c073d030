"""Answers that are taken from a text word for word."""

import time

import pytest

from hugginggpt.core.errors import InputError
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many visits did the library receive in 2024?", "86,412"),
        ("Who is the head librarian?", "Ines Varga"),
        ("When was the flood?", "9 February"),
        ("Where does the library stand?", "Lantern Street"),
        ("Who leads the Thursday group?", "Amara Osei"),
        ("Who repaired the broken objects?", "Teodor Lindqvist"),
        ("How much was spent on staff?", "$391,000"),
        ("How many volumes were lost?", "14"),
        ("What percentage of the loans were children's books?", "41 per cent"),
    ],
)
async def test_a_question_is_answered_with_the_piece_and_its_sentence(bench: Bench, question: str, answer: str) -> None:
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.data["answer"] == answer
    assert done.data["sentence"] in " ".join(REPORT.split())
    assert done.text == f"{answer} (“{done.data['sentence']}”)"
    assert 0 < done.data["confidence"] <= 1


@pytest.mark.parametrize(
    "question",
    [
        "What colour is the mayor's car?",
        "Who won the World Cup?",
        "How many people work at the library?",
        "How much does a coffee cost?",
    ],
)
async def test_what_is_not_in_the_text_is_not_answered(bench: Bench, question: str) -> None:
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.text == "The answer is not in the text."
    assert done.data["answer"] == ""


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Who retires in 2025 and when?", ["Ines Varga", "August"]),
        ("When was the flood and how many volumes were lost?", ["9 February", "14"]),
        ("Who is the head librarian, and when will she retire?", ["Ines Varga", "August"]),
    ],
)
async def test_each_part_of_a_question_is_answered_in_one_text(bench: Bench, question: str, answers: list[str]) -> None:
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.data["answer"] == "; ".join(answers)
    assert [part["answer"] for part in done.data["parts"]] == answers
    assert all(answer in done.text for answer in answers)


async def test_two_answers_in_one_sentence_quote_it_once(bench: Bench) -> None:
    done = await bench.run("question-answering", text=REPORT, question="Who retires in 2025 and when?")
    assert done.text == "Ines Varga; August (“Ines Varga will retire in August after 26 years.”)"


async def test_a_part_that_is_not_in_the_text_is_named(bench: Bench) -> None:
    question = "When was the flood, and what colour is the mayor's car?"
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.text.splitlines() == [
        "9 February (“The largest event of the year was the flood of 9 February.”)",
        "“what colour is the mayor's car?” is not answered in the text.",
    ]


@pytest.mark.parametrize("inputs", [{"text": " ", "question": "Who?"}, {"text": "It rains.", "question": ""}])
async def test_nothing_to_work_on_is_one_sentence(bench: Bench, inputs: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^The (text|question) is empty, so there is nothing to work on\.$"):
        await bench.run("question-answering", **inputs)


@pytest.mark.parametrize("text", ["word " * 20_000, "Aa " * 33_000, "1,2.3" * 20_000])
async def test_a_hundred_kilobytes_without_a_full_stop_are_answered_in_time(bench: Bench, text: str) -> None:
    begun = time.process_time()
    await bench.run("question-answering", text=text, question="How many visits were there, and where?")
    assert time.process_time() - begun < 20
