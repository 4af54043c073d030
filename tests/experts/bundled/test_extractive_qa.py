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
    assert done.text.startswith("I did not find it in the text.")
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


async def test_a_part_that_is_not_found_is_named(bench: Bench) -> None:
    question = "When was the flood, and what colour is the mayor's car?"
    done = await bench.run("question-answering", text=REPORT, question=question)
    first, second = done.text.splitlines()
    assert first == "“When was the flood?”: 9 February (“The largest event of the year was the flood of 9 February.”)"
    assert second.startswith("“What colour is the mayor's car?”: I did not find it in the text.")


FERRY = "The ferry leaves at a quarter to eleven from quay seven. A cabin costs eighty-five euros, with breakfast."
ZOO = "The panda was born on the second of June two thousand and nineteen and weighs just under six kilograms."
LOG = (
    "2025-02-11 03:14 INFO api started on port 8080\n2025-02-11 03:15 ERROR database db-2 refused\n2025-02-11 03:16 INFO retry"
)
CHAT = "[18:03] Ben: my new address is 7 Fern Close\n[18:05] Ann: great\n[18:09] Ann: ok I'll be there at twenty to eight"
CARD = "Reception: 01632 960 417\nMail: hello@harbour.example\nWebsite: https://harbour.example/book"
SCHOOLS = (
    "# Schools\n\n| School | Teachers | Head |\n|---|---|---|\n| Lakeside | 25 | Mr Brandt |\n| Old Mill | 9 | Ms Castell |"
)
LETTER = (
    "The oak table can't come, since the workshop is being rebuilt. We took fifteen per cent off.\nYours sincerely,\nGreta Holm"
)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (FERRY, "When does the ferry leave?", "a quarter to eleven"),
        (FERRY, "Which quay does it leave from?", "seven"),
        (FERRY, "How much is a cabin?", "eighty-five euros"),
        ("Melt half a pound of butter. Add a dozen eggs.", "How many eggs?", "a dozen"),
        ("Melt half a pound of butter. Add a dozen eggs.", "How much butter?", "half a pound"),
        ("The parcel weighs two and a half kilos.", "How heavy is the parcel?", "two and a half kilos"),
        ("Seven out of ten pupils walk to school.", "How many pupils walk to school?", "Seven out of ten"),
        ("Bake it for an hour and ten minutes at 180 degrees.", "How long does it bake?", "an hour and ten minutes"),
        (ZOO, "When was the panda born?", "second of June two thousand and nineteen"),
        (ZOO, "How heavy is the panda?", "six kilograms"),
        (LOG, "Which error is in this log?", "database db-2 refused"),
        (LOG, "What went wrong?", "database db-2 refused"),
        (LOG, "Which port does the api use?", "8080"),
        (CHAT, "When will Ann arrive?", "twenty to eight"),
        (CHAT, "What is Ben's new address?", "7 Fern Close"),
        (CARD, "What is their e-mail address?", "hello@harbour.example"),
        (CARD, "What is the phone number of the reception?", "01632 960 417"),
        (CARD, "What is their website?", "https://harbour.example/book"),
        (SCHOOLS, "How many teachers does Lakeside have?", "25"),
        (SCHOOLS, "Who is the head of Old Mill?", "Ms Castell"),
        (SCHOOLS, "Which school does Ms Castell lead?", "Old Mill"),
        (LETTER, "Who wrote the letter?", "Greta Holm"),
        ("The lamp is made of brass and gives a warm light.", "What is the lamp made of?", "brass"),
        ("Dogs travel free because families asked for it.", "Why do dogs travel free?", "because families asked for it"),
        ("Monday closed\nSaturday 10 am - 2 pm", "When do you open on Saturday?", "10 am - 2 pm"),
    ],
)
async def test_values_in_words_and_in_lines_are_found(bench: Bench, text: str, question: str, answer: str) -> None:
    done = await bench.run("question-answering", text=text, question=question)
    assert done.data["answer"] == answer


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (SCHOOLS, "How many teachers does Riverside have?"),
        (ZOO, "How much does the panda cost?"),
        (CHAT, "Which wine does Ann bring?"),
        (LETTER, "What colour is the table?"),
    ],
)
async def test_what_resembles_the_question_is_no_answer(bench: Bench, text: str, question: str) -> None:
    done = await bench.run("question-answering", text=text, question=question)
    assert done.data["answer"] == ""
    assert done.text.startswith("I did not find it in the text.")


async def test_of_a_text_in_another_language_nothing_is_denied(bench: Bench) -> None:
    text = "Das Schwimmbad ist am Montag geschlossen. Eine Karte kostet vier Euro und die Kinder zahlen nichts."
    done = await bench.run("question-answering", text=text, question="What does a ticket cost?")
    assert done.data["answer"] == ""
    assert done.note == "I read English texts only, and this one seems to be in German, so I may have missed what it says."


@pytest.mark.parametrize("inputs", [{"text": " ", "question": "Who?"}, {"text": "It rains.", "question": ""}])
async def test_nothing_to_work_on_is_one_sentence(bench: Bench, inputs: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^The (text|question) is empty, so there is nothing to work on\.$"):
        await bench.run("question-answering", **inputs)


@pytest.mark.parametrize("text", ["word " * 20_000, "Aa " * 33_000, "1,2.3" * 20_000])
async def test_a_hundred_kilobytes_without_a_full_stop_are_answered_in_time(bench: Bench, text: str) -> None:
    begun = time.process_time()
    await bench.run("question-answering", text=text, question="How many visits were there, and where?")
    assert time.process_time() - begun < 20
