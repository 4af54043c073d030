"""Computing what a parsed question asks, and saying what was counted."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.markdown import shorten
from hugginggpt.experts.bundled.tables.columns import MISSING, Column, Table
from hugginggpt.experts.bundled.tables.query import Condition, Query
from hugginggpt.experts.bundled.tables.selecting import describe_conditions, select_rows
from hugginggpt.experts.bundled.tables.vocabulary import speaks_of

MAX_ROWS: Final = 10  # rows that an answer shows
_MAX_NAMED: Final = 5  # values that a sentence lists
_MAX_LIST_CHARS: Final = 500
_IDENTIFIERS: Final = frozenset({"id", "code", "number", "no", "nr", "zip", "phone"})
_AGGREGATES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": math.fsum,
    "mean": statistics.fmean,
    "median": statistics.median,
    "max": max,
    "min": min,
}
_NOUNS: Final = {"sum": "sum", "mean": "average", "median": "median", "max": "highest", "min": "lowest"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a question about a table."""

    sentence: str
    """The answer, with what was counted."""
    values: Sequence[str]
    """The answer alone: one value, or several."""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    """All rows that the answer is about."""


def compute_answer(query: Query, table: Table) -> Answer:
    """Compute what a query asks.

    Raises:
        ExpertError: The cells don't allow it.
    """
    matched = select_rows(query.conditions, len(table.rows))
    if query.measure in {"columns", "width"}:
        return _name_columns(query, table)
    if query.group and query.measure != "distinct":
        return _answer_groups(query, table, matched)
    answer = _ANSWERS.get(query.measure, _aggregate)(query, table, matched)
    if query.yes_or_no:
        prefix = "Yes: " if matched else "No: "
        return Answer(prefix + answer.sentence[:1].lower() + answer.sentence[1:], answer.values, answer.header, answer.rows)
    return answer


def _count_of(count: int, total: int, conditions: Sequence[Condition]) -> str:
    rows = "1 row" if count == total == 1 else f"{count:,} rows" if count == total else f"{count:,} of {total:,} rows"
    return rows + describe_conditions(conditions)


def _show(table: Table, matched: Sequence[int]) -> list[Sequence[str]]:
    return [table.rows[row] for row in matched]


def _header(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _name_columns(query: Query, table: Table) -> Answer:
    names = _header(table)
    return Answer(
        f"The table has {len(names)} columns: {_list_all(names)}.", [str(len(names))] if query.measure == "width" else names
    )


def _count(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    if not query.conditions:
        return Answer(f"The table has {_count_of(len(matched), len(matched), ())}.", [f"{len(matched):,}"])
    sentence = f"Counted {_count_of(len(matched), len(table.rows), query.conditions)}."
    return Answer(sentence, [f"{len(matched):,}"], _header(table), _show(table, matched))


def _list_distinct(column: Column, matched: Sequence[int]) -> list[str]:
    cells = (column.cells[row] for row in matched)
    return sorted({cell for cell in cells if cell.lower() not in MISSING}, key=str.lower)


def _answer_distinct(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    column = _need(query.target)
    if query.group:
        raise ExpertError("Different values for each group are beyond this: ask for one group, as in “where city is Paris”.")
    values = _list_distinct(column, matched)
    counted = _count_of(len(matched), len(table.rows), query.conditions)
    sentence = f"{column.name} has {len(values):,} different {'value' if len(values) == 1 else 'values'} in {counted}."
    shown = [f"{len(values):,}"] if query.measure == "distinct" else values
    return Answer(sentence, shown, [column.name], [[value] for value in values])


def _need(column: Column | None) -> Column:
    if column is None:
        raise ExpertError("It isn't clear which column is asked for: name it.")
    return column


def _read_numbers(column: Column, matched: Sequence[int]) -> list[tuple[int, float]]:
    """Return rows and numbers of a column, without missing ones.

    Raises:
        ExpertError: They are identifiers, which are neither summed nor averaged, or there are none.
    """
    if speaks_of(_IDENTIFIERS, column.name) and column.name.lower().split("_")[-1] in _IDENTIFIERS:
        raise ExpertError(f"The column {column.name} holds identifiers, which can't be calculated with.")
    values = column.numbers.values
    return [(row, number) for row in matched if (number := values[row]) is not None]


def _aggregate(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    """Answer with the sum, average or median of a column, or its highest or lowest cell with its row."""
    column = _need(query.target)
    if query.measure in {"max", "min"}:
        return _find_extreme(query, table, matched)
    numbers = _read_numbers(column, matched)
    counted = _count_of(len(numbers), len(table.rows), query.conditions)
    if not numbers:
        return Answer(f"There is nothing to calculate: {_count_of(0, len(table.rows), query.conditions)}.", ["0 rows"])
    value = column.numbers.format(_AGGREGATES[query.measure]([number for _, number in numbers]))
    missing = len(matched) - len(numbers)
    left_out = f"; {missing:,} without a value {'is' if missing == 1 else 'are'} left out" if missing else ""
    rows = _show(table, [row for row, _ in numbers]) if query.conditions else []
    sentence = f"The {_NOUNS[query.measure]} of {column.name} is {value}, over {counted}{left_out}."
    return Answer(sentence, [value], _header(table) if rows else (), rows)


def sort_key(column: Column) -> Sequence[float | date | str | None]:
    """Return what the cells of a column are sorted by: numbers, dates or lower-case texts; None for a missing cell."""
    if column.is_number:
        return column.numbers.values
    if column.is_date:
        return column.dates
    return [None if cell.lower() in MISSING else cell.lower() for cell in column.cells]


def _find_extreme(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    """Answer with the row, or rows, that have the highest or lowest value.

    Raises:
        ExpertError: "Most" may mean one row or the sum of several, and the answers differ.
    """
    column = _need(query.target)
    if not column.is_number and not column.is_date:
        column.numbers  # noqa: B018 - raises, and says why
    keys = sort_key(column)
    known = [row for row in matched if keys[row] is not None]
    if not known:
        return Answer(f"There is nothing to compare: {_count_of(0, len(table.rows), query.conditions)}.", ["0 rows"])
    best = (max if query.measure == "max" else min)(keys[row] for row in known)  # type: ignore[type-var]
    rows = [row for row in known if keys[row] == best]
    asked = query.named
    if asked and query.sums and len(set(_join_cells(asked, range(len(table.rows))))) < len(table.rows):
        names = " and ".join(each.name for each in asked)
        raise ExpertError(
            f"{names} has several rows for a value: ask for the highest sum of {column.name} per {names}, or for the "
            f"highest {column.name}."
        )
    cell = column.cells[rows[0]]
    names_of = asked or [each for each in (table.identity,) if each]
    of = f", of {_list_some(list(dict.fromkeys(_join_cells(names_of, rows))))}" if names_of else ""
    adjective = ("latest" if query.measure == "max" else "earliest") if column.is_date else _NOUNS[query.measure]
    sentence = (
        f"The {adjective} {column.name} is {cell}{of} (compared {_count_of(len(known), len(table.rows), query.conditions)})."
    )
    values = list(dict.fromkeys(_join_cells(asked, rows))) if asked else [cell]
    return Answer(sentence, values, _header(table), _show(table, rows))


def _join_cells(columns: Sequence[Column], rows: Sequence[int]) -> list[str]:
    """Return for each row its cells in some columns, as one text."""
    return [", ".join(column.cells[row] for column in columns) for row in rows]


def _list_all(values: Sequence[str]) -> str:
    return shorten(", ".join(values), _MAX_LIST_CHARS)


def _list_some(values: Sequence[str]) -> str:
    """Return values as a list in words, of which the first are named."""
    more = [f"{len(values) - _MAX_NAMED:,} more"] if len(values) > _MAX_NAMED else []
    *first, last = [*values[:_MAX_NAMED], *more]
    return f"{', '.join(first)} and {last}" if first else last


def _group_rows(column: Column, matched: Sequence[int]) -> dict[str, list[int]]:
    """Return the rows of each value of a column, sorted by value; rows without one are left out."""
    groups: dict[str, list[int]] = {}
    for row in matched:
        if (cell := column.cells[row]).lower() not in MISSING:
            groups.setdefault(cell, []).append(row)
    keys = sort_key(column)
    return dict(sorted(groups.items(), key=lambda group: keys[group[1][0]]))  # type: ignore[arg-type, return-value]


def compute_groups(query: Query, matched: Sequence[int]) -> dict[str, float]:
    """Compute the measure for each value of the query's group."""
    groups = _group_rows(_need(query.group), matched)
    if query.measure == "count":
        return {name: float(len(rows)) for name, rows in groups.items()}
    function = _AGGREGATES[query.measure]
    numbers = {name: [n for _, n in _read_numbers(_need(query.target), rows)] for name, rows in groups.items()}
    return {name: function(values) for name, values in numbers.items() if values}


def _answer_groups(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    group, target = _need(query.group), query.target
    values = compute_groups(query, matched)
    written = {
        name: target.numbers.format(v) if target and query.measure != "count" else f"{v:,.0f}" for name, v in values.items()
    }
    measure = "rows" if query.measure == "count" else f"{_NOUNS[query.measure]} of {_need(target).name}"
    counted = _count_of(len(matched), len(table.rows), query.conditions)
    header, rows = [group.name, measure], [list(pair) for pair in written.items()]
    if not values:
        return Answer(f"There is nothing to group: {counted}.", ["0 rows"])
    if query.best:
        best = (max if query.best == "max" else min)(values.values())
        names = [name for name, value in values.items() if value == best]
        measured = "number of rows" if measure == "rows" else measure
        size = "highest" if query.best == "max" else "lowest"
        have = "has" if len(names) == 1 else "have"
        sentence = (
            f"{_list_some(names)} {have} the {size} {measured}: {written[names[0]]}, of {len(values):,} compared ({counted})."
        )
        return Answer(sentence, names, header, sorted(rows, key=lambda row: values[row[0]], reverse=query.best == "max"))
    what = "Counted the rows" if measure == "rows" else f"Computed the {measure}"
    sentence = f"{what} for each {group.name}: {len(values):,} groups of {counted}."
    return Answer(sentence, [f"{name} {value}" for name, value in written.items()], header, rows)


def _sort(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    column = _need(query.target)
    keys = sort_key(column)
    ordered = sorted((row for row in matched if keys[row] is not None), key=lambda r: keys[r], reverse=query.descending)  # type: ignore[arg-type, return-value]
    ordered += [] if query.limit else [row for row in matched if keys[row] is None]
    shown = ordered[: query.limit or None]
    direction = "highest first" if query.descending else "lowest first"
    counted = _count_of(len(matched), len(table.rows), query.conditions)
    first = f"The first {len(shown):,} of " if query.limit else ""
    sentence = f"{first}{counted}, sorted by {column.name}, {direction}."
    if query.limit and len(ordered) > len(shown) > 0 and keys[ordered[len(shown)]] == keys[shown[-1]]:
        sentence += f" The next one has the same {column.name} as the last one here."
    named = table.identity or column
    return Answer(sentence, [named.cells[row] for row in shown], _header(table), _show(table, shown))


def _look_up(query: Query, table: Table, matched: Sequence[int]) -> Answer:
    counted = _count_of(len(matched), len(table.rows), query.conditions)
    if not matched:
        return Answer(f"No row was found{describe_conditions(query.conditions)}: 0 of {len(table.rows):,} rows.", ["0 rows"])
    compared = query.conditions[0].column if query.conditions else table.columns[0]
    column = query.named[0] if query.named else table.identity or compared
    values = [column.cells[row] for row in matched]
    columns = query.named if len(query.named) > 1 else ()
    header = [c.name for c in columns] if columns and not query.conditions else _header(table)
    rows = [[c.cells[row] for c in columns] for row in matched] if columns and not query.conditions else _show(table, matched)
    if not query.named:
        return Answer(f"Found {counted}.", values, header, rows)
    parts = [f"{c.name}: {_list_some([c.cells[row] or 'empty' for row in matched])}" for c in query.named]
    return Answer(f"{'; '.join(parts)} ({counted}).", values, header, rows)


_ANSWERS: Final[Mapping[str, Callable[[Query, Table, Sequence[int]], Answer]]] = {
    "count": _count,
    "distinct": _answer_distinct,
    "values": _answer_distinct,
    "sort": _sort,
    "lookup": _look_up,
}
