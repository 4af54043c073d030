"""Helpers of all readers: they take a result out of its wrapping."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Reader = Callable[[Any, Any], Any]
"""Function from an answer (a JSON value, or the bytes of a file) and the inputs that were sent to the inference API's form."""

_WRAPPERS: Final = frozenset({"predictions", "outputs", "output", "results", "result"})
"""Keys under which containers for other clouds, and many handlers, put all that they answer."""


class AnswerShapeError(ValueError):
    """An answer has a shape that no pipeline gives."""


def unwrap(value: Any) -> Any:
    """Return a result without the lists of one list and the objects of one known key around it."""
    while True:
        match value:
            case {**fields} if len(fields) == 1 and _WRAPPERS & fields.keys():
                (value,) = fields.values()
            case [list() as inner] | [{"predictions": list() as inner}]:
                value = inner
            case _:
                return value


def list_rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a result, which may be one alone, in a list, or in lists of lists.

    Raises:
        AnswerShapeError: There is something else among them.
    """
    value = unwrap(value)
    rows = (
        [row for item in value for row in (item if isinstance(item, list) else [item])] if isinstance(value, list) else [value]
    )
    if not all(isinstance(row, Mapping) for row in rows):
        raise AnswerShapeError("objects were expected")
    return rows


def zip_columns(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return the rows of an object that holds lists of equal length; any other object as it is.

    Args:
        row: The object.
        columns: Key of a value in each row, by the key of its list.
    """
    lists = [row.get(name) for name in columns]
    if not all(isinstance(each, list) for each in lists):
        return [row]
    return [dict(zip(columns.values(), values, strict=True)) for values in zip(*lists, strict=True)]


def get_first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of some fields that is there and not null; None without any."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
