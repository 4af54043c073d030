"""Queries: conditions, a grouping and a measure, which a question asks of a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from hugginggpt.experts.bundled.tables.columns import Column

Relation = Literal[
    "more", "less", "at_least", "at_most", "between", "same", "other", "contains", "word", "starts", "ends", "empty"
]
Measure = Literal["columns", "width", "count", "distinct", "sum", "mean", "median", "max", "min", "values", "lookup", "sort"]


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Days from the first to the last, both included: a year, a month or a day of a question."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition that rows must meet."""

    column: Column
    relation: Relation
    texts: Sequence[str] = ()
    """Words to compare with, any of them; lower case."""
    numbers: Sequence[float] = ()
    """One number, two with "between"."""
    spans: Sequence[DaySpan] = ()
    """One span of days, two with "between"."""
    shown: str = ""
    """Value that it is compared with, as the answer names it."""
    joined: bool = False
    """True if "or" or "and" stands before it, so that it may be another value of the condition before."""


@dataclass(frozen=True, slots=True)
class Query:
    """Question about a table, as it was understood."""

    measure: Measure
    target: Column | None = None
    """Column that is computed with."""
    conditions: Sequence[Condition] = ()
    group: Column | None = None
    """Column for each of whose values the measure is computed."""
    best: Literal["", "max", "min"] = ""
    """With a group: which of the groups is asked for; none for all."""
    sums: bool = False
    """True if "most" may mean the most in one row, or over several."""
    named: Sequence[Column] = field(default_factory=tuple)
    """Columns that are asked for."""
    descending: bool = False
    limit: int = 0
    """Most rows of a sorted table; 0 for all."""
    yes_or_no: bool = False
