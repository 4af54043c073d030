"""Refusals in the words of real providers: which requests follow, how many, and the sentence."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from hugginggpt.core.errors import ExpertError, ProviderError
from hugginggpt.core.events import AttemptFailed, TaskDone, TaskFailed
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.expert import HostedExpert
from tests.conftest import MEDIA, RunPlan
from tests.experts.hosted.conftest import HostedBench
from tests.hosted.wire import Answer, Media, answer
from tests.hosted_server import TOKEN, Fault, HostedServer, refused_url

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forgotten")]

TABLE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text(encoding="utf-8"))
ROWS = [
    pytest.param(row, scope, id=f"{scope}-{number}-{row['provider']}")
    for scope in TABLE
    for number, row in enumerate(TABLE[scope])
]
OFFERS = ("first here", "second here", "first there", "third there")
"""Models in the order in which they are tried: at the provider that refuses, and at another one, which answers."""
TRIED = {
    "deployment": ["first here", "second here", "first there"],
    "request": ["first here", "second here", "third there"],
    "model": ["first here", "second here", "third there"],
    "provider": ["first here", "first there"],
    "busy provider": ["first here", "first there"],
    "account": ["first here"],
}
"""The models that are asked, by what a refusal rules out."""


def _picture() -> str:
    Image.new("RGB", (8, 8), "red").save(into := io.BytesIO(), "PNG")
    return base64.b64encode(into.getvalue()).decode()


CHAT = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "usage": None}
CHAT |= {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}]}
IMAGES = {"id": "i", "data": [{"index": 0, "b64_json": _picture()}]}
OTHERS: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "text-to-image": (("nscale", IMAGES),),
    "image-to-image": (("together", IMAGES), ("replicate", {"status": "succeeded", "output": "{url}/files/picture.png"})),
    "text-to-video": (("replicate", {"status": "succeeded", "output": "{url}/files/clip.mp4"}),),
    "conversational": (("nscale", CHAT),),
}
"""For each task the providers that may answer, and what they say; the first that isn't the one that refuses does."""


@dataclass
class Offered:
    """A hosted back end that offers chosen models in a chosen order."""

    expert: HostedExpert
    offered: Sequence[ModelCard]
    backend: str = "hosted"

    def cards(self, tasks: object = None) -> Sequence[ModelCard]:
        return self.offered

    async def run(self, call: Call) -> Result:
        return await self.expert.run(call)


def replay(row: Mapping[str, Any]) -> Fault:
    """Answer as the provider of a row does: order and polls by its `first`, the result by its `body`."""

    def play(handler: BaseHTTPRequestHandler, _: threading.Event) -> None:
        if "first" in row and handler.command == "POST":
            return answer(row["first"]).send(handler)
        is_text = isinstance(row["body"], str)
        body = row["body"] if is_text else json.dumps(row["body"])
        kind = "application/json" if not is_text else "text/html" if body.startswith("<") else "text/plain"
        return Answer(body.encode(), row["status"], kind, row.get("headers", {})).send(handler)

    return Fault(str(row["status"]), play, lasts=True)


def list_asked(server: HostedServer, here: str) -> list[str]:
    """Each request for a model, as "first here"; polls and files don't count."""
    asked = [each for each in server.asked if each.method == "POST"]
    names = [name for each in asked for name in ("first", "second", "third") if f"o/{name}" in f"{each.path} {each.body!r}"]
    return [f"{name} {'here' if f'/{here}/' in each.path else 'there'}" for name, each in zip(names, asked, strict=True)]


def offer(hosted: HostedBench, task: str, here: str, there: str) -> Offered:
    cards = []
    for offered in OFFERS:
        name, _, place = offered.partition(" ")
        provider = here if place == "here" else there
        hosted.server.serve(task, f"o/{name}", provider=provider, provider_id=f"o/{name}")
        cards.append(ModelCard(f"o/{name}", task, "hosted", "", provider=provider))
    return Offered(hosted.expert(), cards)


@pytest.mark.parametrize(("row", "scope"), ROWS)
async def test_what_a_refusal_rules_out_is_not_tried(
    hosted: HostedBench, run_plan: RunPlan, row: Mapping[str, Any], scope: str
) -> None:
    task, here = row.get("task", "text-to-image"), row["provider"]
    there, reply = next(other for other in OTHERS[task] if other[0] != here)
    hosted.server.router.files["/files/picture.png"] = Media(base64.b64decode(_picture()), "image/png")
    hosted.server.router.files["/files/clip.mp4"] = Media((MEDIA / "clip.mp4").read_bytes(), "video/mp4")
    expert = offer(hosted, task, here, there)
    said = json.loads(json.dumps(reply).replace("{url}", hosted.server.url))
    hosted.server.faults[f"/{here}/"].append(replay(row))
    hosted.server.faults[f"/{there}/"].append(Fault("ok", lambda handler, _: answer(said).send(handler), lasts=True))
    args = {"text": "a fox"} | ({"image": "example.jpg"} if task == "image-to-image" else {})
    ran = await run_plan([{"task": task, "id": 0, "args": args}], expert, seconds=60)
    asked = list_asked(hosted.server, here)
    assert list(dict.fromkeys(asked)) == TRIED[scope]
    tries = [asked.count(model) for model in TRIED[scope] if model.endswith(" here")]
    assert tries == [row.get("tries", 1)] * len(tries), "no refusal costs more than two further requests"
    failed = ran.select(TaskFailed if scope == "account" else AttemptFailed)[0]
    assert failed.error.startswith(row["said"])
    assert len(ran.select(TaskDone)) == (scope != "account")
    assert TOKEN not in repr(ran.events)


@pytest.mark.parametrize("address", ["{other}/files/gone.png", "{nobody}/files/1.png"], ids=["gone", "away"])
async def test_a_result_that_can_not_be_fetched_is_its_providers_fault(hosted: HostedBench, address: str) -> None:
    hosted.server.serve("text-to-image", "o/first", provider="fal-ai", provider_id="o/first")
    with HostedServer(hosted.cache) as other:
        url = address.format(other=other.url, nobody=refused_url())
        made = answer({"images": [{"url": url}], "seed": 1})
        hosted.server.faults["/fal-ai/"].append(Fault("made", lambda handler, _: made.send(handler), lasts=True))
        card = ModelCard("o/first", "text-to-image", "hosted", "", provider="fal-ai")
        with pytest.raises(ProviderError, match="fal-ai did the task, but its result can't be fetched: try again"):
            await hosted.expert().run(hosted.call(card, {"text": "a fox"}))
    assert list_asked(hosted.server, "fal-ai") == ["first here"], "it is not ordered twice"


async def test_another_mask_is_not_tried_where_the_refusal_is_about_something_else(hosted: HostedBench) -> None:
    hosted.server.serve("fill-mask", "o/first")
    row = {"status": 400, "body": {"error": "Model not supported by provider hf-inference"}}
    hosted.server.faults["/hf-inference/"].append(replay(row))
    card = ModelCard("o/first", "fill-mask", "hosted", "", provider="hf-inference")
    with pytest.raises(ExpertError, match="o/first is not served by hf-inference for this account"):
        await hosted.expert().run(hosted.call(card, {"text": "Ines saw a ___ in Paris."}))
    assert list_asked(hosted.server, "hf-inference") == ["first here"]


@pytest.mark.parametrize(("colour", "noted"), [((0, 0, 0), True), ((0, 0, 40), False)])
async def test_a_picture_that_a_filter_has_blacked_out_is_said_to_be(
    hosted: HostedBench, colour: tuple[int, int, int], noted: bool
) -> None:
    hosted.server.serve("text-to-image", "o/first", provider="nscale", provider_id="o/first")
    Image.new("RGB", (8, 8), colour).save(into := io.BytesIO(), "PNG")
    made = answer({"data": [{"b64_json": base64.b64encode(into.getvalue()).decode()}]})
    hosted.server.faults["/nscale/"].append(Fault("made", lambda handler, _: made.send(handler)))
    card = ModelCard("o/first", "text-to-image", "hosted", "", provider="nscale")
    result = await hosted.expert().run(hosted.call(card, {"text": "a fox"}))
    assert result.outputs, "what was made is kept"
    assert result.note.startswith("The picture is black all over") == noted


def test_each_row_names_its_source() -> None:
    assert [row for rows in TABLE.values() for row in rows if not row["source"].startswith("https://")] == []
