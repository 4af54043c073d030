"""A dedicated endpoint may answer in any shape of its task's pipeline, and in that of the Hub's inference API."""

from __future__ import annotations

import base64
import io
import json
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache as cached
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import soundfile
import yaml
from PIL import Image

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Result
from hugginggpt.experts.hosted.shapes.common import AnswerShapeError
from hugginggpt.experts.hosted.shapes.entities import read_entities
from hugginggpt.experts.hosted.task_table import TASKS
from hugginggpt.hub.account import parse_endpoint
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.conftest import MEDIA
from tests.experts.hosted.conftest import HostedBench
from tests.hosted.faults import sends
from tests.hosted.models import models_of
from tests.hosted.wire import Answer

pytestmark = pytest.mark.slow

ROWS: Final[Mapping[str, Mapping[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("pipeline_answers.yaml").read_text(encoding="utf-8")
)
FILE_MARK: Final = " FILE"
CHATTED: Final = frozenset(
    {
        "conversational",
        "text-generation",
        "text2text-generation",
        "image-to-text",
        "visual-question-answering",
        "document-question-answering",
    }
)
"""Tasks that chat models do elsewhere; the default container has no route for chats."""
NO_ROUTE: Final = sends("no route", Answer(b"Not Found", 404, "text/plain"))


@cached
def files() -> dict[str, bytes]:
    Image.new("RGB", (8, 6), "red").save(picture := io.BytesIO(), "PNG")
    Image.fromarray(np.array([[255, 0], [255, 0]], np.uint8)).save(mask := io.BytesIO(), "PNG")
    samples = (np.sin(np.arange(64) * np.pi / 8) / 2).astype(np.float32)
    soundfile.write(sound := io.BytesIO(), samples, 16_000, format="WAV")
    return {
        "$PNG": picture.getvalue(),
        "$MASK": mask.getvalue(),
        "$WAV": sound.getvalue(),
        "$FLOATS": samples.tobytes(),
        "$INTEGERS": (samples * 32_767).astype("<i2").tobytes(),
        "$MP4": (MEDIA / "clip.mp4").read_bytes(),
    }


def make_answer(value: Any) -> at_server.Fault:
    """The endpoint's answer; "$PNG" and the like become files."""
    if isinstance(value, str) and value.endswith(FILE_MARK):
        return sends("a file", Answer(files()[value.removesuffix(FILE_MARK)], type="application/octet-stream"))
    text = json.dumps(value)
    for mark, content in files().items():
        text = text.replace(mark, base64.b64encode(content).decode())
    return sends("an answer", Answer(text.encode()))


async def ask(hosted: HostedBench, task: str, inputs: Mapping[str, str], *answers: at_server.Fault) -> Result:
    url = hosted.server.endpoint("text-classification", path=task)
    expert = hosted.expert(endpoints=(parse_endpoint(task, url),))
    card = next(card for card in expert.cards(()) if card.source == "you")
    given: dict[str, str | Resource] = {
        name: hosted.demo(value) if name in {"image", "audio", "table"} else value for name, value in inputs.items()
    }
    hosted.server.faults[f"/endpoint/{task}"] = list(answers)
    return await expert.run(hosted.call(card, given, seconds=20))


def test_each_task_has_answers() -> None:
    assert {name.partition(" ")[0] for name in ROWS} == TASKS


@pytest.mark.parametrize("name", ROWS)
async def test_every_shape_of_an_answer_is_read_alike(hosted: HostedBench, name: str) -> None:
    row, task = ROWS[name], name.partition(" ")[0]
    no_chat = [NO_ROUTE] if task in CHATTED else []
    for answer in row["answers"]:
        result = await ask(hosted, task, row["inputs"], *no_chat, make_answer(answer))
        output = result.outputs[-1]
        assert output.kind is Kind(row.get("makes", "text")), answer
        assert row.get("says") in {None, output.text}, answer
        if output.kind is Kind.AUDIO and output.path:
            assert abs(soundfile.read(output.path)[0]).max() == pytest.approx(0.5, abs=0.001), answer
        assert {key: output.data[key] for key in row.get("holds", {})} == row.get("holds", {}), answer


@pytest.mark.parametrize("name", ["text-classification", "token-classification", "image-classification", "object-detection"])
async def test_an_endpoint_that_takes_no_options_is_asked_once_more_without(hosted: HostedBench, name: str) -> None:
    row = ROWS[name]
    refuses = at_server.status(400, {"error": "Slow tokenizers cannot handle subwords."})
    result = await ask(hosted, name, row["inputs"], refuses, make_answer(row["answers"][1]))
    assert result.outputs[-1].text == row["says"]
    first, second = [asked for asked in hosted.server.asked if asked.path.startswith("/endpoint/")]
    assert first.json["parameters"]
    assert not second.json.get("parameters")  # a picture is sent as it is then


async def test_an_endpoint_that_makes_vectors_alone_compares_texts(hosted: HostedBench) -> None:
    """It is asked for vectors where it doesn't take pairs of texts; the pipeline has one for each token, one level deeper."""
    pair = {"text": "A cat.", "other_text": "A kitten."}
    first, second = [1.0, 0.0], [3.0, 4.0]
    refuses = at_server.status(400, {"error": "__call__() got an unexpected keyword argument 'source_sentence'"})
    nested = [[[[1.0, 1.0], [1.0, -1.0]]], [[[3.0, 4.0]]]]
    for answer in ([first, second], {"embeddings": [first, second]}, nested, [nested[0][0], nested[1][0]]):
        result = await ask(hosted, "sentence-similarity", pair, refuses, make_answer(answer))
        assert result.outputs[0].data == {"similarity": 0.6}


@pytest.mark.parametrize("answer", [{"label": "happy"}, [[1, 2]], {"labels": ["a"], "scores": []}, "text"])
async def test_what_no_pipeline_answers_is_said_to_be_of_no_use(hosted: HostedBench, answer: Any) -> None:
    with pytest.raises(ExpertError, match="answered something that can't be used"):
        await ask(hosted, "text-classification", {"text": "Lovely!"}, make_answer(answer))


def test_pieces_of_words_become_the_names_that_the_pipeline_itself_aggregates(cache: HubCache) -> None:
    """With the strategy "first", for the tags of a model that tags at random, in words of many pieces."""
    import torch

    pipe = models_of(cache).pipe("token-classification", "tiny/bert-ner")
    known = pipe.model.classifier.weight.data
    pipe.model.classifier.weight.data = torch.randn(known.shape, generator=torch.Generator().manual_seed(3)) * 2
    words = (
        "Sarah Jessica Parker met Jo in New York , Wolfgang-Amadeus Mozart & Eco's friend (Berlin) likes tokenization".split()
    )
    picks = random.Random(5)
    try:
        for _ in range(40):
            text = " ".join(["Wolfgang", *picks.choices(words, k=picks.randint(1, 4))])
            wanted = [(name["entity_group"], name["start"], name["end"]) for name in pipe(text, aggregation_strategy="first")]
            pieces = json.loads(json.dumps(pipe(text), default=float))
            assert [(name["entity_group"], name["start"], name["end"]) for name in read_entities(pieces, text)] == wanted, text
    finally:
        pipe.model.classifier.weight.data = known


@pytest.mark.parametrize(
    "row",
    [
        {"entity": "B-PER", "word": "a", "score": 0.9, "start": 0, "end": 10**9},
        {"entity": "I-PER", "word": "##a", "score": 0.9, "start": 5, "end": 6},
        {"entity": "B-PER", "word": "zebra", "score": 0.9},
        {"entity": "I-PER", "word": "a", "score": 0.9, "index": 1, "start": -5, "end": 3},
    ],
)
def test_offsets_of_a_hostile_endpoint_cost_no_time_and_no_copies_of_the_text(row: dict[str, Any]) -> None:
    text, rows = "a" * 200_000, [row] * 20_000
    begun = time.process_time()
    with suppress(AnswerShapeError):
        names = read_entities(rows, text)
        assert sum(len(name["word"]) for name in names) <= 500 * len(rows)
    assert time.process_time() - begun < 5  # a minute and more, or gigabytes
