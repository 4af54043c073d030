"""Selecting the rows that meet conditions, and the conditions in words."""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from hugginggpt.experts.bundled.tables.columns import MISSING
from hugginggpt.experts.bundled.tables.query import Condition, DaySpan

_RELATION_WORDS: Final = {
    "more": "more than", "less": "less than", "at_least": "at least", "at_most": "at most", "between": "between", "same": "",
    "other": "not", "contains": "containing", "word": "with the word", "starts": "beginning with", "ends": "ending with",
    "empty": "",
}  # fmt: skip
_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "more": operator.gt, "less": operator.lt, "at_least": operator.ge, "at_most": operator.le, "same": operator.eq,
    "other": operator.ne,
}  # fmt: skip
_DAYS: Final[Mapping[str, Callable[[date, DaySpan], bool]]] = {
    "more": lambda day, span: day > span.last,
    "less": lambda day, span: day < span.first,
    "at_least": lambda day, span: day >= span.first,
    "at_most": lambda day, span: day <= span.last,
    "same": lambda day, span: span.first <= day <= span.last,
    "other": lambda day, span: not span.first <= day <= span.last,
}
_TEXTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "same": operator.eq,
    "other": operator.ne,
    "contains": operator.contains,
    "starts": str.startswith,
    "ends": str.endswith,
}


def select_rows(conditions: Sequence[Condition], count: int) -> list[int]:
    """Return the positions of the rows that meet all conditions."""
    kept = list(range(count))
    for condition in conditions:
        test = _make_test(condition)
        kept = [row for row in kept if test(row)]
    return kept


def _make_test(condition: Condition) -> Callable[[int], bool]:
    """Return the function that tells whether a row, by its position, meets a condition; a missing cell meets none."""
    column, relation = condition.column, condition.relation
    if relation == "empty":
        return lambda row: column.cells[row].lower() in MISSING
    if condition.numbers:
        numbers, values = column.numbers.values, condition.numbers
        if relation == "between":
            low, high = sorted(values)
            return lambda row: (number := numbers[row]) is not None and low <= number <= high
        compare = _ORDER[relation]
        return lambda row: (number := numbers[row]) is not None and compare(number, values[0])
    if condition.spans:
        days, spans = column.dates, condition.spans
        if relation == "between":
            first, last = min(span.first for span in spans), max(span.last for span in spans)
            return lambda row: (day := days[row]) is not None and first <= day <= last
        holds = _DAYS[relation]
        return lambda row: (day := days[row]) is not None and holds(day, spans[0])
    if relation == "word":
        return lambda row: any(text in _split_words(column.cells[row]) for text in condition.texts)
    match = _TEXTS[relation]
    if relation == "other":
        return lambda row: all(match(column.cells[row].lower(), text) for text in condition.texts)
    return lambda row: any(match(column.cells[row].lower(), text) for text in condition.texts)


def _split_words(cell: str) -> set[str]:
    lower = cell.lower()
    return set("".join(sign if sign.isalnum() or sign in "-_'’" else " " for sign in lower).split()) | {lower}


def describe_conditions(conditions: Sequence[Condition]) -> str:
    """Return the conditions in words, " where city is Paris and …"; empty for none."""
    parts = []
    for condition in conditions:
        shown = "empty" if condition.relation == "empty" else condition.shown
        words = " ".join(filter(None, (condition.column.name, "is", _RELATION_WORDS[condition.relation], shown)))
        parts.append(words.replace(" is containing ", " contains ").replace(" is beginning with ", " begins with "))
    return f" where {' and '.join(parts)}" if parts else ""
