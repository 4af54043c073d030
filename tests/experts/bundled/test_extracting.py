"""Summaries and answers that are taken from a text word for word."""

import time

import pytest

from hugginggpt.errors import InputError
from hugginggpt.experts.bundled.extracting import answer_from_rows
from hugginggpt.experts.bundled.sentences import split_sentences
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")


async def test_a_summary_is_made_of_the_texts_own_sentences_in_their_order(bench: Bench) -> None:
    done = await bench.run("summarization", text=REPORT)
    own, chosen = split_sentences(REPORT), done.data["sentences"]
    places = [own.index(sentence) for sentence in chosen]
    assert places == sorted(set(places))
    assert done.text == " ".join(chosen)
    assert done.note == f"Made of {len(chosen)} of the text's own {done.data['of']} sentences, word for word."
    assert 2 <= len(chosen) <= 6
    assert len(done.text) < len(REPORT) / 3


@pytest.mark.parametrize("text", ["It rains.", "It rains. We stay.", "no stop at all"])
async def test_a_short_text_is_its_own_summary(bench: Bench, text: str) -> None:
    done = await bench.run("summarization", text=text)
    assert done.text == text
    assert done.note == "The text is so short that it is its own summary."


async def test_a_summary_does_not_say_one_thing_twice(bench: Bench) -> None:
    others = "The garden was closed. A new roof was built. Bread became dearer. Nobody came on Monday. The band played."
    text = f"{'The library bought new books. ' * 5}{others}"
    chosen = (await bench.run("summarization", text=text)).data["sentences"]
    assert len(chosen) == len(set(chosen)) == 2


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many visits did the library receive in 2024?", "86,412"),
        ("Who is the head librarian?", "Ines Varga"),
        ("When was the flood?", "9 February"),
        ("Where does the library stand?", "Lantern Street"),
    ],
)
async def test_a_question_is_answered_with_the_piece_and_its_sentence(bench: Bench, question: str, answer: str) -> None:
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.data["answer"] == answer
    assert done.data["sentence"] in " ".join(REPORT.split())
    assert done.text == f"{answer} (“{done.data['sentence']}”)"
    assert 0 < done.data["confidence"] <= 1


@pytest.mark.parametrize("question", ["What colour is the mayor's car?", "Who won the World Cup?"])
async def test_what_is_not_in_the_text_is_not_answered(bench: Bench, question: str) -> None:
    done = await bench.run("question-answering", text=REPORT, question=question)
    assert done.text == "The answer is not in the text."
    assert done.data["answer"] == ""


@pytest.mark.parametrize("inputs", [{"text": " ", "question": "Who?"}, {"text": "It rains.", "question": ""}])
async def test_nothing_to_work_on_is_one_sentence(bench: Bench, inputs: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^The (text|question) is empty, so there is nothing to work on\.$"):
        await bench.run("question-answering", **inputs)


@pytest.mark.parametrize(
    ("rows", "question", "answer"),
    [
        ([["Name", "Ines Varga"], ["Rent", "$700.00"]], "What is the rent?", "$700.00"),
        ([["Rent"], ["$700.00"], ["Deposit"], ["$50.00"]], "What is the rent?", "$700.00"),
        ([["Desk", "2", "$10.00", "$20.00"], ["Total", "$20.00"]], "What is the total?", "$20.00"),
    ],
)
def test_a_value_stands_beside_its_label_or_below(rows: list[list[str]], question: str, answer: str) -> None:
    assert answer_from_rows(rows, question).span == answer


@pytest.mark.parametrize("text", ["word " * 20_000, "Aa " * 33_000, "1,2.3" * 20_000])
async def test_a_hundred_kilobytes_without_a_full_stop_are_answered_in_time(bench: Bench, text: str) -> None:
    begun = time.monotonic()
    await bench.run("question-answering", text=text, question="How many visits were there, and where?")
    assert time.monotonic() - begun < 5
