"""The truth benchmark: its files can be read and made, and its verdicts are right."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.truth.files import make_file
from benchmarks.truth.grading import Reply, judge
from benchmarks.truth.questions import Question, list_parts, read_scenes
from hugginggpt.core.settings import Settings
from hugginggpt.workspace.workspace import Workspace

NINE = Question(request="When?", right=("ten past nine",))
SPOKEN = Question(request="Transcribe this", heard="The train leaves at ten past nine.")
FILES_ASKED = Question(request="Which one mentions a saw?", files=("b.txt",))
CAT = Question(request="What is in it?", shows=("cat",))
NOTHING = Question(request="What is in it?", absent=True, never=("picture says",))


@pytest.mark.parametrize(
    ("question", "stated", "text", "verdict"),
    [
        (NINE, "ten past nine", "ten past nine (“It leaves at ten past nine.”)", "right"),
        (NINE, "at ten", "at ten", "wrong"),
        (NINE, "", "I did not find it in the text.", "hedged"),
        (NINE, "", "The answer is not in the text.", "denied"),
        (NINE, "word " * 30 + "ten past nine", "", "wrong"),
        (Question(request="Who?", absent=True), "", "I did not find it in the text.", "right"),
        (Question(request="Who?", absent=True), "", "The answer is not in the text.", "denied"),
        (Question(request="Who?", absent=True), "Ann", "Ann", "invented"),
        (Question(request="Who?", right=("Ann",), also=("Ben",)), "Ann; Ben", "", "right"),
        (Question(request="Who?", right=("Ann",), also=("Ben",)), "Ann", "Ann", "wrong"),
        (SPOKEN, "The train leaves at 10 past 9", "The train leaves at 10 past 9", "right"),
        (SPOKEN, "The train leaves at 10 past 9", "I am not sure of [leaves].", "hedged"),
        (SPOKEN, "The rain leaves a tent", "The rain leaves a tent", "wrong"),
        (FILES_ASKED, "A saw", "**b.txt**\n\nA saw\n\nI did not find it in a.txt.", "right"),
        (FILES_ASKED, "A saw", "**a.txt**\n\nA saw\n\nI did not find it in b.txt.", "wrong"),
        (CAT, "a cat (93%), perhaps Egyptian cat (39%), tiger cat (36%) or tabby (17%). Written in it: “PIX”.", "", "right"),
        (CAT, "PIX. A cat.", "", "wrong"),
        (NOTHING, "", "I can't tell what it shows.", "right"),
        (NOTHING, "", "I can't tell what it shows. The picture says: 48", "invented"),
        (Question(request="Who?", right=("Ann",), foreign=True), "", "I read English texts only", "right"),
    ],
)
def test_a_verdict(question: Question, stated: str, text: str, verdict: str) -> None:
    assert judge(question, Reply([stated], text)) == verdict


def test_an_error_is_a_failure() -> None:
    assert judge(NINE, Reply(error="No model is here.")) == "failed"


@pytest.mark.parametrize("part", list_parts())
def test_each_question_says_what_is_right(part: str) -> None:
    questions = [question for scene in read_scenes(part) for question in scene.ask]
    assert len(questions) >= 20
    assert all(
        question.absent != bool(question.right or question.parts or question.heard or question.shows or question.files)
        for question in questions
    )


FILES = [(name, content) for part in list_parts() for scene in read_scenes(part) for name, content in scene.files.items()]
KINDS = {
    next(iter(content)): (name, content) for name, content in FILES if isinstance(content, dict) and "speech" not in content
}


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 100


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_each_kind_is_one_that_the_app_reads(kind: str, settings: Settings, tmp_path: Path) -> None:
    name, content = KINDS[kind]
    with Workspace.create(settings.model_copy(update={"max_file_bytes": 2**24})) as workspace:
        resource = workspace.add_file(make_file(tmp_path / name, content))
    assert resource.file or resource.measure


def test_a_page_is_drawn_row_by_row(tmp_path: Path) -> None:
    with Image.open(make_file(tmp_path / "a.png", {"page": [{"big": "CLOSED"}, ["Monday", "9:00"], "Thank you"]})) as page:
        assert page.convert("L").getextrema() == (0, 255)
    assert make_file(tmp_path / "a.txt", "It rains.").read_text(encoding="utf-8") == "It rains."
