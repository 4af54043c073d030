"""Facts of files and texts that are told without any model, and questions that only look like such."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.planner import RulesPlan, plan_request
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import FileFacts, Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table

ROWS = [
    ("audio-1", Kind.AUDIO, "talk.mp3", "127.3 s", FileFacts("MP3", 1_234_567)),
    ("audio-2", Kind.AUDIO, "b.wav", "3.0 s", FileFacts("WAV", 96_044)),
    ("video-1", Kind.VIDEO, "beach.mp4", "4000.0 s", FileFacts("MP4", 96_044)),
    ("image-1", Kind.IMAGE, "cat.jpg", "640 × 480", FileFacts("JPEG", 45_678, 1)),
    ("image-2", Kind.IMAGE, "scan.tif", "2480 × 3508", FileFacts("TIFF", 999, 4)),
    ("text-1", Kind.TEXT, "letter.pdf", "3 pages", FileFacts("PDF", 45_678, 3)),
    ("text-2", Kind.TEXT, "notes.txt", "", FileFacts("text", 30, encoding="gb18030")),
    ("table-1", Kind.TABLE, "people.csv", "6 rows", FileFacts("CSV", 300)),
]
LETTER = "Sehr geehrte Frau Müller, der Zug fährt um neun Uhr und wir freuen uns auf Sie. Bitte kommen Sie mit."
TEXTS = {"letter.pdf": LETTER, "notes.txt": "我们明天去。\nIt is 5 o'clock."}
FILES = {
    label: Resource(name, kind, Origin("upload", label), path=Path(label), text=TEXTS.get(label), measure=measure, file=facts)
    for name, kind, label, measure, facts in ROWS
}


def planned(request: str, *labels: str, turns: tuple[Turn, ...] = ()) -> RulesPlan:
    return plan_request(PlanRequest(request, tuple(FILES[label] for label in labels), turns), load_task_table())


@pytest.mark.parametrize(
    ("request_", "labels", "answer"),
    [
        ("How long is this recording?", ("talk.mp3",), "“talk.mp3” is 127.3 seconds long (2 min 7 s)."),
        ("how long is it", ("b.wav",), "“b.wav” is 3.0 seconds long."),
        ("What's the duration of beach.mp4?", ("beach.mp4", "b.wav"), "“beach.mp4” is 4000.0 seconds long (1 h 6 min 40 s)."),
        ("how long is the second one?", ("talk.mp3", "b.wav"), "“b.wav” is 3.0 seconds long."),
        ("Please tell me how long b.wav is.", ("talk.mp3", "b.wav"), "“b.wav” is 3.0 seconds long."),
        ("How big is this picture?", ("cat.jpg",), "“cat.jpg” is 640 × 480 pixels (0.3 megapixels)."),
        ("what resolution does the photo have?", ("cat.jpg",), "“cat.jpg” is 640 × 480 pixels (0.3 megapixels)."),
        ("how wide and how high is the picture?", ("cat.jpg",), "“cat.jpg” is 640 × 480 pixels (0.3 megapixels)."),
        ("how large is this file?", ("cat.jpg",), "“cat.jpg” has 45.7 kB (45,678 bytes)."),
        ("How many MB is it?", ("talk.mp3",), "“talk.mp3” has 1.2 MB (1,234,567 bytes)."),
        ("how many pages does this letter have?", ("letter.pdf",), "“letter.pdf” has 3 pages."),
        ("How many pages are there?", ("scan.tif",), "“scan.tif” has 4 pages."),
        ("how many pages does it have?", ("cat.jpg",), "“cat.jpg” is a single picture."),
        ("What format is this file?", ("letter.pdf",), "The format of “letter.pdf” is PDF."),
        ("what encoding does this file have?", ("notes.txt",), "The format of “notes.txt” is text, encoded as GB18030."),
        ("what kind of file is this?", ("people.csv",), "The format of “people.csv” is CSV."),
        ("Which language is this letter written in?", ("letter.pdf",), "“letter.pdf” seems to be in German."),
        ("How many words are in the letter?", ("letter.pdf",), "“letter.pdf” has 20 words."),
        ("word count?", ("notes.txt",), "“notes.txt” has 9 words."),
        ("How many lines does this text have?", ("notes.txt",), "“notes.txt” has 2 lines."),
        ("How many sentences are in the text?", ("letter.pdf",), "“letter.pdf” has 2 sentences."),
        ("how many words does “The cat sat on it” have?", (), "The text has 5 words."),
        (
            "how long are these recordings?",
            ("talk.mp3", "b.wav"),
            "“talk.mp3” is 127.3 seconds long (2 min 7 s).\n\n“b.wav” is 3.0 seconds long.",
        ),
    ],
)
def test_facts_are_told_without_a_task(request_: str, labels: tuple[str, ...], answer: str) -> None:
    made = planned(request_, *labels)
    assert (made.tasks, made.direct_answer) == ((), answer)


@pytest.mark.parametrize(
    ("request_", "labels", "tasks", "notices"),
    [
        (
            "transcribe it and tell me how long it is",
            ("b.wav",),
            ["automatic-speech-recognition"],
            ("“b.wav” is 3.0 seconds long.",),
        ),
        (
            "What is the size of this picture? Describe it, too.",
            ("cat.jpg",),
            ["image-to-text"],
            ("“cat.jpg” is 640 × 480 pixels (0.3 megapixels).",),
        ),
        ("summarize it and count the words", ("letter.pdf",), ["summarization"], ("“letter.pdf” has 20 words.",)),
        (
            "How long is the wait, according to the caller?",
            ("b.wav",),
            ["automatic-speech-recognition", "question-answering"],
            (),
        ),
        ("how long does the journey take?", ("b.wav",), ["automatic-speech-recognition", "question-answering"], ()),
        ("How many people are in this picture?", ("cat.jpg",), ["object-detection"], ()),
        ("how big is the dog?", ("cat.jpg",), ["visual-question-answering"], ()),
        ("how many letters did he send?", ("letter.pdf",), ["question-answering"], ()),
    ],
)
def test_what_else_is_asked_is_planned(
    request_: str, labels: tuple[str, ...], tasks: list[str], notices: tuple[str, ...]
) -> None:
    made = planned(request_, *labels)
    assert [task["task"] for task in made.tasks] == tasks
    assert made.notices == notices


def test_a_file_of_an_earlier_request_is_meant_too() -> None:
    turns = (Turn("transcribe it", "…", (FILES["talk.mp3"],)),)
    assert planned("how long is the recording?", turns=turns).direct_answer.startswith("“talk.mp3” is 127.3 seconds")


def test_parts_of_a_document_are_not_told_of_beside_it() -> None:
    part = replace(FILES["cat.jpg"], part_of="text-1")
    made = plan_request(PlanRequest("what format is it?", (FILES["letter.pdf"], part)), load_task_table())
    assert made.direct_answer == "The format of “letter.pdf” is PDF."


@pytest.mark.parametrize("words", ["count the words of it, ", "how long is this ", "how many sentences "])
def test_a_question_that_is_asked_a_thousand_times_is_answered_once(words: str) -> None:
    texts = [
        replace(FILES["letter.pdf"], name=f"text-{n}", origin=Origin("upload", f"{n}.txt"), text="a b. " * 20_000)
        for n in range(20)
    ]
    begun = time.process_time()
    plan_request(PlanRequest(words * 1_000, tuple(texts)), load_task_table())
    assert time.process_time() - begun < 5
