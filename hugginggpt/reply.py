"""From a language model's reply to the task objects in it, whatever stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import json_repair

from hugginggpt.errors import PlanError

_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)|[\[\]{}]', re.DOTALL)
_OPENING: Final = re.compile(r"\[\s*[\[{]|\[\s*\]|\{\s*[\"'“]?\w")
_MAX_DEPTH: Final = 100


def read_tasks(text: str) -> list[Any]:
    """The task objects in a controller's reply; [] when it holds none.

    Reads a list, a single object, an object that wraps the list under any key, several JSON blocks, fences,
    prose, trailing commas, single quotes and a cut-off end.

    Raises:
        PlanError: It is nested too deep to be read.
    """
    try:
        blocks = [_task_objects(json_repair.loads(block)) for block in _blocks(text)]
    except RecursionError as error:
        raise PlanError("The plan is nested too deep to be read.") from error
    # an object in prose ("given {"a": 1}") is not a task, unless there is nothing better
    named = [found for found in blocks if any("task" in lowered(item) for item in found)]
    return [item for found in named or blocks for item in found]


def lowered(item: Mapping[Any, Any]) -> dict[Any, Any]:
    """An object with its keys in lower case."""
    return {key.strip().lower() if isinstance(key, str) else key: value for key, value in item.items()}


def _blocks(text: str) -> Iterator[str]:
    """Each list or object that stands by itself; one whose brackets don't close reaches to the end."""
    end = 0
    while opening := _OPENING.search(text, end):
        depth = 0
        start, end = opening.start(), len(text)
        for match in _BRACKET.finditer(text, start):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
            if depth > _MAX_DEPTH:
                raise PlanError("The plan is nested too deep to be read.")
            if depth == 0:
                end = match.end()
                break
        yield text[start:end]


def _task_objects(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if "task" in lowered(value):
            return [value]
        return next((found for inner in value.values() if (found := _task_objects(inner))), [])
    if isinstance(value, list):
        found = []
        for item in value:
            found += _task_objects(item) or ([item] if isinstance(item, dict) and item else [])
        return found
    return []
