"""Which task answers a question about a picture: what is written in it is read, what is only seen is looked at."""

import pytest

from tests.controllers.rules.test_controller import plan
from tests.controllers.rules.test_file_references import files

READING, LOOKING = "document-question-answering", "visual-question-answering"


@pytest.mark.parametrize(
    ("question", "label", "task"),
    [
        ("How many students does Lakeside have?", "school.jpg", READING),
        ("How many staff work at Castle Street?", "staff.jpg", READING),
        ("How many visitors were there in total?", "staff.jpg", READING),
        ("How many teas did I have?", "cafe.jpg", READING),
        ("Where is the clinic?", "card.jpg", READING),
        ("What is the name of the cafe?", "cafe.jpg", READING),
        ("Which platform does the train to Hull leave from?", "board.jpg", READING),
        ("Is the pool open?", "door.jpg", READING),
        ("When was this?", "cafe.jpg", READING),
        ("What is on Tuesday at 9:00?", "timetable.jpg", READING),
        ("What's on tomorrow evening?", "programme.jpg", READING),
        ("Can I swim here?", "door.jpg", READING),
        ("May we park here on Sundays?", "door.jpg", READING),
        ("Who is this?", "a.jpg", LOOKING),
        ("What is on the table?", "a.jpg", "image-to-text"),
        ("Which hat is the man wearing?", "a.jpg", LOOKING),
        ("Is there a dog on the beach?", "a.jpg", LOOKING),
        ("What colour is the door?", "door.jpg", LOOKING),
        ("How many sheep do you see?", "field.jpg", "object-detection"),
        ("How many sheep are in the field?", "field.jpg", "object-detection"),
    ],
)
def test_a_question_about_a_picture(question: str, label: str, task: str) -> None:
    ((planned, args),) = plan(question, *files(label))
    assert planned == task
    assert args.get("text", question) == question


def test_each_of_several_files_is_asked_which_one_it_is() -> None:
    planned = plan("Read these and tell me which one mentions a bagel", *files("a.jpg", "b.jpg"))
    assert [args.get("text") for task, args in planned if task == "question-answering"] == ["<resource>-0", "<resource>-1"]


@pytest.mark.parametrize("question", ["Which one mentions a spade?", "Which one is in the church?"])
def test_which_one_of_several_files_asks_all_of_them_whatever_they_are_called(question: str) -> None:
    planned = plan(question, *files("one.jpg", "two.jpg", "other.jpg"))
    assert [args["image"] for task, args in planned if task == READING] == ["image-1", "image-2", "image-3"]


@pytest.mark.parametrize(
    "question",
    [
        "When does the music stop?",
        "How long does the film last?",
        "Who painted the picture in the hall?",
        "At what time is the video shown?",
        "Where will the song be played?",
        "How much is the painting of the lake?",
        "Why was the drawing of the bridge sold?",
    ],
)
def test_a_question_about_a_song_or_a_picture_in_a_text_asks_for_none(question: str) -> None:
    ((task, args),) = plan(question, *files("party.txt"))
    assert (task, args) == ("question-answering", {"question": question, "text": "text-1"})


@pytest.mark.parametrize(
    ("request_text", "task"),
    [
        ("Can I ride my bike across?", "question-answering"),
        ("May I bring my dog?", "question-answering"),
        ("Could we come on a Sunday?", "question-answering"),
        ("Can I have this in French?", "translation"),
        ("Could we get a summary?", "summarization"),
        ("May I have it read aloud?", "text-to-speech"),
    ],
)
def test_whether_one_may_is_a_question_but_not_where_it_asks_for_something(request_text: str, task: str) -> None:
    ((planned, _),) = plan(request_text, *files("rules.txt"))
    assert planned == task


def test_two_questions_about_one_page_are_both_asked() -> None:
    ((task, args),) = plan("Who sent this invoice? When is it due?", *files("invoice.jpg"))
    assert (task, args["text"]) == (READING, "Who sent this invoice? When is it due?")
