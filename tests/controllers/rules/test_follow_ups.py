"""Follow-up questions that say only what is new: they go to the page, text or recording that was asked about before."""

import pytest

from hugginggpt.core.recording import Turn
from tests.controllers.rules.test_controller import plan
from tests.controllers.rules.test_coreference import turns

PAGE = ("What is the total?", "bill.jpg", "document-question-answering")
TRAINS = ("When does the train to Leeds leave?", "board.jpg", "visual-question-answering")


@pytest.mark.parametrize(
    ("request_", "before", "question"),
    [
        ("and the due date?", PAGE, "What is the due date?"),
        ("What about the VAT?", PAGE, "What is the VAT?"),
        ("And who sent it?", PAGE, "And who sent it?"),
        ("and from which platform?", TRAINS, "Which platform does the train to Leeds leave from?"),
        ("And York?", TRAINS, "When does the train to York leave?"),
        (
            "what about Old Mill?",
            ("How many students does Hill Road have?", *PAGE[1:]),
            "How many students does Old Mill have?",
        ),
    ],
)
def test_the_page_is_asked_again(request_: str, before: tuple[str, ...], question: str) -> None:
    ((task, args),) = plan(request_, turns=turns(before))
    assert task in {"document-question-answering", "visual-question-answering"}
    assert args == {"image": "image-1", "text": question}


def test_a_recording_is_asked_through_its_transcript() -> None:
    before = turns(("When does it leave?", "call.wav", "automatic-speech-recognition", "question-answering"))
    assert plan("and from which platform?", turns=before) == [
        ("question-answering", {"text": "text-1", "question": "Which platform does it leave from?"})
    ]


def test_a_text_that_was_given_in_the_request_is_asked_again_not_the_answer() -> None:
    text = "The train to Leeds leaves at ten past nine from platform four."
    (answered,) = turns((f'Here is a text: "{text}" When does it leave?', "question-answering"))
    assert plan("and from which platform?", turns=[answered]) == [
        ("question-answering", {"text": text, "question": "Which platform does it leave from?"})
    ]


@pytest.mark.parametrize("turn", [Turn("paint a fox", "done", ()), *turns(("paint a fox", "text-to-image"))])
def test_where_nothing_was_answered_nothing_is_completed(turn: Turn) -> None:
    assert plan("and a windmill", turns=[turn])[0][0] != "question-answering"
