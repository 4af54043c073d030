"""Every task with a hosted path gives the same shape of result here and elsewhere, so that nobody downstream can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.task_table import PROVIDER_TASKS
from hugginggpt.experts.local.expert import LocalExpert
from tests.checkpoints import HubCache
from tests.experts.hosted.conftest import HostedBench
from tests.hosted.models import models_of

pytestmark = pytest.mark.slow

LOCAL = {
    "text-classification": "tiny/bert-sentiment",
    "token-classification": "tiny/bert-ner",
    "fill-mask": "tiny/bert-mask",
    "zero-shot-classification": "tiny/roberta-nli",
    "sentence-similarity": "tiny/minilm",
    "summarization": "tiny/bart-cnn",
    "translation": "tiny/opus-mt-en-de",
    "question-answering": "tiny/bert-squad",
    "table-question-answering": "tiny/tapas",
    "tabular-classification": "tiny/retirement",
    "conversational": "tiny/llama-chat",
    "text-generation": "tiny/llama-chat",
    "text2text-generation": "tiny/flan-t5",
    "image-to-text": "tiny/blip-captioning",
    "visual-question-answering": "tiny/blip-vqa",
    "document-question-answering": "tiny/donut-docvqa",
    "image-classification": "tiny/vit",
    "zero-shot-image-classification": "tiny/clip",
    "object-detection": "tiny/detr",
    "image-segmentation": "tiny/segformer",
    "text-to-image": "tiny/sd",
    "image-to-image": "tiny/sd",
    "text-to-video": "tiny/ltx",
    "image-to-video": "tiny/ltx-i2v",
    "text-to-speech": "tiny/vits",
    "automatic-speech-recognition": "tiny/whisper",
    "audio-classification": "tiny/wav2vec2-classifier",
    "audio-to-audio": "tiny/speecht5-vc",
}
"""For each task a checkpoint that does it here; the stand-in computes with the same, or one of its kind."""

BESIDE = {"audio-to-audio": ("tiny/speecht5-hifigan",)}

CHATS = {
    "conversational": "conversational",
    "text-generation": "conversational",
    "text2text-generation": "conversational",
    "image-to-text": "image-text-to-text",
    "visual-question-answering": "image-text-to-text",
    "document-question-answering": "image-text-to-text",
}
PROVIDERS = {**dict.fromkeys(("text-to-video", "image-to-video"), "fal-ai"), **dict.fromkeys(CHATS, "novita")}

TEXT = "Ines saw a cat in Paris. It sat on a wall."
TEXTS = {"question": "Who saw a cat?", "labels": "cats, dogs", "other_text": "A cat sat there.", "language": "German"}
FILES = {Kind.IMAGE: "cat.jpg", Kind.AUDIO: "speech.flac", Kind.TABLE: "people.csv"}

ONLY_HERE = {"automatic-speech-recognition": {"language", "words"}, "text-classification": set[str]()}
"""What models here may tell besides, and providers don't."""


def shape(value: Any) -> Any:
    """What is there and of which type, without the values; of lists the first element stands for all."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def shapes(result: Result, drop: set[str]) -> list[Any]:
    return [
        (
            output.kind,
            output.text is not None,
            output.path.suffix if output.path else "",
            {key: shape(value) for key, value in output.data.items() if key not in drop},
        )
        for output in result.outputs
    ]


def test_the_cases_cover_all_that_is_hosted() -> None:
    assert set(LOCAL) == PROVIDER_TASKS


@pytest.fixture(scope="session")
def here(cache: HubCache) -> LocalExpert:
    """That of the stand-in, so that a model is loaded once for both."""
    return models_of(cache).local


@pytest.mark.parametrize("task", sorted(PROVIDER_TASKS))
async def test_a_task_has_one_shape_of_result(task: str, hosted: HostedBench, here: LocalExpert, cache: HubCache) -> None:
    inputs: dict[str, str | Resource] = {}
    for wanted in load_task_table()[task].inputs:
        inputs[wanted.name] = TEXTS.get(wanted.name, TEXT) if wanted.kind is Kind.TEXT else hosted.demo(FILES[wanted.kind])
    if task == "fill-mask":
        inputs["text"] = "Ines saw a ___ in Paris."
    if task == "document-question-answering":
        inputs["image"] = hosted.demo("invoice.png")
    for checkpoint in (LOCAL[task], *BESIDE.get(task, ())):
        cache.add(checkpoint)
    here.rescan()
    card = next(card for card in here.cards() if (card.id, card.task) == (LOCAL[task], task))
    local = await here.run(Call(card, inputs, hosted.workspace.new_path))
    model = {"translation": "owner/opus-mt-en-de"}.get(task, "")  # its name says what it does
    hosted.server.serve(CHATS.get(task, task), model, provider=PROVIDERS.get(task, "hf-inference"))
    elsewhere = await hosted.run(task, model, **inputs)
    drop = ONLY_HERE.get(task, set())
    assert shapes(elsewhere, drop) == shapes(local, drop)
    assert not list(Path(hosted.workspace.folder).glob("*.jpg"))
