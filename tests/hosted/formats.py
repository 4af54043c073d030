"""What models say, in the words of the Hub's inference API (https://huggingface.co/docs/inference-providers/tasks).

Where transformers has a pipeline for a task, that is what runs, as it does behind the real API; all else is done by the
project's own back ends.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tests.hosted.inputs import FILES, Given, RefusedError, decoded, picture, sound, table
from tests.hosted.wire import Media

if TYPE_CHECKING:
    from tests.hosted.models import Models

TALKS: Final = "tiny/llama-chat"
"""What answers a chat without a picture if the checkpoint itself can't."""

_PIPELINES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text-classification": {"top_k": None},
    "token-classification": {"aggregation_strategy": "simple"},
    "fill-mask": {},
    "zero-shot-classification": {},
    "image-classification": {},
    "object-detection": {},
    "image-segmentation": {},
    "zero-shot-image-classification": {},
    "automatic-speech-recognition": {},
    "audio-classification": {},
}
"""What is done by transformers' pipelines, with the arguments that the API gives them unless it is told others."""


def _by_pipeline(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    pipe = models.pipe(task, checkpoint)
    what = sound(given, pipe.feature_extractor.sampling_rate) if "audio" in task or "speech" in task else None
    what = what or (picture(given) if task in FILES else given.text)
    found = pipe(what, **{**_PIPELINES[task], **{name: value for name, value in given.parameters.items() if value is not None}})
    if task == "text-classification":
        return [found]
    if task == "zero-shot-classification":
        return [{"label": label, "score": score} for label, score in zip(found["labels"], found["scores"], strict=True)]
    if task == "image-segmentation":
        return [{**each, "mask": _png(each["mask"]).base64} for each in found]
    return found


def _png(image: Any) -> Media:
    image.save(into := io.BytesIO(), "PNG")
    return Media(into.getvalue(), "image/png")


def _flac(wav: bytes) -> Media:
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(wav))
    soundfile.write(into := io.BytesIO(), samples, rate, format="FLAC")
    return Media(into.getvalue(), "audio/flac")


def _similarity(models: Models, _: str, checkpoint: str, given: Given) -> Any:
    first, *others = models.encode(checkpoint, [given.value("source_sentence"), *given.value("sentences")])
    return [sum(a * b for a, b in zip(first, other, strict=True)) for other in others]


def _features(models: Models, _: str, checkpoint: str, given: Given) -> Any:
    if isinstance(given.inputs, list):
        return models.encode(checkpoint, given.inputs)
    return models.encode(checkpoint, [given.text])[0]


def _written(key: str) -> Callable[[Models, str, str, Given], Any]:
    def write(models: Models, task: str, checkpoint: str, given: Given) -> Any:
        to = given.parameters.get("tgt_lang")
        text, _, _ = models.run(task, checkpoint, text=given.text, **({"language": to} if to else {}))
        return [{key: text}]

    return write


def _answer(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    _, data, _ = models.run(task, checkpoint, question=given.value("question"), text=given.value("context"))
    return {"answer": data["answer"], "score": data["score"], "start": data["start"] or 0, "end": data["end"] or 0}


def _answer_from_table(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    given_table = {"table": table(given.value("table"))}
    _, data, _ = models.run(task, checkpoint, given_table, question=given.value("query"))
    aggregator = data.get("aggregator", "NONE")
    named = {} if aggregator == "NONE" else {"aggregator": aggregator}
    before = f"{aggregator} > " if named else ""
    cells = data.get("cells", [data["answer"]])
    return {"answer": before + ", ".join(cells), "coordinates": data.get("coordinates", []), "cells": cells, **named}


def _classify_rows(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    _, _, made = models.run(task, checkpoint, {"table": table(given.inputs)})
    return [row["prediction"] for row in csv.DictReader(io.StringIO(made.decode()))]


def _describe(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    text, _, _ = models.run(task, checkpoint, {"image": given.file})
    return [{"generated_text": text}]


def _paint(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    """A picture of the size that is asked for: tiny models paint small ones."""
    from PIL import Image

    if task == "text-to-image":
        _, _, made = models.run(task, checkpoint, text=given.text)
        size = given.parameters.get("width"), given.parameters.get("height")
    else:
        prompt = given.parameters.get("prompt")
        _, _, made = models.run(task, checkpoint, {"image": given.file}, **({"text": prompt} if prompt else {}))
        target = given.parameters.get("target_size") or {}
        size = target.get("width"), target.get("height")
    with Image.open(io.BytesIO(made)) as picture:
        return _png(picture.resize((size[0] or picture.width, size[1] or picture.height)))


def _speak(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    return _flac(models.run(task, checkpoint, text=given.text)[2])


def _clean(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    made = _flac(models.run(task, checkpoint, {"audio": given.file})[2])
    return [{"label": "label_0", "content-type": made.type, "blob": made.base64}]


def _film(models: Models, task: str, checkpoint: str, given: Given) -> Any:
    if task == "text-to-video":
        return Media(models.run(task, checkpoint, text=given.text)[2], "video/mp4")
    prompt = given.parameters.get("prompt")
    texts = {"text": prompt} if prompt else {}
    return Media(models.run(task, checkpoint, {"image": given.file}, **texts)[2], "video/mp4")


def _converse(models: Models, _: str, checkpoint: str, given: Given) -> Any:
    """The next message of a chat: on the last one, with the picture in it."""
    messages = given.inputs
    if not isinstance(messages, list) or not messages:
        raise RefusedError("messages: a list is wanted")
    content = messages[-1].get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    text = "\n".join(part["text"] for part in parts if part.get("type") == "text")
    urls = [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]
    if not urls:
        does = checkpoint if models.knows("conversational", checkpoint) else TALKS
        return models.run("conversational", does, text=text)[0]
    if not urls[0].startswith("data:image/"):
        raise RefusedError("image_url: a data URL of a picture is wanted")
    picture = {"image": decoded(urls[0])}
    if text and models.knows("visual-question-answering", checkpoint):
        return models.run("visual-question-answering", checkpoint, picture, text=text)[0]
    if models.knows("image-to-text", checkpoint):
        return models.run("image-to-text", checkpoint, picture)[0]
    raise RefusedError(f"{checkpoint} does not support image input")


TASKS: Final[Mapping[str, Callable[[Models, str, str, Given], Any]]] = {
    **dict.fromkeys(_PIPELINES, _by_pipeline),
    "sentence-similarity": _similarity,
    "feature-extraction": _features,
    "summarization": _written("summary_text"),
    "translation": _written("translation_text"),
    "text2text-generation": _written("generated_text"),
    "text-generation": _written("generated_text"),
    "question-answering": _answer,
    "table-question-answering": _answer_from_table,
    "tabular-classification": _classify_rows,
    "image-to-text": _describe,
    "text-to-image": _paint,
    "image-to-image": _paint,
    "text-to-speech": _speak,
    "audio-to-audio": _clean,
    "text-to-video": _film,
    "image-to-video": _film,
    "conversational": _converse,
}
