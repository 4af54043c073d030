"""Several files in one request: which step of the built-in planner works on which, and how many tasks it becomes."""

import time
from typing import Any

import pytest

from hugginggpt.controllers.rules.file_references import Mentions
from hugginggpt.controllers.rules.request_parser import parse_request
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from tests.controllers.rules.test_controller import plan

SUFFIXES = {"jpg": Kind.IMAGE, "wav": Kind.AUDIO, "txt": Kind.TEXT, "csv": Kind.TABLE, "mp4": Kind.VIDEO}
ASR = "automatic-speech-recognition"


def files(*labels: str) -> list[Resource]:
    """Resources of such names, numbered by kind."""
    made: list[Resource] = []
    for label in labels:
        kind = SUFFIXES[label.rpartition(".")[2]]
        number = 1 + sum(resource.kind is kind for resource in made)
        made.append(Resource(f"{kind}-{number}", kind, Origin("upload", label)))
    return made


def test_ranges_of_thousands_of_pages_take_no_time() -> None:
    pages = [
        Resource(
            f"text-{n}", Kind.TEXT, Origin("upload", f"a.pdf, page {n}"), data={"document": "text-0", "section": f"page {n}"}
        )
        for n in range(1, 21)
    ]
    begun = time.process_time()
    Mentions(parse_request("Read pages 1 to 9999. " * 60, pages), pages, ())
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("request_", "labels", "expected"),
    [
        (
            "Describe these three pictures",
            ("a.jpg", "b.jpg", "c.jpg"),
            [("image-to-text", {"image": f"image-{n}", "instruction": "describe"}) for n in (1, 2, 3)],
        ),
        (
            "Transcribe both interviews and translate each of them into English",
            ("a.wav", "b.wav"),
            [
                (ASR, {"audio": "audio-1"}),
                (ASR, {"audio": "audio-2"}),
                ("translation", {"text": "<resource>-0", "language": "English"}),
                ("translation", {"text": "<resource>-1", "language": "English"}),
            ],
        ),
        (
            "describe both pictures and tell me how similar the two descriptions are",
            ("mon.jpg", "fri.jpg"),
            [
                ("image-to-text", {"image": "image-1", "instruction": "describe"}),
                ("image-to-text", {"image": "image-2", "instruction": "describe"}),
                ("sentence-similarity", {"text": "<resource>-0", "other_text": "<resource>-1"}),
            ],
        ),
        (
            "Transcribe the two recordings and sum them up",
            ("a.wav", "b.wav"),
            [
                (ASR, {"audio": "audio-1"}),
                (ASR, {"audio": "audio-2"}),
                ("summarization", {"text": "<resource>-0 <resource>-1"}),
            ],
        ),
        (
            "Summarise each of the reports separately",
            ("q1.txt", "q2.txt"),
            [("summarization", {"text": "text-1"}), ("summarization", {"text": "text-2"})],
        ),
    ],
)
def test_each_file_gets_its_task(request_: str, labels: tuple[str, ...], expected: list[Any]) -> None:
    assert plan(request_, *files(*labels)) == expected


@pytest.mark.parametrize(
    ("request_", "labels", "expected"),
    [
        (
            "Caption the first one, and find the edges of the second one",
            ("a.jpg", "b.jpg"),
            [("image-to-text", {"image": "image-1", "instruction": "describe"}), ("canny-control", {"image": "image-2"})],
        ),
        (
            "How many people are in the first picture and what colour is the car in the second?",
            ("a.jpg", "b.jpg"),
            [
                ("object-detection", {"image": "image-1"}),
                ("visual-question-answering", {"image": "image-2", "text": "what colour is the car in the second?"}),
            ],
        ),
        (
            "Describe the last picture",
            ("a.jpg", "b.jpg", "c.jpg"),
            [("image-to-text", {"image": "image-3", "instruction": "describe"})],
        ),
        ("Run Canny on chapel.jpg", ("bridge.jpg", "chapel.jpg"), [("canny-control", {"image": "image-2"})]),
        (
            "From kitchen.jpg I need the regions and how far away everything is",
            ("garden.jpg", "kitchen.jpg"),
            [("image-segmentation", {"image": "image-2"}), ("depth-estimation", {"image": "image-2"})],
        ),
        (
            "which shop sold the least (see table), and what is Kim saying in the recording?",
            ("shops.csv", "kim.wav"),
            [
                (ASR, {"audio": "audio-1"}),
                ("table-question-answering", {"table": "table-1", "question": "which shop sold the least"}),
            ],
        ),
        (
            "Answer the question spoken in question.wav about photo.jpg",
            ("question.wav", "photo.jpg"),
            [(ASR, {"audio": "audio-1"}), ("visual-question-answering", {"image": "image-1", "text": "<resource>-0"})],
        ),
    ],
)
def test_words_say_which_file_is_meant(request_: str, labels: tuple[str, ...], expected: list[Any]) -> None:
    assert plan(request_, *files(*labels)) == expected


def test_each_language_gets_its_task() -> None:
    assert plan("Put “Thank you” into Spanish, German and Chinese.") == [
        ("translation", {"text": "Thank you", "language": language}) for language in ("Spanish", "German", "Chinese")
    ]


@pytest.mark.parametrize(
    ("request_", "languages"),
    [
        ("Summarise in English first, afterwards translate your summary to Arabic.", ["Arabic"]),
        ("Translate this from French to Dutch", ["Dutch"]),
        ("I only speak Polish, please translate it", ["Polish"]),
    ],
)
def test_only_what_it_is_to_be_put_into_is_a_language_to_translate_into(request_: str, languages: list[str]) -> None:
    tasks = plan(request_, *files("study.txt"))
    assert [args["language"] for task, args in tasks if task == "translation"] == languages


@pytest.mark.parametrize(
    ("request_", "labels", "sources"),
    [
        (
            "Sum up review.txt and tell me its mood and who is named in it",
            ("review.txt",),
            {"summarization": "text-1", "text-classification": "text-1", "token-classification": "text-1"},
        ),
        (
            "type it up, shorten it, plus list everybody who gets mentioned",
            ("meeting.wav",),
            {"summarization": "<resource>-0", "token-classification": "<resource>-0"},
        ),
        (
            "Put the recipe into German and read the German aloud, also give me a short version of the original",
            ("recipe.txt",),
            {"translation": "text-1", "text-to-speech": "<resource>-0", "summarization": "text-1"},
        ),
        (
            "Translate this recording into French and read the translation aloud",
            ("call.wav",),
            {"translation": "<resource>-0", "text-to-speech": "<resource>-1"},
        ),
    ],
)
def test_each_step_works_on_the_text_that_its_words_mean(
    request_: str, labels: tuple[str, ...], sources: dict[str, str]
) -> None:
    assert {task: args["text"] for task, args in plan(request_, *files(*labels)) if task in sources} == sources
