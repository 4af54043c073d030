"""Requests that go on with earlier ones: what the built-in planner takes "it", "the second picture", "the summary" for."""

from typing import Any

import pytest

from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from tests.controllers.rules.test_controller import plan
from tests.controllers.rules.test_file_references import SUFFIXES, files


def turns(*made: tuple[str, ...]) -> list[Turn]:
    """Earlier requests, each with its words and what it came with or made: a file, or the task that made something."""
    counts: dict[Kind, int] = dict.fromkeys(Kind, 0)

    def resource(label: str) -> Resource:
        task = load_task_table().get(label.partition(":")[0])
        kind = Kind(label.partition(":")[2] or task.outputs[0]) if task else SUFFIXES[label.rpartition(".")[2]]
        counts[kind] += 1
        name = label.partition(":")[0]
        return Resource(f"{kind}-{counts[kind]}", kind, Origin("task" if task else "upload", name))

    return [Turn(request, "done", tuple(map(resource, labels))) for request, *labels in made]


DESCRIBED = ("describe my picture", "tram.jpg", "image-to-text")
PAINTED = (("paint a fox", "text-to-image"), ("and a hen", "text-to-image"))


@pytest.mark.parametrize(
    ("request_", "before", "expected"),
    [
        ("Describe the second picture.", PAINTED, ("image-to-text", {"image": "image-2", "instruction": "describe"})),
        ("the first picture in black and white", PAINTED, ("image-to-image", {"image": "image-1"})),
        (
            "From the canny image above, make a picture of a tiger.",
            (("Draw the edges", "cat.jpg", "canny-control"), ("describe it", "image-to-text")),
            ("canny-text-to-image", {"image": "image-2", "text": "a tiger"}),
        ),
        (
            "use the depth map to paint a moon base",
            (("depth map", "room.jpg", "depth-control"), ("look", "x.jpg")),
            ("depth-text-to-image", {"image": "image-2", "text": "a moon base"}),
        ),
        (
            "read the summary out loud",
            (("sum it up", "doc.txt", "summarization"), ("translate it", "translation")),
            ("text-to-speech", {"text": "text-2"}),
        ),
        (
            "who is mentioned in the transcript?",
            (("transcribe", "call.wav", "automatic-speech-recognition"), ("draw a cat", "text-to-image")),
            ("token-classification", {"text": "text-1"}),
        ),
        (
            "now draw the edges of the original photo",
            (("make it a cartoon", "a.jpg", "image-to-image"),),
            ("canny-control", {"image": "image-1"}),
        ),
        (
            "compare the two descriptions",
            (("describe both", "a.jpg", "b.jpg", "image-to-text", "image-to-text"),),
            ("sentence-similarity", {"text": "text-1", "other_text": "text-2"}),
        ),
    ],
)
def test_a_result_is_meant_by_order_and_by_what_made_it(
    request_: str, before: tuple[tuple[str, ...], ...], expected: tuple[str, dict[str, Any]]
) -> None:
    ((task, args),) = plan(request_, turns=turns(*before))
    assert (task, {name: args[name] for name in expected[1]}) == expected


@pytest.mark.parametrize(
    ("request_", "before", "expected"),
    [
        ("now read it aloud", DESCRIBED, ("text-to-speech", {"text": "text-1"})),
        ("translate that to German", DESCRIBED, ("translation", {"text": "text-1", "language": "German"})),
        ("and in english?", DESCRIBED, ("translation", {"text": "text-1", "language": "English"})),
        ("Turn it into an oil painting", DESCRIBED, ("image-to-image", {"image": "image-1"})),
        ("turn it into a video", DESCRIBED, ("image-to-video", {"image": "image-1"})),
        ("mark the cars in it", DESCRIBED, ("object-detection", {"image": "image-1"})),
        ("is there a dog in it?", DESCRIBED, ("visual-question-answering", {"image": "image-1"})),
        ("Shorter still, please.", ("sum up", "doc.txt", "summarization"), ("summarization", {"text": "text-2"})),
        ("And who paid the least?", ("Who paid?", "f.csv", "table-question-answering"), ("table-question-answering", {})),
        ("and in Spanish?", ("into French", "doc.txt", "translation"), ("translation", {"text": "text-1"})),
        ("No, into French.", ("Translate “good night”", "translation"), ("translation", {"text": "good night"})),
        ("And a castle", PAINTED[0], ("text-to-image", {"text": "a castle"})),
    ],
)
def test_otherwise_the_newest_thing_of_the_kind_is_meant_that_the_words_are_about(
    request_: str, before: tuple[str, ...], expected: tuple[str, dict[str, Any]]
) -> None:
    ((task, args),) = plan(request_, turns=turns(before))
    assert (task, {name: args[name] for name in expected[1]}) == expected


STAFF = (("Who is paid most?", "staff.csv", "table-question-answering"), ("And least?", "table-question-answering"))
PAGE = (("Who sent it?", "bill.jpg", "document-question-answering"), ("And to whom?", "document-question-answering"))


@pytest.mark.parametrize(
    ("request_", "before", "expected"),
    [
        ("Which city has the most people?", STAFF, ("table-question-answering", {"table": "table-1"})),
        ("Sort it by salary", STAFF, ("table-question-answering", {"table": "table-1"})),
        ("Draw a bar chart of salary by city", STAFF, ("table-to-chart", {"table": "table-1"})),
        ("When is it due?", PAGE, ("document-question-answering", {"image": "image-1"})),
        ("now read it aloud", STAFF, ("text-to-speech", {"text": "text-2"})),
        (
            "Who was late?",
            (*STAFF, ('"Bo was late, Ada was not there at all." Who was not there?', "question-answering")),
            ("question-answering", {"text": "Bo was late, Ada was not there at all."}),
        ),
    ],
)
def test_a_third_question_is_about_the_same_as_the_first(
    request_: str, before: tuple[tuple[str, ...], ...], expected: tuple[str, dict[str, Any]]
) -> None:
    ((task, args),) = plan(request_, turns=turns(*before))
    assert (task, {name: args[name] for name in expected[1]}) == expected


def test_several_things_may_be_meant() -> None:
    request = "Now that description in French and in Japanese, and make the picture look like a comic"
    assert [(task, args.get("text") if task == "translation" else args["image"]) for task, args in plan(
        request, turns=turns(DESCRIBED)
    )] == [("translation", "text-1"), ("translation", "text-1"), ("image-to-image", "image-1")]  # fmt: skip


def test_the_same_again_for_another_file() -> None:
    before = turns(("Count the cats in a.jpg", "a.jpg", "object-detection:image"))
    (other,) = files("b.jpg")
    other = Resource("image-3", other.kind, other.origin)
    for request in ("do the same for this one", "and this one?", "And how many are in this one?"):
        assert plan(request, other, turns=before) == [("object-detection", {"image": "image-3"})]


def test_what_came_with_the_request_goes_first() -> None:
    (other,) = files("b.jpg")
    other = Resource("image-2", other.kind, other.origin)
    assert plan("Describe it", other, turns=turns(DESCRIBED)) == [
        ("image-to-text", {"image": "image-2", "instruction": "describe"})
    ]
