"""Builders of table results: cells as an answer (with their sum, average or count), and tables with a class per row."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.csv_tables import write_rows

_MAX_CLASSES_NAMED: Final = 5  # most classes that the sentence names
NO_ANSWER: Final = "The answer is not in the table."
_SEPARATOR: Final = r"[ ,\u00a0\u202f]"
"""Separators between thousands, with the two no-break spaces of European typography."""
_NUMBER: Final = re.compile(rf"[-+−]?\d+(?:{_SEPARATOR}\d{{3}})*(?:\.\d+)?")
_OPERATIONS: Final[Mapping[str, tuple[str, Callable[[Sequence[float]], float]]]] = {
    "SUM": ("sum", sum),
    "AVERAGE": ("average", lambda numbers: sum(numbers) / len(numbers)),
}


def build_cells_result(values: Sequence[str], aggregator: str, coordinates: Sequence[Sequence[int]], note: str = "") -> Result:
    """Build an answer that consists of cells.

    Args:
        values: Texts of the cells.
        aggregator: NONE, SUM, AVERAGE or COUNT.
        coordinates: Row and column of each cell, both from 0, not counting the header.
        note: One sentence for the person.

    Returns:
        One text; ``data`` holds answer, aggregator, cells and coordinates.
    """
    answer, sentence = aggregate_cells(values, aggregator)
    pairs = [list(pair) for pair in coordinates]
    data = {"answer": answer, "aggregator": aggregator, "cells": list(values), "coordinates": pairs}
    return Result((Output(Kind.TEXT, text=sentence, data=data),), note=note)


def aggregate_cells(values: Sequence[str], aggregator: str) -> tuple[str, str]:
    """Return the answer alone, and the answer in words.

    Args:
        values: Texts of the chosen cells.
        aggregator: NONE, SUM, AVERAGE or COUNT; cells that aren't all numbers are listed instead of summed or averaged.

    >>> aggregate_cells(["12", "30"], "SUM")
    ('42', '42, the sum of 12 and 30.')
    """
    listed = ", ".join(values)
    if not values:
        return "", NO_ANSWER
    if aggregator == "COUNT":
        return str(len(values)), f"{len(values)}: {listed}."
    # typography: thousands with spaces or commas, and a minus sign that float() refuses
    numbers = [float(re.sub(_SEPARATOR, "", found[0]).replace("−", "-")) for cell in values if (found := _NUMBER.search(cell))]
    if aggregator not in _OPERATIONS or len(numbers) < len(values):  # a cell is no number
        return listed, listed
    word, operation = _OPERATIONS[aggregator]
    answer = f"{round(operation(numbers), 6):.15g}"  # without the noise of binary fractions, or zeros at the end
    *first, last = values
    return answer, f"{answer}, the {word} of {', '.join(first)} and {last}." if first else f"{answer}."


def build_classified_table(
    call: Call, header: Sequence[str], body: Sequence[Sequence[str]], labels: Sequence[str], confidences: Sequence[str] = ()
) -> Result:
    """Write a table with a predicted class per row as CSV, and count the classes in a sentence.

    Args:
        call: The call that classified the rows.
        header: Names of the table's columns.
        body: Rows as wide as the header.
        labels: Class of each row.
        confidences: Confidence of each class, as text; empty if the model gives none.

    Returns:
        The table with an added column ``prediction`` (and ``confidence``); a sentence, whose ``data["classes"]`` counts the
        rows per class, most frequent first.

    Raises:
        ExpertError: There are more or fewer labels than rows.
    """
    if len(labels) != len(body):
        raise ExpertError(f"{call.card.id} gave {len(labels)} classes for {len(body)} rows: choose another model.")
    added = {"prediction": labels} | ({"confidence": confidences} if confidences else {})
    names = [_choose_column_name(name, header) for name in added]
    path = call.new_path(".csv")
    write_rows(path, [[*header, *names], *([*row, *extra] for row, *extra in zip(body, *added.values(), strict=True))])
    counts = dict(Counter(labels).most_common())
    return Result((Output(Kind.TABLE, path=path), Output(Kind.TEXT, text=_describe_counts(counts), data={"classes": counts})))


def _choose_column_name(name: str, header: Sequence[str]) -> str:
    """Return a column name that isn't in the header yet."""
    return name if name not in header else _choose_column_name(f"{name}_by_model", header)


def _describe_counts(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    named = [f"{count} {label}" for label, count in counts.items()]
    more = [f"{len(named) - _MAX_CLASSES_NAMED} more classes"] if len(named) > _MAX_CLASSES_NAMED else []
    return f"{total} row{'s' if total > 1 else ''}: {', '.join([*named[:_MAX_CLASSES_NAMED], *more])}."
