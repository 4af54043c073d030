"""The built-in planner: what it makes of requests, what it asks for, what it says it can't."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from hugginggpt.controllers.base import Choice, PlanRequest
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import ControllerError, RequestError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.llm.client import LanguageModel
from hugginggpt.planning.repair import make_plan
from tests.hosted_server import refused_url

INVOICE = Resource("image-1", Kind.IMAGE, Origin("upload", "invoice.png"))
PHOTO = Resource("image-2", Kind.IMAGE, Origin("upload", "zebra.jpg"))
CALL = Resource("audio-1", Kind.AUDIO, Origin("upload", "call.wav"))
CLIP = Resource("video-1", Kind.VIDEO, Origin("upload", "clip.mp4"))
CAT = Resource("image-3", Kind.IMAGE, Origin("upload", "cat.jpg"))
MEMO = Resource("audio-2", Kind.AUDIO, Origin("upload", "memo.wav"))
NOTES = Resource("text-2", Kind.TEXT, Origin("upload", "notes.txt"), text="Some notes.")
REPORT = Resource("text-1", Kind.TEXT, Origin("upload", "report.txt"), text="A long report.")

HEARD = [("automatic-speech-recognition", {"audio": "audio-1"})]


def plan(request: str, *attached: Resource, turns: Sequence[Turn] = ()) -> list[tuple[str, dict[str, Any]]]:
    """Tasks and arguments of a plan; it needs no repair."""
    raw = RulesController().tasks(PlanRequest(request, attached, tuple(turns)))
    made = make_plan(raw, load_task_table(), attached)
    assert made.notes == ()
    return [(task.task, dict(task.args)) for task in made.tasks]


def test_the_tutorial_case_word_for_word() -> None:
    assert plan("read the image example.jpg for me", INVOICE) == [
        ("image-to-text", {"image": "image-1"}),
        ("text-to-speech", {"text": "<resource>-0"}),
    ]


def test_a_shipped_example_may_be_named_without_being_attached() -> None:
    assert plan("read the image example.jpg for me")[0] == ("image-to-text", {"image": "example.jpg"})


@pytest.mark.parametrize(
    ("request_", "attached", "expected"),
    [
        ("What does it say?", (INVOICE,), [("image-to-text", {"image": "image-1"})]),
        ("Transcribe this.", (CLIP,), [("automatic-speech-recognition", {"audio": "video-1"})]),
        (
            "transcribe this, then tell me its mood",
            (CALL,),
            [("automatic-speech-recognition", {"audio": "audio-1"}), ("text-classification", {"text": "<resource>-0"})],
        ),
        (
            "what does this sign say? say it aloud",
            (INVOICE,),
            [("image-to-text", {"image": "image-1"}), ("text-to-speech", {"text": "<resource>-0"})],
        ),
        (
            "How much is the VAT on this invoice?",
            (INVOICE,),
            [("document-question-answering", {"image": "image-1", "text": "How much is the VAT on this invoice?"})],
        ),
        (
            "Is the zebra eating?",
            (PHOTO,),
            [("visual-question-answering", {"image": "image-2", "text": "Is the zebra eating?"})],
        ),
        ("When does it open?", (REPORT,), [("question-answering", {"text": "text-1", "question": "When does it open?"})]),
        *(
            (asked, (CALL,), [("automatic-speech-recognition", {"audio": "audio-1", "instruction": words})])
            for asked, words in {
                "Make subtitles for this": "subtitles",
                "Transcribe this as SRT": "srt",
                "transcribe this with timestamps": "timestamps",
                "I need a VTT file of this recording": "vtt",
                "Write down what is said, with times": "with times",
                "Give me closed captions for this": "closed captions",
                "subtitle this in WebVTT": "subtitle webvtt",
            }.items()
        ),
        ("Say 'good morning' aloud", (), [("text-to-speech", {"text": "good morning"})]),
        (
            'Sort into sport, politics or weather: "It will rain tomorrow."',
            (),
            [("zero-shot-classification", {"text": "It will rain tomorrow.", "labels": "sport, politics, weather"})],
        ),
        (
            "How alike are 'I am happy' and 'I feel great'?",
            (),
            [("sentence-similarity", {"text": "I am happy", "other_text": "I feel great"})],
        ),
        ("Put 'good morning' into Dutch", (), [("translation", {"text": "good morning", "language": "Dutch"})]),
        ("Draw a cat on a mat", (), [("text-to-image", {"text": "a cat on a mat"})]),
        ("Read the text in http://example.com/a.png", (), [("image-to-text", {"image": "http://example.com/a.png"})]),
        ("read the image file:///etc/passwd", (), [("image-to-text", {"image": "file:///etc/passwd"})]),
        ("sum up this voicemail", (CALL,), [*HEARD, ("summarization", {"text": "<resource>-0"})]),
        ("Read this text aloud: file:///etc/passwd", (), [("text-to-speech", {"text": "file:///etc/passwd"})]),
        ("Sum up https://example.com/news", (), [("summarization", {"text": "https://example.com/news"})]),
        (
            "Describe these two pictures",
            (INVOICE, PHOTO),
            [("image-to-text", {"image": f"image-{n}", "instruction": "describe"}) for n in (1, 2)],
        ),
        ("Draw the edges of zebra.jpg", (INVOICE, PHOTO), [("canny-control", {"image": "image-2"})]),
    ],
)
def test_requests_become_plans(request_: str, attached: tuple[Resource, ...], expected: list[Any]) -> None:
    assert plan(request_, *attached) == expected


@pytest.mark.parametrize(
    "request_",
    [
        "Transcribe this. Do not read it aloud.",
        "Transcribe this but don't speak it aloud",
        "Write down what is said, no summary and no audio",
    ],
)
def test_what_is_to_be_left_out_is_left_out(request_: str) -> None:
    assert plan(request_, CALL) == HEARD


@pytest.mark.parametrize(
    ("request_", "attached", "expected"),
    [
        ("Summarise these two files", (REPORT, NOTES), [("summarization", {"text": ("text-1", "text-2")})]),
        (
            "Transcribe this recording and then summarise the report",
            (CALL, REPORT),
            [*HEARD, ("summarization", {"text": "text-1"})],
        ),
        (
            "Read the invoice and draw the edges of the cat",
            (INVOICE, CAT),
            [("image-to-text", {"image": "image-1"}), ("canny-control", {"image": "image-3"})],
        ),
        (
            "Compare these two recordings",
            (CALL, MEMO),
            [
                *HEARD,
                ("automatic-speech-recognition", {"audio": "audio-2"}),
                ("sentence-similarity", {"text": "<resource>-0", "other_text": "<resource>-1"}),
            ],
        ),
        (
            "Sum the report up in one sentence",
            (REPORT,),
            [("summarization", {"text": "text-1", "instruction": "one sentence"})],
        ),
        ("Describe it in one sentence", (CAT,), [("image-to-text", {"image": "image-3", "instruction": "describe"})]),
        (
            "When do I have to pay this?",
            (INVOICE,),
            [("document-question-answering", {"image": "image-1", "text": "When do I have to pay this?"})],
        ),
    ],
)
def test_each_step_works_on_what_its_words_mean(request_: str, attached: tuple[Resource, ...], expected: list[Any]) -> None:
    assert plan(request_, *attached) == expected


def test_words_in_quotes_are_no_instructions() -> None:
    assert [task for task, _ in plan("Is this nice? “Please transcribe, translate and summarize everything.”")] == [
        "text-classification"
    ]


def test_a_step_said_later_but_needed_first_is_done_first() -> None:
    tasks = plan("Before you write down what she says, take the noise out.", CALL)
    assert tasks == [("audio-to-audio", {"audio": "audio-1"}), ("automatic-speech-recognition", {"audio": "<resource>-0"})]


def test_a_finding_is_read_aloud_but_not_worked_on() -> None:
    tasks = plan("Tell me the mood of this recording, translate it into French and read the translation aloud.", CALL)
    assert [task for task, _ in tasks] == [
        "automatic-speech-recognition",
        "text-classification",
        "translation",
        "text-to-speech",
    ]
    assert [args["text"] for _, args in tasks[1:]] == ["<resource>-0", "<resource>-0", "<resource>-2"]


@pytest.mark.parametrize(
    ("request_", "tasks"),
    [
        ("What breed is the dog and read it aloud", ["image-classification", "text-to-speech"]),
        ("What colour is the door? Read me the answer", ["visual-question-answering", "text-to-speech"]),
        ("Count the dogs and read the number aloud", ["object-detection", "text-to-speech"]),
        ("Read the sign aloud", ["image-to-text", "text-to-speech"]),
        ("Make it brighter and read it aloud", ["image-to-text", "image-to-image", "text-to-speech"]),
    ],
)
def test_what_was_found_out_is_read_aloud_and_not_the_picture(request_: str, tasks: list[str]) -> None:
    assert [task for task, _ in plan(request_, PHOTO)] == tasks


def turn(*made: Resource) -> tuple[Turn, ...]:
    return (Turn("before", "done", made),)


def test_it_means_what_was_made_before() -> None:
    text = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="CLOSED")
    assert plan("Now read it aloud.", turns=turn(INVOICE, text)) == [("text-to-speech", {"text": "text-1"})]


def test_speech_that_was_made_is_meant_as_its_text() -> None:
    text = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="CLOSED")
    speech = Resource("audio-1", Kind.AUDIO, Origin("task", "text-to-speech", 1))
    assert plan("Translate it into German.", turns=turn(text, speech)) == [
        ("translation", {"text": "text-1", "language": "German"})
    ]


def test_an_earlier_resource_may_be_named() -> None:
    assert plan("Draw the edges of image-2.", turns=turn(INVOICE, PHOTO)) == [("canny-control", {"image": "image-2"})]


def test_a_failed_request_in_between_changes_nothing() -> None:
    text = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="Total due 5")
    turns = (*turn(INVOICE, text), Turn("nonsense", "failed", ()))
    assert plan("Translate that into German.", turns=turns) == [("translation", {"text": "text-1", "language": "German"})]
    assert plan("what is the total due?", turns=turns) == [
        ("question-answering", {"text": "text-1", "question": "what is the total due?"})
    ]
    assert plan("now draw the edges of the invoice", turns=turns) == [("canny-control", {"image": "image-1"})]


@pytest.mark.parametrize(
    ("request_", "asked_for"),
    [
        ("Summarise that and say it aloud", "a text is needed"),
        ("Bitte zeichne die Kanten dieses Bildes", "English only"),
        ("这张图片里写了什么？", "English only"),
        ("Что написано на картинке?", "English only"),
        ("Draw the edges of this photo", "a picture is needed"),
        ("Transcribe this recording", "a recording is needed"),
        ("Compare 'this' with the other one", "two texts"),
    ],
)
def test_what_is_missing_is_asked_for_in_one_sentence(request_: str, asked_for: str) -> None:
    with pytest.raises(RequestError, match=asked_for):
        plan(request_)


def test_a_foreign_text_in_quotes_is_no_foreign_request() -> None:
    assert plan("Translate “你好，世界” into English") == [("translation", {"text": "你好，世界", "language": "English"})]


def test_who_wants_to_talk_gets_a_conversation() -> None:
    assert [task for task, _ in plan("I feel lonely, can we have a chat?")] == ["conversational"]


@pytest.mark.parametrize(
    "text",
    [
        "A" * 31_000,
        "read this: " + "/" * 31_000,
        "read " * 6_000,
        "in french " * 3_000,
        "'" * 31_000,
        ".png" * 7_500,
        "a, " * 9_000,
        "Label it: " + "word " * 6_000,
        "if it is a cat, draw it. " * 1_200,
        "if it is a cat, draw its edges, else read it aloud. " * 600,
        "translate it only if it is in french, unless it rains, otherwise paint it. " * 400,
        "make a picture of " * 1_700,
    ],
)
@pytest.mark.slow
def test_no_text_keeps_the_planner_busy(text: str) -> None:
    """The time grows with the length alone; before, some of these took minutes and held up everybody."""
    begun = time.process_time()
    for attached in ((), (INVOICE, PHOTO)):
        with suppress(RequestError):
            RulesController().tasks(PlanRequest(text, attached))
    assert time.process_time() - begun < 5


async def count_turns(planned: AsyncIterator[Any]) -> int:
    """Read a plan to its end, or its refusal; return how often others had their turn meanwhile."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    others = asyncio.create_task(take_turns())
    with suppress(RequestError, ControllerError):
        async for _ in planned:
            pass
    others.cancel()
    return turns


async def test_others_have_their_turns_while_a_long_text_is_planned() -> None:
    request = PlanRequest("what, - " * 1_000)  # a fifth of a second
    assert await count_turns(RulesController().plan(request)) > 5


async def test_they_have_them_while_a_language_models_planner_guesses() -> None:
    model = LanguageModel("tiny", f"{refused_url()}/v1", "sk-x", seconds=0.001)  # a try ends at once
    assert await count_turns(LLMController(model).plan(PlanRequest("what, - " * 1_000))) > 5


PHRASES = """
if a, b, else c |unless it rains, paint it, otherwise read it. |translate it only if it is in French. |
and if so, paint it |for each picture, describe it. |then |and then |read it aloud and |a.png, b.png and c.png |
image-1 and image-2 |"quoted" |(in it |1. read it |- draw a cat |
translate “a” into French, German and Spanish. |the first, the second and the third |say 'hello' aloud. |
what is this? |count the cats, dogs, and birds, |http://a.example/b.png |a picture of a |it |in it on it of it |
please |not |don't do it, |is there a cat in it and |how many |a b c d e f |caption: |title "x" by 'y' |, ,|
... |!?|-- |<a |[[|{{|`|$|和|10% of 20|draw a cat - why? |hello: please |what, -
""".replace("\n", "").split("|")
"""Phrases that the rules look for: each rule is slowest on its own words."""


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_phrase_keeps_the_planner_busy_however_often_it_is_said(phrase: str) -> None:
    begun = time.process_time()
    with suppress(RequestError):
        RulesController().tasks(PlanRequest((phrase * 8_000)[:8_000]))
    assert time.process_time() - begun < 2  # a tenth of that; one of them took fifteen seconds


def test_an_ordinary_request_takes_milliseconds() -> None:
    controller, request = (
        RulesController(),
        PlanRequest("Read the invoice, translate it into German and say it aloud", (INVOICE,)),
    )
    controller.tasks(request)  # has read its tables now
    begun = time.process_time()
    for _ in range(20):
        controller.tasks(request)
    assert (time.process_time() - begun) / 20 < 0.02


def test_a_request_as_long_as_is_allowed_is_planned_at_once() -> None:
    text = "Sum this up: " + "The council met on Monday and spoke about the bridge. " * 590
    assert [task for task, _ in plan(text)] == ["summarization"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("read the image example.jpg for me", "a reader"),
        ("What does this sign say?", "a reader"),
        ("Describe this photo.", "a captioner"),
        ("What is going on in this picture?", "a captioner"),
    ],
)
async def test_of_several_models_the_one_that_is_made_for_the_words_is_chosen(text: str, chosen: str) -> None:
    (task,) = make_plan([{"task": "image-to-text", "id": 0, "args": {"image": "image-1"}}], load_task_table(), [INVOICE]).tasks
    made_for = {"a captioner": ("captioning",), "a reader": ("reading",)}
    cards = tuple(ModelCard(name, "image-to-text", "local", "", tags=tags) for name, tags in made_for.items())
    (selection,), usage = await RulesController().select(PlanRequest(text), [Choice(task, cards)])
    assert selection.model_id == chosen
    assert usage is None


async def test_where_the_words_ask_for_nothing_special_the_choice_is_left_to_the_ranking() -> None:
    (task,) = make_plan([{"task": "image-to-text", "id": 0, "args": {"image": "image-1"}}], load_task_table(), [INVOICE]).tasks
    cards = tuple(ModelCard(name, "image-to-text", "local", "") for name in ("one", "two"))
    assert await RulesController().select(PlanRequest("Do something with this picture."), [Choice(task, cards)]) == ([], None)
