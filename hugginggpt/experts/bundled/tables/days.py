"""Days that a question names, from how they are written."""

import calendar
import re
from datetime import date

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import MONTHS
from hugginggpt.experts.bundled.tables.query import DaySpan


def read_days(kind: str, text: str) -> DaySpan:
    """Read a date or a month of a question.

    Args:
        kind: How it is written: worded, iso, slashed or dotted.
        text: As it is written.

    Raises:
        ExpertError: No calendar has it, or day and month can't be told apart.
    """
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    try:
        if kind == "worded":
            month = next(MONTHS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in MONTHS)
            return _make_span(numbers[-1], month, numbers[0] if len(numbers) > 1 else None)
        if kind == "iso":
            return _make_span(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else None)
        if kind == "slashed" and numbers[0] != numbers[1] and max(numbers[:2]) <= 12:
            raise ExpertError(f"“{text}” can be read with the day or the month first: write it as 2024-12-31.")
        day, month = (numbers[1], numbers[0]) if kind == "slashed" and numbers[1] > 12 else (numbers[0], numbers[1])
        return _make_span(numbers[2], month, day)
    except ValueError as error:
        raise ExpertError(f"“{text}” is a date that no calendar has.") from error


def _make_span(year: int, month: int, day: int | None) -> DaySpan:
    if day is not None:
        return DaySpan(date(year, month, day), date(year, month, day))
    last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
    return DaySpan(date(year, month, 1), date(year, month, last))
