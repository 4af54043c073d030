"""Results that are texts, classes and numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hugginggpt.experts.hosted.shapes.common import (
    AnswerShapeError,
    Reader,
    get_first,
    is_number,
    list_rows,
    unwrap,
    zip_columns,
)

_TEXT_KEYS: Final = ("generated_text", "summary_text", "translation_text", "text", "answer", "content")
_SIMILARITY_KEYS: Final = ("similarities", "similarity", "scores", "score")
_EMBEDDING_KEYS: Final = ("embeddings", "embedding", "data")
_CELLS_PREFIX: Final = re.compile(r"\s*(SUM|AVERAGE|COUNT|NONE)\s*>\s*")
"""Beginning of an answer of TAPAS' pipeline, where the model says that the cells are to be added up."""


def read_classes(value: Any, _: Any) -> Any:
    """Read labels with scores: as a list, nested, alone, or as one list of labels and one of scores."""
    rows = [row for entry in list_rows(value) for row in zip_columns(entry, {"labels": "label", "scores": "score"})]
    return [{"label": str(row["label"]), "score": float(row["score"])} for row in rows]


def read_nested_classes(value: Any, asked: Any) -> Any:
    """Read the same for text-classification, where the API has a list for each text."""
    return [read_classes(value, asked)]


def read_mask_candidates(value: Any, _: Any) -> Any:
    """Read the candidates for one gap, nested where the pipeline was given a list of texts."""
    return list_rows(value)


def make_text_reader(key: str) -> Reader:
    """Return a reader of one text, which the API has as the field `key` of an object in a list."""
    return lambda value, asked: [{key: find_text(value)}]


def find_text(value: Any) -> str:
    """Return the text of a result, whatever its field is called; the last message, where it is a conversation.

    Raises:
        AnswerShapeError: There is none.
    """
    value = unwrap(value)
    match value:
        case str():
            return value
        case [*_, {"role": str(), "content": content}]:
            return find_text(content)
        case [first, *_]:
            return find_text(first)
        case Mapping() if (found := get_first(value, _TEXT_KEYS)) is not None:
            return find_text(found)
    raise AnswerShapeError("a text was expected")


def read_generated_text(value: Any, asked: Any) -> Any:
    """Read a text that a model goes on with: the pipeline repeats the prompt before it."""
    text = find_text(value)
    prompt = asked if isinstance(asked, str) else ""
    return [{"generated_text": text.removeprefix(prompt) if text != prompt else text}]


def read_similarities(value: Any, _: Any) -> Any:
    """Read the cosines of one text with others: a list, or what holds it."""
    value = unwrap(value)
    match value:
        case Mapping():
            return read_similarities(get_first(value, _SIMILARITY_KEYS), _)
        case [*several] if all(isinstance(each, Mapping) for each in several):
            return [float(each["score"]) for each in several]
        case [*several] if several:
            return [float(each) for each in several]
    if not is_number(value):
        raise AnswerShapeError("numbers were expected")
    return [float(value)]


def read_embeddings(value: Any, asked: Any) -> Any:
    """Read one vector for each text; the pipeline gives one for each of its tokens, whose mean is taken."""
    if isinstance(value, Mapping):
        value = get_first(value, _EMBEDDING_KEYS)
    if not isinstance(value, list) or not value:
        raise AnswerShapeError("vectors were expected")
    if isinstance(asked, str) or is_number(value[0]):
        return _pool(value)
    return [_pool(each["embedding"] if isinstance(each, Mapping) else each) for each in value]


def _pool(value: Any) -> list[float]:
    """Return the mean of the vectors of a text's tokens; a single vector as it is."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not value:
        raise AnswerShapeError("a vector was expected")
    if is_number(value[0]):
        return [float(each) for each in value]
    return [sum(column) / len(value) for column in zip(*value, strict=True)]


def read_best_answers(value: Any, _: Any) -> Any:
    """Read the answers to a question about a picture or a page, likeliest first; of generative models a text alone."""
    value = unwrap(value)
    rows = [{"answer": find_text(value)}] if not _holds(value, "answer") else list_rows(value)
    return [{**row, "answer": _read_answer(row)} for row in sorted(rows, key=_get_score, reverse=True)]


def read_answer_span(value: Any, asked: Any) -> Any:
    """Read the likeliest answer to a question about a text; its place is looked for in the text where it isn't told right."""
    value = unwrap(value)
    if value == []:
        return {"answer": "", "score": 0.0}
    rows = list_rows(value) if _holds(value, "answer") else [{"answer": find_text(value)}]
    best = max(rows, key=_get_score)
    answer, context = _read_answer(best), _get_text(asked, "context")
    start, end = best.get("start"), best.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or context[start:end] != answer:
        place = context.lower().find(answer.strip().lower()) if answer.strip() else -1
        start, end = (place, place + len(answer.strip())) if place >= 0 else (None, None)
    return {"answer": answer, "score": best.get("score"), "start": start, "end": end}


def _read_answer(row: Mapping[str, Any]) -> str:
    return "" if row["answer"] is None else str(row["answer"])


def _get_score(row: Mapping[str, Any]) -> float:
    score: Any = row.get("score")
    return float(score) if is_number(score) else 0.0


def _holds(value: Any, key: str) -> bool:
    """Return whether a result is an object with a field, or a list that holds some."""
    several = value if isinstance(value, list) else [value]
    return any(isinstance(row, Mapping) and key in row for row in several)


def _get_text(asked: Any, name: str) -> str:
    found = asked.get(name) if isinstance(asked, Mapping) else ""
    return found if isinstance(found, str) else ""


def read_table_answer(value: Any, asked: Any) -> Any:
    """Read the cells that answer a question; of models that write the answer (TAPEX) it is looked for in the table."""
    value = unwrap(value)
    row = list_rows(value)[0] if _holds(value, "answer") or _holds(value, "cells") else {"answer": find_text(value)}
    answer = str(row.get("answer") or "")
    prefix = _CELLS_PREFIX.match(answer)
    aggregator = row.get("aggregator") or (prefix[1] if prefix else None)
    cells, coordinates = row.get("cells"), row.get("coordinates")
    if not isinstance(cells, list):
        written = answer[prefix.end() :] if prefix else answer
        cells, coordinates = _find_cells(written.strip(), asked)
    found = {"answer": answer, "cells": [str(cell) for cell in cells], "coordinates": coordinates or []}
    return found | ({"aggregator": aggregator} if aggregator else {})


def _find_cells(answer: str, asked: Any) -> tuple[list[str], list[list[int]]]:
    """Return the cells that an answer consists of, with row and column; the answer alone where the table lacks it."""
    table = asked.get("table") if isinstance(asked, Mapping) else None
    places: dict[str, list[int]] = {}
    for column, cells in enumerate(table.values() if isinstance(table, Mapping) else ()):
        for row, cell in enumerate(cells):
            places.setdefault(str(cell).strip().lower(), [row, column])
    for parts in ([answer], [part.strip() for part in answer.split(",")]):
        if all(part.lower() in places for part in parts):
            return parts, [places[part.lower()] for part in parts]
    return ([answer] if answer else []), []


def read_labels(value: Any, _: Any) -> Any:
    """Read one class for each row of a table."""
    value = unwrap(value)
    if not isinstance(value, list):
        raise AnswerShapeError("a list of classes was expected")
    return [_read_label(each) for each in value]


def _read_label(value: Any) -> Any:
    """Return a class: itself, or the likeliest of those with scores."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _read_label(value[0])
    return value["label"] if isinstance(value, Mapping) else value
