"""Parsing of what is to be drawn: the form of a chart, and its numbers with their labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import Column, Table
from hugginggpt.experts.bundled.tables.computing import compute_groups
from hugginggpt.experts.bundled.tables.parsing import check_question_length, parse_question
from hugginggpt.experts.bundled.tables.query import Query
from hugginggpt.experts.bundled.tables.selecting import describe_conditions, select_rows
from hugginggpt.experts.bundled.tables.vocabulary import load_vocabulary, speaks_of

Form = Literal["bar", "line", "histogram", "pie"]
_MAX_BARS: Final = 40
_MAX_SLICES: Final = 12
_FORMS: Final[tuple[tuple[Form, str], ...]] = (
    ("histogram", r"histogram|distribution"),
    ("pie", r"pie"),
    ("line", r"line|curve|trend|time series"),
    ("bar", r"bar|column (?=chart|graph)"),
)
_CHART_WORDS: Final = re.compile(
    r"\b(?:(?:bar|line|pie|column)s?[- ]?)?(?:charts?|graphs?|plots?|diagrams?|histograms?)\b(?: of| showing| for| with)?"
    r"|\b(?:draw|plot|make|create|generate|visuali[sz]e|chart|graph|distribution of|distribution|trend of|as)\b",
    re.IGNORECASE,
)
_AXES: Final = re.compile(r"\b(?:over time|over|against|versus|vs\.?|across)\b(?! \d)", re.IGNORECASE)
_NOUNS: Final = {"sum": "Sum of ", "mean": "Average ", "median": "Median ", "max": "Highest ", "min": "Lowest "}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart before it is drawn."""

    form: Form
    title: str
    x_label: str
    y_label: str
    labels: Sequence[str | float | date]
    """Positions along the horizontal axis; empty for a histogram."""
    values: Sequence[float]
    note: str = ""


def parse_chart(request: str, table: Table, row_nouns: frozenset[str] = frozenset()) -> Chart:
    """Parse what is to be drawn: "bar chart of average salary per department", "histogram of age", "plot price over date".

    Raises:
        ExpertError: The words name no columns that can be drawn.
    """
    check_question_length(request)
    form = next((form for form, words in _FORMS if re.search(rf"\b(?:{words})s?\b", request, re.IGNORECASE)), None)
    over_time = re.search(r"\bover time\b", request, re.IGNORECASE) is not None
    words = _AXES.sub(" by ", _CHART_WORDS.sub(" ", request))
    if over_time:
        words = f"{re.sub(r' by *[.?!]?$', '', words.rstrip())} by {_find_time(table).name}"
    query = _parse_rest(words, table, row_nouns)
    rows = select_rows(query.conditions, len(table.rows))
    where = describe_conditions(query.conditions)
    if form == "histogram":
        column = query.target or (query.named[0] if query.named else None) or _find_number(table)
        values = [n for row in rows if (n := column.numbers.values[row]) is not None]
        return _check(Chart("histogram", f"Distribution of {column.name}{where}", column.name, "rows", (), values))
    if query.group is None:
        return _check(_chart_rows(query, table, rows, form, where))
    return _check(_chart_groups(query, rows, form, where))


def _parse_rest(words: str, table: Table, row_nouns: frozenset[str]) -> Query:
    """Parse the words without those of the chart: what a question could ask, or one or two columns ("price by date")."""
    if not re.search(r"\w", re.sub(r"\b(?:a|the|this|that|me|of|from|please|table|data|file|it)\b", "", words.lower())):
        return Query("lookup")
    try:
        return parse_question(words, table, row_nouns)
    except ExpertError:
        for link in (r"\b(?:by|per|for each)\b", r"\band\b"):
            first, found, second = [*re.split(f"({link})", words, maxsplit=1), "", ""][:3]
            if found and (both := _parse_parts(first, second, table, row_nouns)):
                left, right = both
                if not left.conditions and (target := left.target or next(iter(left.named), None)):
                    group = right.target or next(iter(right.named), None)
                    return replace(right, measure="lookup", target=target, group=group, named=())
        return parse_question(f"number of {words}", table, row_nouns)  # "rows per city"


def _parse_parts(first: str, second: str, table: Table, row_nouns: frozenset[str]) -> tuple[Query, Query] | None:
    try:
        return parse_question(first, table, row_nouns), parse_question(second, table, row_nouns)
    except ExpertError:
        return None


def _find_time(table: Table) -> Column:
    found = [c for c in table.columns if c.is_date] or [
        c for c in table.columns if speaks_of(frozenset({"year", "month"}), c.name)
    ]
    if len(found) != 1:
        raise ExpertError("It isn't clear which column is the time: name it, as in “over date”.")
    return found[0]


def _find_number(table: Table) -> Column:
    skipped = frozenset({"id", "year", "code", "number", "no", "nr", "zip"})
    found = [column for column in table.columns if column.is_number and not speaks_of(skipped, column.name)]
    if len(found) != 1:
        named = f" ({', '.join(column.name for column in found[:5])})" if found else ""
        raise ExpertError(f"It isn't clear which column is to be drawn{named}: name it, as in “bar chart of price by city”.")
    return found[0]


def _chart_rows(query: Query, table: Table, rows: Sequence[int], form: Form | None, where: str) -> Chart:
    """Draw one number for each row, named by the column that tells rows apart."""
    column = query.target or next((named for named in query.named if named.is_number), None) or _find_number(table)
    names = next((named for named in query.named if named is not column), table.identity)
    if names is None:
        raise ExpertError(f"It isn't clear what {column.name} is to be drawn by: name it, as in “{column.name} by city”.")
    return _chart_groups(replace(query, measure="lookup", target=column, group=names), rows, form, where)


def _chart_groups(query: Query, rows: Sequence[int], form: Form | None, where: str) -> Chart:
    """Draw one number for each value of a column; rows that share a value are summed, or averaged where a sum means nothing."""
    group, target, note = query.group, query.target, ""
    if group is None or (target is None and query.measure != "count"):
        raise ExpertError("It isn't clear what is to be drawn by what: write “bar chart of price by city”.")
    if query.measure in {"lookup", "values", "distinct"} and target is not None:
        cells = [group.cells[row] for row in rows]
        additive = not speaks_of(load_vocabulary().not_additive, target.name) and "%" not in target.numbers.after
        query = replace(query, measure="sum" if additive else "mean")
        if len(set(cells)) == len(cells):
            noun = target.name
        else:
            noun = f"{_NOUNS[query.measure]}{target.name}"
            note = f"Several rows share a {group.name}: their {'sum' if additive else 'average'} is drawn."
    else:
        noun = f"{_NOUNS.get(query.measure, '')}{target.name}" if target and query.measure != "count" else "Number of rows"
    values = compute_groups(query, rows)
    at = {cell: row for row, cell in reversed(list(enumerate(group.cells)))}
    labels: list[str | float | date] = list(values)
    if group.is_date:
        labels = [day for name in values if (day := group.dates[at[name]]) is not None]
    elif group.is_number and form == "line":
        labels = [number for name in values if (number := group.numbers.values[at[name]]) is not None]
    unit = (
        f" ({target.numbers.before or target.numbers.after.strip()})"
        if target and target.is_number and _has_unit(target)
        else ""
    )
    chosen: Form = form or ("line" if group.is_date else "bar")
    return Chart(chosen, f"{noun} by {group.name}{where}", group.name, f"{noun}{unit}", labels, list(values.values()), note)


def _has_unit(column: Column) -> bool:
    return bool(column.numbers.before or column.numbers.after)


def _check(chart: Chart) -> Chart:
    """Refuse a chart that shows nothing, or more than can be read."""
    if not chart.values:
        raise ExpertError("There is nothing to draw: no row fits.")
    limit = {"bar": _MAX_BARS, "pie": _MAX_SLICES}.get(chart.form)
    if limit and len(chart.values) > limit:
        raise ExpertError(
            f"{len(chart.values):,} values are too many for a {chart.form} chart: ask for the top {limit} or a histogram."
        )
    if chart.form == "pie" and min(chart.values) < 0:
        raise ExpertError("A pie chart can't show negative numbers: ask for a bar chart.")
    return chart
