"""Codec between JSON values and the dataclasses of events; nothing in the JSON is trusted.

A resource stands in JSON as its name alone; what it is stands beside the events, once.
"""

import functools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import ModelRef
from hugginggpt.core.resources import Resource

_MAX_NUMBER: Final = 10**15
_MAX_SHOWN_CHARS: Final = 60
_MAX_NAME_CHARS: Final = 2_000
"""Longest name, of a model, a file or a field, in characters; of all that has no limit of its own."""
_MAX_SENTENCE_CHARS: Final = 20_000
_MAX_TEXT_CHARS: Final = 200_000  # a language model's reply is read up to this length, and so are the texts of its plan
MAX_CHARS: Final[Mapping[str, int]] = {
    "answer": _MAX_TEXT_CHARS,
    "args": _MAX_TEXT_CHARS,
    "because": _MAX_TEXT_CHARS,  # of a new plan: it repeats the errors of all tasks
    "data": _MAX_TEXT_CHARS,
    "error": _MAX_SENTENCE_CHARS,
    "message": _MAX_SENTENCE_CHARS,
    "note": _MAX_SENTENCE_CHARS,
    "notes": _MAX_SENTENCE_CHARS,
    "problems": _MAX_SENTENCE_CHARS,
    "reason": _MAX_SENTENCE_CHARS,
    "request": 1_000_000,  # what an owner lets visitors write (`max_request_chars`)
    "text": _MAX_TEXT_CHARS,
}
"""Longest text in a field of an event, and in what it holds, in characters."""
_MAX_FAULTS: Final = 1_000  # each takes a kilobyte once it is listed
_MAX_ITEMS: Final = 30_000  # in one event: a plan of 2,000 tasks has fewer
_STRICT: Final = ConfigDict(strict=True, extra="forbid")
_EXPECTED: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "mapping_type": "an object",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""The expected value, by pydantic's name of the fault."""
_UNIONS: Final = frozenset({"str", "tuple[str, ...]", "[key]"})
_QUOTED: Final = re.compile(r"'([^']*)'")
_DATA: Final = "data"  # the field for values of any kind, as models find them
_READ_APART: Final = frozenset({"events"})  # each of them by itself


class ShapeError(RequestError):
    """A value has the wrong type or shape; the message says where and what."""


def encode(value: Any) -> Any:
    """Return a value of an event as JSON, whole.

    Numbers that JSON doesn't have (NaN, infinity) become null. Not pydantic's own writer: it refuses half a surrogate pair.
    """
    if isinstance(value, Resource):  # before dataclasses, of which it is one
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Enum):  # before str: `Kind` is both
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    return str(value)


def decode(wanted: Any, value: Any, where: str, known: Mapping[str, Resource], max_chars: Mapping[str, int] = MAX_CHARS) -> Any:
    """Decode a JSON value as a type.

    Args:
        wanted: The type; a dataclass's fields are read by their own types.
        value: What was read.
        where: Where it stands, for messages: "event 3 (TaskDone), seconds".
        known: The resources that may be named.
        max_chars: The longest text in each field, by its name.

    Raises:
        ShapeError: The value is not of that type.
    """
    if _check_values(value, where, max_chars) > _MAX_ITEMS:
        raise ShapeError(f"{where} holds more than {_MAX_ITEMS:,} values")
    try:
        (found,) = _make_adapter(wanted).validate_json(json.dumps([value]), context=known)  # from JSON, lists pass as tuples
    except ValidationError as error:
        if error.error_count() > _MAX_FAULTS:
            raise ShapeError(f"{where} is wrong in {error.error_count():,} places") from None
        raise ShapeError(_describe(_pick_fault(error.errors(include_url=False)), where)) from error
    return found


@functools.cache
def _make_adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[wanted], config=_STRICT)  # a dataclass by itself would take no configuration


def _check_values(value: Any, where: str, max_chars: Mapping[str, int], limit: int = _MAX_NAME_CHARS) -> int:
    """Refuse numbers that no time, count or id can be, and texts that are too long; return how many values there are.

    What a model found is not among them, and may hold any number.
    """
    if isinstance(value, str):
        _check_length(value, where, limit)
    elif isinstance(value, int | float) and not abs(value) < _MAX_NUMBER:  # `not <`: NaN is refused, too
        raise ShapeError(f"{where} is {_shorten(value)}, not a number that can be")
    count = 1
    for place, key, item in _list_items(value, where):
        if key == _DATA:
            _check_data(item, place, max_chars.get(_DATA, limit))
        elif key not in _READ_APART:
            count += _check_values(item, place, max_chars, max_chars.get(key, limit))
    return count


def _check_data(value: Any, where: str, limit: int) -> None:
    """Refuse texts that are too long in what a model found."""
    if isinstance(value, str):
        _check_length(value, where, limit)
    for place, _, item in _list_items(value, where):
        _check_data(item, place, limit)


def _list_items(value: Any, where: str) -> Iterator[tuple[str, str, Any]]:
    """Yield what an object or a list holds: where it stands, its field's name ("" in a list), and the item."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_length(key, f"a name in {where}", _MAX_NAME_CHARS)
            yield f"{where}, {key[:_MAX_SHOWN_CHARS]}", key, item
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield f"{where} {number}", "", item


def _check_length(text: str, where: str, limit: int) -> None:
    if len(text) > limit:
        raise ShapeError(f"{where} has {len(text):,} characters; {limit:,} is the most that is read")


def _pick_fault(faults: Sequence[ErrorDetails]) -> ErrorDetails:
    """Return the first fault; of a union, whose members each complain, the last member's."""
    first = faults[0]
    inside = next((n for n, part in enumerate(first["loc"]) if part in _UNIONS), None)
    return first if inside is None else [each for each in faults if each["loc"][:inside] == first["loc"][:inside]][-1]


def _describe(fault: ErrorDetails, where: str) -> str:
    """Return one of pydantic's findings as a sentence without its full stop."""
    kind, shown, path = fault["type"], _shorten(fault["input"]), list(fault["loc"][1:])  # [0] is the list of one
    if kind in {"missing", "unexpected_keyword_argument"}:
        name = str(path.pop())
        place = _locate(where, path)
        return f"{place} lacks {name}" if kind == "missing" else f"{place} has {_shorten(name)}, which is unknown here"
    place = _locate(where, path)
    if kind == "value_error":
        return f"{place} names {shown}, which is not among the resources"
    if kind in {"enum", "literal_error"}:
        return f"{place} is {shown}, not one of {', '.join(_QUOTED.findall(fault['ctx']['expected']))}"
    return f"{place} is {shown}, not {_EXPECTED.get(kind, 'what belongs there')}"


def _locate(where: str, path: Sequence[int | str]) -> str:
    """Return where a fault is: field by field, without pydantic's names for the members of a union."""
    steps = [f" {part}" if isinstance(part, int) else f", {part[:_MAX_SHOWN_CHARS]}" for part in path if part not in _UNIONS]
    return where + "".join(steps)


def map_event(value: Any, map_text: Callable[[str], str], map_resource: Callable[[Resource], Resource]) -> Any:
    """Return an event with its texts and its resources replaced; the names of models stay."""
    if isinstance(value, Resource):
        return map_resource(value)
    if isinstance(value, str):
        return map_text(value)
    if isinstance(value, tuple):
        return tuple(map_event(item, map_text, map_resource) for item in value)
    if isinstance(value, Mapping):
        return {key: map_event(item, map_text, map_resource) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type | ModelRef):
        return replace(value, **{f.name: map_event(getattr(value, f.name), map_text, map_resource) for f in fields(value)})
    return value


def _shorten(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = "nothing" if value is None else str(value)[: _MAX_SHOWN_CHARS + 1]  # one more, to see the cut
    if len(text) > _MAX_SHOWN_CHARS:
        return f"“{text[:_MAX_SHOWN_CHARS]}…”"
    return f"“{text}”" if isinstance(value, str) else text
