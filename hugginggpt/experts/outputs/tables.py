"""Answers from tables (cells, their sum, average or number), and tables with answers (a class for each row)."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.csv_tables import write_rows

_TOLD: Final = 5
"""Most classes that a sentence names."""
NO_ANSWER: Final = "The answer is not in the table."
_BETWEEN: Final = r"[ ,\u00a0\u202f]"
"""Separators between thousands."""
_NUMBER: Final = re.compile(rf"[-+−]?\d+(?:{_BETWEEN}\d{{3}})*(?:\.\d+)?")
_OPERATIONS: Final[Mapping[str, tuple[str, Callable[[Sequence[float]], float]]]] = {
    "SUM": ("sum", sum),
    "AVERAGE": ("average", lambda numbers: sum(numbers) / len(numbers)),
}


def build_cells_result(values: Sequence[str], aggregator: str, coordinates: Sequence[Sequence[int]], note: str = "") -> Result:
    """Return an answer that consists of cells.

    Args:
        values: What stands in them.
        aggregator: NONE, SUM, AVERAGE or COUNT.
        coordinates: Row and column of each, both from 0, the header left out.
        note: One sentence for the person.

    Returns:
        One text; ``data`` holds answer, aggregator, cells and coordinates.
    """
    answer, said = aggregate_cells(values, aggregator)
    places = [list(place) for place in coordinates]
    data = {"answer": answer, "aggregator": aggregator, "cells": list(values), "coordinates": places}
    return Result((Output(Kind.TEXT, text=said, data=data),), note=note)


def aggregate_cells(values: Sequence[str], aggregator: str) -> tuple[str, str]:
    """Return the answer alone, and the answer in words.

    Args:
        values: The cells chosen.
        aggregator: What to do with it: NONE, SUM, AVERAGE, COUNT; sums of cells that are no numbers are not taken.

    >>> aggregate_cells(["12", "30"], "SUM")
    ('42', '42, the sum of 12 and 30.')
    """
    listed = ", ".join(values)
    if not values:
        return "", NO_ANSWER
    if aggregator == "COUNT":
        return str(len(values)), f"{len(values)}: {listed}."
    numbers = [float(re.sub(_BETWEEN, "", found[0]).replace("−", "-")) for cell in values if (found := _NUMBER.search(cell))]
    if aggregator not in _OPERATIONS or len(numbers) < len(values):
        return listed, listed
    word, operation = _OPERATIONS[aggregator]
    answer = f"{round(operation(numbers), 6):.15g}"
    *first, last = values
    return answer, f"{answer}, the {word} of {', '.join(first)} and {last}." if first else f"{answer}."


def build_classified_table(
    call: Call, header: Sequence[str], body: Sequence[Sequence[str]], labels: Sequence[str], confidences: Sequence[str] = ()
) -> Result:
    """Return a table whose rows have been given classes.

    Args:
        call: Gives the file its place.
        header: The table's columns.
        body: Its rows, as wide as the header.
        labels: The class of each row.
        confidences: How sure the model is of each, as text; none where it doesn't say.

    Returns:
        The table as CSV, with a column ``prediction`` (and ``confidence``) more; a sentence, whose ``data["classes"]`` counts
        the rows of each class, the most frequent first.

    Raises:
        ExpertError: There are more or fewer labels than rows.
    """
    if len(labels) != len(body):
        raise ExpertError(f"{call.card.id} gave {len(labels)} classes for {len(body)} rows: choose another model.")
    added = {"prediction": labels} | ({"confidence": confidences} if confidences else {})
    names = [_new_name(name, header) for name in added]
    path = call.new_path(".csv")
    write_rows(path, [[*header, *names], *([*row, *extra] for row, *extra in zip(body, *added.values(), strict=True))])
    counted = dict(Counter(labels).most_common())
    return Result((Output(Kind.TABLE, path=path), Output(Kind.TEXT, text=_told(counted), data={"classes": counted})))


def _new_name(name: str, header: Sequence[str]) -> str:
    """Return a name for a column that no other has."""
    return name if name not in header else _new_name(f"{name}_by_model", header)


def _told(counted: Mapping[str, int]) -> str:
    total = sum(counted.values())
    told = [f"{count} {label}" for label, count in counted.items()]
    more = [f"{len(told) - _TOLD} more classes"] if len(told) > _TOLD else []
    return f"{total} row{'s' if total > 1 else ''}: {', '.join([*told[:_TOLD], *more])}."
