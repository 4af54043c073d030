"""Reading of the tasks or selections in a language model's reply, whatever surrounds them."""

import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import jiter
import json_repair

from hugginggpt.core.errors import PlanError
from hugginggpt.core.text import lower_keys
from hugginggpt.core.threads import run_in_time

_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)|[\[\]{}]', re.DOTALL)  # strings, too: their brackets don't count
_OPENING: Final = re.compile(r"\[\s*[\[{]|\[\s*\]|\{\s*[\"'“]?\w")  # "[1]" in prose is a footnote, no list of objects
_MAX_DEPTH: Final = 100  # json_repair recurses, and Python's own limit is 1,000 frames
_MAX_REPAIR_CHARS: Final = 30_000
_REPAIR_SECONDS: Final = 0.5
"""Processor time for all that is repaired of one reply: json_repair takes seconds for 4,000 characters of the worst."""
_MAX_BLOCKS: Final = 10_000  # lists and objects side by side; a plan has one
_TOO_DEEP: Final = "The plan is nested too deep to be read."


def read_tasks(text: str) -> list[Any]:
    """Return the task objects in a controller's reply; [] when it holds none.

    Reads a list, a single object, an object that wraps the list under any key, several JSON blocks, fences,
    prose, trailing commas, single quotes and a cut-off end.

    Raises:
        PlanError: It is nested too deep to be read, or takes too long to be repaired.
    """
    blocks = _read_blocks(text, _find_task_objects)
    # an object in prose ("given {"a": 1}") is not a task, unless there is nothing better
    with_task_key = [found for found in blocks if any("task" in lower_keys(item) for item in found)]
    return [item for found in with_task_key or blocks for item in found]


def read_selections(text: str) -> list[dict[Any, Any]]:
    """Return the objects with an "id" in a controller's reply, keys in lower case; [] when it holds none.

    Reads what `read_tasks` reads, and also the paper's own form: `{"id": ..., "reason": ...}` that names no task.

    Raises:
        PlanError: It is nested too deep to be read, or takes too long to be repaired.
    """
    return [lower_keys(item) for found in _read_blocks(text, _find_objects_with_id) for item in found]


def _read_blocks(text: str, find: Callable[[Any], list[Any]]) -> list[list[Any]]:
    """Return the results of `find` for each block of JSON."""
    started, found = time.thread_time(), []
    try:
        for block in islice(_split_blocks(text), _MAX_BLOCKS):
            found.append(find(read_block(block, _REPAIR_SECONDS - (time.thread_time() - started))))
        return found
    except RecursionError as error:  # `_split_blocks` counts only brackets outside of quotes
        raise PlanError(_TOO_DEEP) from error


def read_block(block: str, seconds: float) -> Any:
    """Return the value that a block of JSON means: as it stands, closed where it was cut off, or repaired.

    Args:
        block: A list or an object; a cut-off one begins it.
        seconds: Processor time for its repair.

    Raises:
        PlanError: It is malformed, and takes too long to be repaired.
        RecursionError: It is nested too deep.
    """
    try:
        return jiter.from_json(block.encode("utf-8", "replace"), partial_mode="trailing-strings")  # linear, cut off or not
    except ValueError as error:  # nested deeper than 200, too: json_repair says so in its own way
        too_long = PlanError("The plan is no JSON, and too long to be put right: try another model.")
        if len(block) > _MAX_REPAIR_CHARS:
            raise too_long from error
        try:
            return run_in_time(lambda: json_repair.loads(block), seconds)
        except TimeoutError as late:
            raise too_long from late
        except ValueError as too_deep:  # its only one: a limit of its own, for what the brackets alone don't show
            raise RecursionError(str(too_deep)) from error


def _split_blocks(text: str) -> Iterator[str]:
    """Yield each outermost list or object; one whose brackets don't close reaches to the end."""
    end = 0
    while opening := _OPENING.search(text, end):
        depth = 0
        start, end = opening.start(), len(text)
        for match in _BRACKET.finditer(text, start):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
            if depth > _MAX_DEPTH:
                raise PlanError(_TOO_DEEP)
            if depth == 0:
                end = match.end()
                break
        yield text[start:end]  # cut off at the end: json_repair closes what is open


def _find_task_objects(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if "task" in lower_keys(value):
            return [value]
        nested_tasks = [inner for inner in value.values() if isinstance(inner, dict) and "task" in lower_keys(inner)]
        if len(nested_tasks) > 1:  # {"first": {"task": ...}, "second": {"task": ...}}
            return nested_tasks
        return next((found for inner in value.values() if (found := _find_task_objects(inner))), [])
    if isinstance(value, list):
        found = []
        for item in value:
            found += _find_task_objects(item) or ([item] if isinstance(item, dict) and item else [])
        return found
    return []


def _find_objects_with_id(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if "id" in lower_keys(value):
            return [value]
        value = list(value.values())
    return [found for item in value for found in _find_objects_with_id(item)] if isinstance(value, list) else []
