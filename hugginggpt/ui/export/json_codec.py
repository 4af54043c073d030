"""JSON values and the dataclasses of events: one into the other by the classes' own type hints, believing nothing.

A resource stands in JSON as its name alone; what it is stands beside the events, once.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import ModelRef
from hugginggpt.core.resources import Resource

_MOST_DIGITS: Final = 9
_LARGEST: Final = 10**15
_SHOWN: Final = 60


class ShapeError(RequestError):
    """A value is not what its place wants; the message says where and what."""


def written(value: Any) -> Any:
    """A value of an event as JSON, whole.

    Numbers that JSON doesn't have (NaN, infinity) become null.
    """
    if isinstance(value, Resource):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): written(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [written(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    return str(value)


def read(wanted: Any, value: Any, where: str, known: Mapping[str, Resource]) -> Any:
    """A value from JSON as the type that its place wants.

    Args:
        wanted: The type.
        value: What was read.
        where: Where it stands, for messages: "event 3 (TaskDone), seconds".
        known: The resources that may be named.

    Raises:
        ShapeError: It is something else.
    """
    if wanted is Any:
        return value
    if wanted is Resource:
        if not isinstance(value, str) or value not in known:
            raise ShapeError(f"{where} names {_short(value)}, which is not among the resources")
        return known[value]
    if is_dataclass(wanted) and isinstance(wanted, type):
        return _dataclass(wanted, value, where, known)
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in {Union, types.UnionType}:
        return _one_of(inner, value, where, known)
    if origin is Literal:
        if isinstance(value, str) and value in inner:
            return value
        raise ShapeError(f"{where} is {_short(value)}, not one of {', '.join(inner)}")
    if origin is tuple:
        _expect(isinstance(value, list), value, where, "a list")
        return tuple(read(inner[0], item, f"{where} {number}", known) for number, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        _expect(isinstance(value, dict), value, where, "an object")
        return {
            _key(inner[0], key, where): read(inner[1], item, f"{where}, {_short(key)}", known) for key, item in value.items()
        }
    return _plain(wanted, value, where)


def _key(wanted: Any, key: str, where: str) -> Any:
    """A key as its mapping wants it; JSON knows texts alone."""
    if wanted is not int:
        return key
    _expect(key.isascii() and key.isdigit() and len(key) < _MOST_DIGITS, key, where, "named by whole numbers")
    return int(key)


def _dataclass(wanted: type, value: Any, where: str, known: Mapping[str, Resource]) -> Any:
    _expect(isinstance(value, dict), value, where, "an object")
    hints, wants = _hints(wanted), {field.name: field for field in fields(wanted)}
    if strange := next((key for key in value if key not in wants), None):
        raise ShapeError(f"{where} has {_short(strange)}, which is unknown here")
    if missing := next((name for name, field in wants.items() if name not in value and _needed(field)), None):
        raise ShapeError(f"{where} lacks {missing}")
    return wanted(**{name: read(hints[name], item, f"{where}, {name}", known) for name, item in value.items()})


def _one_of(choices: tuple[Any, ...], value: Any, where: str, known: Mapping[str, Resource]) -> Any:
    if value is None and types.NoneType in choices:
        return None
    problem: ShapeError | None = None
    for choice in choices:
        if choice is not types.NoneType:
            try:
                return read(choice, value, where, known)
            except ShapeError as error:
                problem = error
    raise problem or ShapeError(f"{where} is {_short(value)}")


def _plain(wanted: Any, value: Any, where: str) -> Any:
    if wanted is bool:
        _expect(isinstance(value, bool), value, where, "true or false")
    elif wanted is int:
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
        _expect(fits, value, where, "a whole number")
    elif wanted is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
        _expect(fits, value, where, "a number")
    elif wanted is str:
        _expect(isinstance(value, str), value, where, "a text")
    elif isinstance(wanted, type) and issubclass(wanted, Enum):
        choices = [each.value for each in wanted]
        _expect(isinstance(value, str) and value in choices, value, where, f"one of {', '.join(choices)}")
        return wanted(value)
    else:
        raise TypeError(f"events hold no {wanted}")
    return value


def mapped(value: Any, words: Callable[[str], str], resource: Callable[[Resource], Resource]) -> Any:
    """An event with its texts and its resources replaced; what models are called stays."""
    if isinstance(value, Resource):
        return resource(value)
    if isinstance(value, str):
        return words(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, words, resource) for item in value)
    if isinstance(value, Mapping):
        return {key: mapped(item, words, resource) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type | ModelRef):
        return replace(value, **{f.name: mapped(getattr(value, f.name), words, resource) for f in fields(value)})
    return value


@functools.cache
def _hints(wanted: type) -> Mapping[str, Any]:
    return get_type_hints(wanted)


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _expect(fits: bool, value: Any, where: str, what: str) -> None:
    if not fits:
        raise ShapeError(f"{where} is {_short(value)}, not {what}")


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = "nothing" if value is None else str(value)[: _SHOWN + 1]
    return f"“{text[:_SHOWN]}…”" if len(text) > _SHOWN else f"“{text}”" if isinstance(value, str) else text
