"""Table of readers: how the answer to each task is put into the form of the inference API."""

import json
from collections.abc import Mapping
from typing import Any, Final

from hugginggpt.core.json_text import JsonError, parse_json
from hugginggpt.experts.hosted.shapes import media, text
from hugginggpt.experts.hosted.shapes.common import Reader
from hugginggpt.experts.hosted.shapes.entities import read_entities

_MAX_VALUES: Final = 3_000_000  # as many as `bounded_body` lets through: samples and depths are numbers in lists
_JSON_STARTS: Final = b'[{"'

READERS: Final[Mapping[str, Reader]] = {
    "text-classification": text.read_nested_classes,
    "token-classification": read_entities,
    "fill-mask": text.read_mask_candidates,
    "zero-shot-classification": text.read_classes,
    "sentence-similarity": text.read_similarities,
    "feature-extraction": text.read_embeddings,
    "summarization": text.make_text_reader("summary_text"),
    "translation": text.make_text_reader("translation_text"),
    "text-generation": text.read_generated_text,
    "text2text-generation": text.read_generated_text,
    "conversational": text.read_generated_text,
    "question-answering": text.read_answer_span,
    "table-question-answering": text.read_table_answer,
    "tabular-classification": text.read_labels,
    "image-to-text": text.make_text_reader("generated_text"),
    "visual-question-answering": text.read_best_answers,
    "document-question-answering": text.read_best_answers,
    "image-classification": text.read_classes,
    "zero-shot-image-classification": text.read_classes,
    "video-classification": text.read_classes,
    "object-detection": media.read_objects,
    "zero-shot-object-detection": media.read_objects,
    "image-segmentation": media.read_regions,
    "depth-estimation": media.read_depth,
    "text-to-image": media.read_file,
    "image-to-image": media.read_file,
    "text-to-video": media.read_file,
    "image-to-video": media.read_file,
    "text-to-speech": media.read_sound,
    "text-to-audio": media.read_sound,
    "automatic-speech-recognition": media.read_transcript,
    "audio-classification": text.read_classes,
    "audio-to-audio": media.read_sounds,
}
"""Readers by task."""


def convert_body(task: str, asked: Any, body: bytes) -> bytes:
    """Return the body of an answer in the form of the inference API: JSON, or a file.

    Args:
        task: What was asked for.
        asked: The inputs that were sent.
        body: As it came.

    Raises:
        AnswerShapeError: It has a shape that no pipeline gives. A KeyError, TypeError or ValueError says the same.
    """
    found = READERS[task](_parse(body), asked)
    return found if isinstance(found, bytes) else json.dumps(found).encode()


def _parse(body: bytes) -> Any:
    """Return a JSON value, or the bytes of a file."""
    try:
        return parse_json(body, max_values=_MAX_VALUES)
    except JsonError:
        if body.lstrip()[:1] and body.lstrip()[:1] in _JSON_STARTS:  # it isn't a file: those have signatures
            raise
        return body
