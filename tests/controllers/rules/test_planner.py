"""Plans and what is said beside them: wishes that can't be met, files that are missing, parts that are left out."""

from typing import Any

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.planner import RulesPlan, plan_request
from hugginggpt.core.errors import RequestError
from hugginggpt.core.tasks import load_task_table
from tests.controllers.rules.test_file_references import files

ASR, TTS, OCR = "automatic-speech-recognition", "text-to-speech", "image-to-text"
VOICE = "The voice, its tone and its pace can't be chosen here"
APP_ANSWERS = {
    "files": "What you attach is kept on the machine", "key": "Your key or token stays", "training": "trains nothing",
    "price": "The program is free", "no key": "No key is needed", "models": "The page “Models”", "own": "Yes: at the side",
    "languages": "The built-in planner reads English", "formats": "Attach pictures",
}  # fmt: skip


def planned(request: str, *labels: str) -> RulesPlan:
    return plan_request(PlanRequest(request, tuple(files(*labels))), load_task_table())


def tasks(plan: RulesPlan) -> list[str]:
    return [task["task"] for task in plan.tasks]


@pytest.mark.parametrize(
    ("request_", "labels", "expected"),
    [
        ("generate a dragon over a village", (), [("text-to-image", {"text": "a dragon over a village"})]),
        ("Please create two owls in a barn", (), [("text-to-image", {"text": "two owls in a barn"})]),
        ("generate a poem about owls", (), [("text-generation", {"text": "generate a poem about owls"})]),
        ("create a list of ideas", (), [("conversational", {"text": "create a list of ideas"})]),
        (
            "a riddle and a picture of a fox",
            (),
            [("text-generation", {"text": "a riddle"}), ("text-to-image", {"text": "a fox"})],
        ),
        (
            "make a video and a picture of a fox",
            (),
            [("text-to-video", {"text": "a fox"}), ("text-to-image", {"text": "a fox"})],
        ),
        (
            "show me an image and a clip of 'two boats race' and dub it",
            (),
            [
                ("text-to-image", {"text": "two boats race"}),
                ("text-to-video", {"text": "two boats race"}),
                (TTS, {"text": "two boats race"}),
            ],
        ),
        ("give me a picture like this", ("a.jpg",), [("image-to-image", {"image": "image-1"})]),
        (
            "How many dogs are there? Then a photo and a video similar to this one, please.",
            ("a.jpg",),
            [("object-detection", {"image": "image-1"}), ("image-to-image", {"image": "image-1"}), ("image-to-video", {})],
        ),
        (
            "trace the edges, then a castle of glass from them",
            ("a.jpg",),
            [
                ("canny-control", {"image": "image-1"}),
                ("canny-text-to-image", {"text": "a castle of glass", "image": "<resource>-0"}),
            ],
        ),
        (
            'Are these the same? "We open at nine" and "We do not open at nine"',
            (),
            [("sentence-similarity", {"text": "We open at nine", "other_text": "We do not open at nine"})],
        ),
        ("make this crisper and larger", ("a.jpg",), [("image-to-image", {"image": "image-1"})]),
        ("How much change was given?", ("receipt.jpg",), [("document-question-answering", {"image": "image-1"})]),
        ("Read this aloud: good night", (), [(TTS, {"text": "good night"})]),
        ("say this in an old woman's voice: good night", (), [(TTS, {"text": "good night"})]),
        ("Speak slowly: good night", (), [(TTS, {"text": "good night"})]),
        ("say good night, Tom, in a deep voice", (), [(TTS, {"text": "good night, Tom"})]),
        ("read aloud: she works as a doctor", (), [(TTS, {"text": "she works as a doctor"})]),
    ],
)
def test_requests_become_plans(request_: str, labels: tuple[str, ...], expected: list[tuple[str, dict[str, Any]]]) -> None:
    made = planned(request_, *labels)
    assert tasks(made) == [task for task, _ in expected]
    for task, (_, arguments) in zip(made.tasks, expected, strict=True):
        assert {name: task["args"][name] for name in arguments} == arguments


@pytest.mark.parametrize(
    ("request_", "labels", "used"),
    [
        ("Transcribe the second one, not the first", ("a.wav", "b.wav"), ["audio-2"]),
        ("What is said in the second recording, not the first?", ("not_english.wav", "train.wav"), ["audio-2"]),
        ("describe all but the last picture", ("a.jpg", "b.jpg", "c.jpg"), ["image-1", "image-2"]),
        ("read the pictures except b.jpg", ("a.jpg", "b.jpg"), ["image-1"]),
        ("transcribe b.wav rather than a.wav", ("a.wav", "b.wav"), ["audio-2"]),
        ("describe the pictures, ignore the first", ("a.jpg", "b.jpg"), ["image-2"]),
        ("describe both pictures, leave out the second picture", ("a.jpg", "b.jpg"), ["image-1"]),
        ("describe the first picture, not the second", ("a.jpg", "b.jpg"), ["image-1"]),
    ],
)
def test_a_file_that_is_excluded_is_not_used(request_: str, labels: tuple[str, ...], used: list[str]) -> None:
    made = planned(request_, *labels).tasks
    assert [task["args"].get("image") or task["args"]["audio"] for task in made] == used


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("say “hello” in a robot's voice", VOICE),
        ("read it aloud, very slowly", VOICE),
        ("read it aloud like a pirate", VOICE),
        ("tell it to me in a nice voice", ""),
        ("sum it up and say it aloud in your own voice", ""),
    ],
)
def test_a_voice_that_is_wished_for_cannot_be_chosen(request_: str, said: str) -> None:
    made = planned(request_, "a.txt")
    assert TTS in tasks(made)
    assert " ".join(made.notices).startswith(said)
    assert bool(made.notices) == bool(said)


@pytest.mark.parametrize(
    ("request_", "labels", "missing"),
    [
        ("describe dog.jpg", ("cat.jpg",), "“dog.jpg” is not attached: attach it"),
        ("who sent letter.pdf?", ("scan.jpg",), "“letter.pdf” is not attached"),
        ("read one.png and two.png", ("scan.jpg",), "“one.png” and “two.png” is not attached"),
    ],
)
def test_another_file_does_not_take_the_place_of_one_that_is_missing(
    request_: str, labels: tuple[str, ...], missing: str
) -> None:
    with pytest.raises(RequestError, match=missing):
        planned(request_, *labels)


@pytest.mark.parametrize(
    ("request_", "labels", "notices"),
    [
        ("read cat.jpg and dog.jpg", ("cat.jpg",), ["“dog.jpg” is not attached, so it was left out."]),
        ("describe Cat.JPG", ("cat.jpg",), []),
        ("describe coffe.jpg", ("coffee.jpg",), []),
        ("describe example.jpg", ("coffee.jpg",), []),
        ("transcribe talk.wav and call it talk.txt", ("talk.wav",), []),
    ],
)
def test_a_missing_file_is_named_and_one_that_is_meant_is_found(
    request_: str, labels: tuple[str, ...], notices: list[str]
) -> None:
    assert list(planned(request_, *labels).notices) == notices


@pytest.mark.parametrize(
    ("request_", "labels", "part"),
    [
        ("transcribe it and train a model on it", ("a.wav",), "train a model on it"),
        ("describe the picture, then sing a song about it", ("a.jpg",), "sing a song about it"),
        ("sum it up and predict the next year", ("a.txt",), "predict the next year"),
        ("find the objects and hide the bus", ("a.jpg",), "hide the bus"),
        ("what is the mood of this review and recommend a product", ("a.txt",), "recommend a product"),
        ("clean the recording, then mix it with music", ("a.wav",), "mix it with music"),
        ("transcribe it, translate it into French, then read it aloud", ("a.wav",), ""),
        ("paint a fox, then animate that picture", (), ""),
        ("read the sign and compare it with “No entry”", ("a.jpg",), ""),
        ("count the dogs. Thank you very much", ("a.jpg",), ""),
    ],
)
def test_a_part_that_no_task_serves_is_named(request_: str, labels: tuple[str, ...], part: str) -> None:
    said = [notice.partition("”")[0].removeprefix("“") for notice in planned(request_, *labels).notices]
    assert said == ([part] if part else [])


@pytest.mark.parametrize(
    ("request_", "about"),
    [
        ("Where do my photos go?", "files"),
        ("who can see my recordings?", "files"),
        ("How long are my files kept?", "files"),
        ("Can other people look at what I upload?", "files"),
        ("do you store our token?", "key"),
        ("is my data used for training?", "training"),
        ("Is this free?", "price"),
        ("how much does it cost to use this?", "price"),
        ("Do I have to sign up?", "no key"),
        ("do I need an API key?", "no key"),
        ("which models are available here?", "models"),
        ("what model is this?", "models"),
        ("Can I use my own model?", "own"),
        ("which languages do you speak?", "languages"),
        ("what kinds of files can I upload?", "formats"),
        ("can you read Word documents?", "formats"),
        ("How long is the recording?", ""),
        ("who can see the cat in the picture?", ""),
        ("what does it cost to mail a letter?", ""),
        ("Where is the file from?", ""),
    ],
)
def test_questions_about_the_app_are_answered_in_words(request_: str, about: str) -> None:
    answer = planned(request_).direct_answer
    assert [name for name, beginning in APP_ANSWERS.items() if beginning in answer] == ([about] if about else [])


@pytest.mark.parametrize(
    "request_",
    [
        "median salary per department",
        "sort it by price",
        "group by city",
        "find Anna's email",
        "show me everyone from Paris",
        "sum up the salaries",
        "count the rows where city is Paris",
        "top 3 by salary",
        "unique cities",
        "rows where price is over 5",
    ],
)
def test_wishes_about_a_table_are_questions_of_it(request_: str) -> None:
    plan = planned(request_, "staff.csv")
    assert [(task["task"], task["args"]) for task in plan.tasks] == [
        ("table-question-answering", {"table": "table-1", "question": request_})
    ]


@pytest.mark.parametrize(
    "request_",
    [
        "Draw a bar chart of average salary per department",
        "plot price over date",
        "histogram of age",
        "Make a line chart of sales by month",
        "visualize the salaries",
    ],
)
def test_a_chart_of_a_table_is_drawn_and_no_picture_is_invented(request_: str) -> None:
    plan = planned(request_, "staff.csv")
    assert [(task["task"], task["args"]) for task in plan.tasks] == [
        ("table-to-chart", {"table": "table-1", "instruction": request_})
    ]
