"""What needs no task, and what no task does: the built-in planner says so instead of planning a wrong one."""

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import Notice
from tests.controllers.rules.test_controller import plan
from tests.controllers.rules.test_file_references import files


async def said(request: str) -> str:
    """What is answered without any task."""
    found = [piece async for piece in RulesController().plan(PlanRequest(request))]
    assert all(isinstance(piece, str) for piece in found)
    return "".join(str(piece) for piece in found)


@pytest.mark.parametrize(
    ("request_", "begins"),
    [
        ("hi there, how's it going?", "Hello!"),
        ("Good morning", "Hello!"),
        ("Thanks, that was great!", "You're welcome"),
        ("ok thank you", "You're welcome"),
        ("Hello, who are you?", "I plan tasks"),
        ("What can you do?", "I plan tasks"),
        ("How many days does a leap year have?", "The built-in planner knows nothing by itself"),
        ("who won the world cup in 1998?", "The built-in planner knows nothing by itself"),
        ("What is 12 times 12?", "The built-in planner knows nothing by itself"),
    ],
)
async def test_what_needs_no_task_is_answered_in_words(request_: str, begins: str) -> None:
    assert (await said(request_)).startswith(begins)


@pytest.mark.parametrize(
    ("request_", "labels", "reason"),
    [
        ("Email this scan to my accountant please", ("tax.jpg",), "sent or posted"),
        ("tweet this picture", ("a.jpg",), "sent or posted"),
        ("book me a table for two at eight", (), "booked, bought or paid"),
        ("find me a cheap flight to London", (), "booked, bought or paid"),
        ("remind me to call mum at 5", (), "Reminders"),
        ("what's the weather like tomorrow?", (), "no search"),
        ("Edit my Word file.", (), "Word, Excel"),
        ("convert this to PDF", ("a.jpg",), "Word, Excel"),
        ("Make a 3D model of this chair.", ("chair.jpg",), "3-D models"),
        ("cut out seconds 12 to 20 of this clip and keep the rest", ("skate.mp4",), "cut, joined"),
        ("make it louder", ("song.wav",), "set in speed"),
        ("rotate it 90 degrees", ("a.jpg",), "cropped, rotated"),
        ("save it as a png", ("a.jpg",), "in another format"),
        ("turn off the lights", (), "switched"),
    ],
)
def test_what_no_task_does_is_refused_with_its_reason(request_: str, labels: tuple[str, ...], reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        plan(request_, *files(*labels))


async def test_what_else_there_is_to_do_is_done() -> None:
    request = PlanRequest("Transcribe the meeting and email the summary to my team", tuple(files("m.wav")))
    found = [piece async for piece in RulesController().plan(request)]
    assert [piece["task"] for piece in found if isinstance(piece, dict)] == ["automatic-speech-recognition", "summarization"]
    assert found[-1] == Notice("Nothing can be sent or posted from here, so that was left out.")


@pytest.mark.parametrize(
    ("request_", "labels", "task"),
    [
        ("Send me a short summary", ("a.txt",), "summarization"),
        ("summarise it so that I can email it to my boss", ("a.txt",), "summarization"),
        ("error on my screen, copy the text, i need to google it", ("s.jpg",), "image-to-text"),
        ("Cut the dog out from the background", ("dog.jpg",), "image-segmentation"),
        ("Put the audio into words", ("a.wav",), "automatic-speech-recognition"),
        ("turn down the hiss and the hum", ("a.wav",), "audio-to-audio"),
        ("cancel the noise", ("a.wav",), "audio-to-audio"),
        ("Compress this to three sentences", ("a.txt",), "summarization"),
        ("Fill in the missing word: Paris is the [MASK] of France.", (), "fill-mask"),
        ("Book page attached, what does it say?", ("page.jpg",), "image-to-text"),
        ("Get me a painting of flowers", (), "text-to-image"),
        ("Make a time-lapse video of a rose", (), "text-to-video"),
        ("convert article.txt to mp3", ("article.txt",), "text-to-speech"),
        ("Order the books by price: which is the cheapest?", ("books.csv",), "table-question-answering"),
        ("Write a letter that cancels my order", (), "text-generation"),
        ("When is the meeting, according to the calendar?", ("calendar.jpg",), "document-question-answering"),
    ],
)
def test_words_that_only_sound_like_it_refuse_nothing(request_: str, labels: tuple[str, ...], task: str) -> None:
    assert [name for name, _ in plan(request_, *files(*labels))][-1:] == [task]


@pytest.mark.parametrize(
    ("request_", "asked_for"),
    [
        ("transcribe this", "a recording is needed"),
        ("Animate this", "a picture is needed"),
        ("Paint roses over the masked part of this", "a picture is needed"),
    ],
)
def test_a_file_that_is_missing_is_asked_for(request_: str, asked_for: str) -> None:
    with pytest.raises(RequestError, match=asked_for):
        plan(request_)


@pytest.mark.parametrize(
    "request_", ["Résume ce qu'on dit dans la vidéo.", "Resume este documento.", "Lies den Text bitte vor."]
)
def test_a_short_request_in_another_language_is_known_by_its_little_words(request_: str) -> None:
    with pytest.raises(RequestError, match="English only"):
        plan(request_)


def test_english_with_a_foreign_word_is_english() -> None:
    assert plan("Translate de la Cruz's note", *files("note.txt"))[0][0] == "translation"
