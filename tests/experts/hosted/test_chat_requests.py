"""Replies of hosted chat models: as many tokens as the server has room for, found out in one further request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.model_card import ModelCard
from tests.experts.hosted.conftest import HostedBench
from tests.experts.hosted.test_refusals import CHAT, replay
from tests.hosted.wire import answer
from tests.hosted_server import Fault

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forgotten")]

ROWS: Sequence[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("reply_tokens.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['provider']}-{row['next']}")
async def test_a_reply_is_asked_for_that_fits(hosted: HostedBench, row: Mapping[str, Any]) -> None:
    def play(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        fits = hosted.server.asked[-1].json["max_tokens"] <= row["next"] or not refuses
        said = Fault("ok", lambda h, _: answer(CHAT).send(h)) if fits else replay(row)
        assert said.play
        said.play(handler, over)

    refuses = True
    hosted.server.serve("conversational", "o/first", provider=row["provider"], provider_id="o/first")
    hosted.server.faults[f"/{row['provider']}/"].append(Fault("replay", play, lasts=True))
    card = ModelCard("o/first", "conversational", "hosted", "", provider=row["provider"])
    result = await hosted.expert().run(hosted.call(card, {"text": "Tell me all. " * 900}))
    assert result.outputs[0].text == "Hello."
    asked = [each.json["max_tokens"] for each in hosted.server.asked if each.method == "POST"]
    assert asked == [2_048, row["next"]], "one further request"
    refuses = False
    await hosted.expert().run(hosted.call(card, {"text": "Hello"}))
    assert hosted.server.asked[-1].json["max_tokens"] == row["later"], "what is known of the model is kept"


async def test_what_is_known_of_a_window_shortens_the_next_reply_at_once(hosted: HostedBench) -> None:
    row = ROWS[0]
    hosted.server.serve("conversational", "o/first", provider="novita", provider_id="o/first")
    hosted.server.faults["/novita/"] += [
        replace(replay(row), lasts=False),
        Fault("ok", lambda h, _: answer(CHAT).send(h), True),
    ]
    card = ModelCard("o/first", "conversational", "hosted", "", provider="novita")
    for _ in range(2):
        await hosted.expert().run(hosted.call(card, {"text": "Tell me all. " * 900}))
    asked = [each.json["max_tokens"] for each in hosted.server.asked if each.method == "POST"]
    assert asked[:2] == [2_048, 1_098]
    assert len(asked) == 3
    assert 500 < asked[2] <= 1_200


async def test_a_question_without_room_for_a_reply_is_too_long_and_asked_once(hosted: HostedBench) -> None:
    message = (
        "This model's maximum context length is 4096 tokens. However, you requested 6100 tokens (4052 in the messages, 2048"
    )
    hosted.server.serve("conversational", "o/first", provider="novita", provider_id="o/first")
    row = {"status": 400, "body": {"message": f"{message} in the completion)."}}
    hosted.server.faults["/novita/"].append(replay(row))
    card = ModelCard("o/first", "conversational", "hosted", "", provider="novita")
    with pytest.raises(ExpertError, match="The input is too large for o/first at novita"):
        await hosted.expert().run(hosted.call(card, {"text": "Tell me all. "}))
    assert len([each for each in hosted.server.asked if each.method == "POST"]) == 1


TOO_LONG = "This model's maximum context length is 4096 tokens. However, your request has 9000 input tokens."


@pytest.mark.parametrize(
    ("message", "chars"), [(TOO_LONG, 9_830), ("Prompt is too long.", 13_000)], ids=["with a window", "without a number"]
)
async def test_a_question_that_is_too_long_is_sent_without_its_middle_where_no_other_model_is_left(
    hosted: HostedBench, message: str, chars: int
) -> None:
    text = "What does she do? " + "Anna walks home slowly. " * 1_083 + "Who is it?"
    hosted.server.serve("conversational", "o/first", provider="novita", provider_id="o/first")
    refuses = replace(replay({"status": 400, "body": {"message": message}}), lasts=False)
    hosted.server.faults["/novita/"] += [refuses, Fault("ok", lambda h, _: answer(CHAT).send(h))] * 2
    card = ModelCard("o/first", "conversational", "hosted", "", provider="novita")
    result = await hosted.expert().run(hosted.call(card, {"text": text}))
    first, second = [each.json["messages"][0]["content"] for each in hosted.server.asked if each.method == "POST"]
    assert first == text
    assert second.startswith("What does she do? Anna")
    assert second.endswith("home slowly. Who is it?")
    assert len(second) == pytest.approx(chars, abs=30)
    assert (
        result.note
        == f"The text was too long for o/first: about {chars / len(text):.0%} of it was read, its beginning and its end."
    )
    with pytest.raises(ExpertError, match="The input is too large for o/first at novita"):
        await hosted.expert().run(hosted.call(card, {"text": text}, has_fallback=True))
    assert len([each for each in hosted.server.asked if each.method == "POST"]) == 3, "another model's window may be larger"
