"""Conditions: what the built-in planner can't know before it has run is left out, what must hold is tested."""

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.conditionals import strip_conditions
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import Notice
from tests.controllers.rules.test_file_references import files


async def planned(request: str, *labels: str) -> tuple[list[str], list[str]]:
    """The tasks of a plan and the notices with it."""
    found = [piece async for piece in RulesController().plan(PlanRequest(request, tuple(files(*labels))))]
    notices = [piece.message for piece in found if isinstance(piece, Notice)]
    return [piece["task"] for piece in found if isinstance(piece, dict)], notices


@pytest.mark.parametrize(
    ("request_", "label", "tasks", "left_out"),
    [
        (
            "If there is a cat in it, make a painting of it",
            "a.jpg",
            ["visual-question-answering"],
            "If there is a cat in it, make a painting of it",
        ),
        (
            "tell me whether the review is positive and only if it is, translate it into French",
            "r.txt",
            ["text-classification"],
            "only if it is, translate it into French",
        ),
        (
            "Transcribe it and, if the caller is angry, write an apology",
            "call.wav",
            ["automatic-speech-recognition", "text-classification"],
            "if the caller is angry, write an apology",
        ),
        ("Count the dogs. Otherwise describe the picture.", "d.jpg", ["object-detection"], "Otherwise describe the picture"),
        (
            "Summarise it, and translate the summary if it is long",
            "a.txt",
            ["summarization"],
            "translate the summary if it is long",
        ),
    ],
)
async def test_the_sure_part_is_planned_and_the_rest_regretted(
    request_: str, label: str, tasks: list[str], left_out: str
) -> None:
    regret = f"Conditions can't be planned without a language model, so “{left_out}” was left out."
    assert await planned(request_, label) == (tasks, [regret])


async def test_all_that_is_left_out_is_one_notice() -> None:
    request = "Describe this. If it is a person, read the description aloud, otherwise translate it to French."
    tasks, notices = await planned(request, "a.jpg")
    assert tasks == ["image-to-text", "visual-question-answering"]
    assert notices == [
        "Conditions can't be planned without a language model, so “If it is a person, read the description aloud” and "
        "“otherwise translate it to French” were left out."
    ]


@pytest.mark.parametrize(
    "request_",
    [
        "Tell me if it's a cat",
        "Let me know if the letter is angry and translate it",
        "Read it to me if you can",
        "If possible, describe it in one sentence",
        "Check if there is a dog in it",
        "Tell me out loud if there is a dog in it",
        "Listen to it and let me know in writing if he is angry",
        "What happens if I pay too late?",
        "Am I covered if a tree falls on the shed?",
        "Make it look as if it were winter",
        "Read the provided text",
        "Say “if you leave, take an umbrella” aloud",
    ],
)
def test_not_every_if_is_a_condition(request_: str) -> None:
    assert strip_conditions(request_).regret == ""


@pytest.mark.parametrize(
    ("held", "question"),
    [
        ("there is a cat in it", "Is there a cat in it?"),
        ("it's a dog", "Is it a dog?"),
        ("the text mentions a date", "Does the text mention a date?"),
        ("she sounds angry", "Does she sound angry?"),
        ("you see a dog", "Do you see a dog?"),
        ("the man can be seen", "Can the man be seen?"),
    ],
)
def test_what_must_hold_is_asked(held: str, question: str) -> None:
    assert strip_conditions(f"If {held}, describe it.").text == question.removesuffix("?") + "?"
