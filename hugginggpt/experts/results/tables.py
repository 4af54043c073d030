"""Answers from tables: the cells that were chosen, and what they come to (their sum, their average, their number)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hugginggpt.experts.base import Output, Result
from hugginggpt.tasks import Kind

NO_ANSWER: Final = "The answer is not in the table."
_BETWEEN: Final = r"[ ,\u00a0\u202f]"
"""What stands between thousands."""
_NUMBER: Final = re.compile(rf"[-+−]?\d+(?:{_BETWEEN}\d{{3}})*(?:\.\d+)?")
_OPERATIONS: Final[Mapping[str, tuple[str, Callable[[Sequence[float]], float]]]] = {
    "SUM": ("sum", sum),
    "AVERAGE": ("average", lambda numbers: sum(numbers) / len(numbers)),
}


def cells(values: Sequence[str], aggregator: str, coordinates: Sequence[Sequence[int]], note: str = "") -> Result:
    """An answer that consists of cells.

    Args:
        values: What stands in them.
        aggregator: NONE, SUM, AVERAGE or COUNT.
        coordinates: Row and column of each, both from 0, the header left out.
        note: One sentence for the person.

    Returns:
        One text; ``data`` holds answer, aggregator, cells and coordinates.
    """
    answer, said = answer_of_cells(values, aggregator)
    places = [list(place) for place in coordinates]
    data = {"answer": answer, "aggregator": aggregator, "cells": list(values), "coordinates": places}
    return Result((Output(Kind.TEXT, text=said, data=data),), note=note)


def answer_of_cells(cells: Sequence[str], aggregator: str) -> tuple[str, str]:
    """The answer alone, and the answer in words.

    Args:
        cells: What was chosen.
        aggregator: What to do with it: NONE, SUM, AVERAGE, COUNT; sums of cells that are no numbers are not taken.

    >>> answer_of_cells(["12", "30"], "SUM")
    ('42', '42, the sum of 12 and 30.')
    """
    listed = ", ".join(cells)
    if not cells:
        return "", NO_ANSWER
    if aggregator == "COUNT":
        return str(len(cells)), f"{len(cells)}: {listed}."
    numbers = [float(re.sub(_BETWEEN, "", found[0]).replace("−", "-")) for cell in cells if (found := _NUMBER.search(cell))]
    if aggregator not in _OPERATIONS or len(numbers) < len(cells):
        return listed, listed
    word, operation = _OPERATIONS[aggregator]
    answer = f"{round(operation(numbers), 6):.15g}"
    *first, last = cells
    return answer, f"{answer}, the {word} of {', '.join(first)} and {last}." if first else f"{answer}."
