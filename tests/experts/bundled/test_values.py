"""Questions of the truth benchmark about values in small texts, put to the bundled model alone."""

from collections.abc import Iterator

import pytest

from benchmarks.truth.grading import Reply, judge
from benchmarks.truth.questions import Question, read_scenes
from tests.experts.bundled.conftest import Bench

NOT_FOUND = {
    "When will Marta arrive?",
    "Who conducts the choir?",
    "Why did the worker stop?",
    "What are the shelves made of?",
    "Which version was deployed?",
    "Whom do I ring?",
    "Where is the fete?",
}
"""Questions whose answers aren't found yet."""


def _list_questions() -> Iterator[tuple[str, Question]]:
    for scene in read_scenes("values"):
        (text,) = scene.files.values()
        yield from ((text, question) for question in scene.ask)


@pytest.mark.parametrize(("text", "question"), [pytest.param(*each, id=each[1].request) for each in _list_questions()])
async def test_a_value_is_found_whole_and_nothing_is_invented(bench: Bench, text: str, question: Question) -> None:
    done = await bench.run("question-answering", text=text, question=question.request)
    expected = "hedged" if question.request in NOT_FOUND else "right"
    assert judge(question, Reply([str(done.data["answer"])], done.text)) == expected, done.text
