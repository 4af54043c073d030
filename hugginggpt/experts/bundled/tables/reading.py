"""Reading of what is asked of a table, its conditions apart: step by step, until each word is taken."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import Column, Table
from hugginggpt.experts.bundled.tables.conditions import find_column
from hugginggpt.experts.bundled.tables.labelling import Item
from hugginggpt.experts.bundled.tables.query import Condition, Measure, Query
from hugginggpt.experts.bundled.tables.verbs import drop_silent, find_asked_columns, find_event_column
from hugginggpt.experts.bundled.tables.vocabulary import load_vocabulary, speaks_of

BEYOND: Final = "A language model (enter a key) or a table model of the Models page could try."
_AGGREGATES: Final[dict[str, Measure]] = {"sum": "sum", "mean": "mean", "median": "median"}
_IDENTIFIERS: Final = frozenset(
    {"id", "year", "code", "number", "no", "nr", "zip", "rank", "lat", "lon", "latitude", "longitude"}
)


class QuestionReader:
    """Reader of a question without its conditions, step by step; a word that no step takes is refused."""

    def __init__(
        self, items: Sequence[Item], table: Table, conditions: Sequence[Condition], limit: int, yes_or_no: bool
    ) -> None:
        """Create a reader.

        Args:
            items: The question's words, those of its conditions and its limit taken out.
            table: The table that it is about.
            conditions: Which rows are meant.
            limit: Most rows that are asked for; 0 for all.
            yes_or_no: True if the question is one that yes or no answers.
        """
        self._items = drop_silent(items)
        self._asked = find_asked_columns(items)
        self._table = table
        self._base = Query("lookup", conditions=conditions, limit=limit, yes_or_no=yes_or_no)

    def read(self) -> Query:
        """Return the query.

        Raises:
            ExpertError: Words are left that no reading takes.
        """
        readings: tuple[Callable[[], Query | None], ...] = (
            self._read_columns, self._read_sort, self._read_best, self._read_mode, self._read_aggregate, self._read_count,
            self._read_values, self._read_lookup,
        )  # fmt: skip
        query = next(query for reading in readings if (query := reading()))
        if self._items:
            raise ExpertError(f"“{self._items[0].text}” is not understood in this question. {BEYOND}")
        if query.yes_or_no and query.measure not in {"lookup", "count"}:
            raise ExpertError(f"Whether something computed is so can't be said here: ask for the number itself. {BEYOND}")
        return query

    def _take(self, *kinds: str) -> Item | None:
        """Take the first item of some kinds out of the question."""
        found = next((item for item in self._items if item.kind in kinds), None)
        if found:
            self._items = [item for item in self._items if item is not found]
        return found

    def _take_column_behind(self, kind: str) -> Column | None:
        """Take the first column that directly follows an item of a kind, and that item."""
        for item, behind in zip(self._items, self._items[1:], strict=False):
            if item.kind == kind and behind.kind == "column":
                self._items = [other for other in self._items if other is not item and other is not behind]
                return behind.columns[0]
        return None

    def _take_columns(self) -> list[Column]:
        found = [item.columns[0] for item in self._items if item.kind == "column"]
        self._items = [item for item in self._items if item.kind != "column"]
        return list({id(column): column for column in found}.values())

    def _take_asked(self) -> Column | None:
        """Take the column that is asked for: the one behind "which", or that of "who", "where", "how much"."""
        if which := next((item for item in self._items if any(item is asked for asked in self._asked)), None):
            self._items = [item for item in self._items if item is not which]
            return which.columns[0]
        if self._take("who"):
            return self._table.identity
        if item := self._take(*load_vocabulary().asked):
            if item.kind in {"where", "when"} and (told := find_event_column(item.kind, self._items, self._table)):
                self._items = [other for other in self._items if other is not told[0]]
                return told[1]
            return find_column(load_vocabulary().asked[item.kind], self._table, item.text)
        return None

    def _take_also_asked(self) -> list[Column]:
        """Take the further columns that are asked for: the region of "which month and region"."""
        found = [item for item in self._items if any(item is asked for asked in self._asked)]
        self._items = [item for item in self._items if item not in found]
        return [item.columns[0] for item in found]

    def _take_counted(self) -> str:
        """Take "number of" in front of a column or of rows; return which of the two it is, empty for neither."""
        for item, behind in zip(self._items, self._items[1:], strict=False):
            if item.kind == "count" and item.text != "how often" and behind.kind in {"column", "rows"}:
                self._items = [other for other in self._items if other is not item]
                return behind.kind
        return ""

    def _read_columns(self) -> Query | None:
        if not self._take("columns"):
            return None
        measure: Measure = "width" if self._take("count") else "columns"
        return replace(self._base, measure=measure) if not self._base.conditions else None

    def _read_sort(self) -> Query | None:
        """Read "sort by salary", "top 3 by salary", "the 3 highest salaries"."""
        by = self._take_column_behind("sort")
        top = self._take("top", "bottom") if self._base.limit or by else None
        if not by and not self._base.limit:
            return None
        best = None if by or top else self._take("superlative")
        by = by or self._take_column_behind("group")
        if best and best.about:
            by = find_column(best.about, self._table, best.text)
        order = self._take("descending", "ascending")
        self._take("rows", "who")
        named = self._take_columns()
        by = by or (named.pop() if named else None)
        if by is None:
            raise ExpertError("It isn't clear what to sort the table by: name the column.")
        down = best.name == "max" if best else top is not None and top.kind == "top"
        down = order.kind == "descending" if order else down
        return replace(self._base, measure="sort", target=by, descending=down, named=named)

    def _read_best(self) -> Query | None:
        """Read "who has the highest salary", "which department has the highest average salary", "most people"."""
        best = self._take("superlative")
        if best is None:
            return None
        base = replace(self._base, best="max" if best.name == "max" else "min")
        aggregate, grouped = self._take("aggregate"), self._take_column_behind("group")
        counted = self._take_counted()
        is_person = any(item.kind == "who" for item in self._items)
        asked = self._take_asked()
        if is_person and asked is None:
            raise ExpertError(f"It isn't clear which column tells who it is: ask which of a column it is. {BEYOND}")
        if aggregate:
            group, target = grouped or asked, self._find_target()
            if group is None:
                raise ExpertError(
                    f"It isn't clear of what the {best.text} {aggregate.text} is asked: name the column, as in “per city”."
                )
            return replace(base, measure=_AGGREGATES[aggregate.name], target=target, group=group)
        also_asked = self._take_also_asked() if asked and not grouped else []
        if counted == "rows" and (asked is None or also_asked):
            raise ExpertError("It isn't clear what the rows are to be counted for: ask which of a column has the most rows.")
        if asked and not also_asked and self._take("rows"):
            if grouped:
                raise ExpertError(f"Two groupings in one question are beyond this. {BEYOND}")
            return replace(base, measure="count", group=asked)
        named = self._take_columns()
        if best.about:
            target = self._find_spoken_of(best, named)
            named = [column for column in named if column is not target]
        elif named:
            target = named.pop()
        else:
            target = self._guess_target(best.text, exclude=asked)
        asked = asked or (named.pop() if named else None)
        asked = asked or (self._table.identity if self._take("rows") else None)
        if named:
            raise ExpertError(f"“{named[0].name}” is not understood in this question. {BEYOND}")
        measure: Measure = "max" if best.name == "max" else "min"
        if grouped:
            return replace(self._base, measure=measure, target=target, group=grouped)
        sums = best.sums or bool(counted)
        return replace(base, measure=measure, target=target, named=tuple(filter(None, (asked, *also_asked))), sums=sums)

    def _find_spoken_of(self, best: Item, named: Sequence[Column]) -> Column:
        """Find the column that a word such as "cheapest" or "latest" is about."""
        dates = [column for column in self._table.columns if column.is_date]
        if "date" in best.about and (found := [c for c in dates if c in named] or dates) and len(found) == 1:
            return found[0]
        return find_column(best.about, self._table, best.text)

    def _read_mode(self) -> Query | None:
        if not self._take("mode"):
            return None
        columns = self._take_columns()
        if len(columns) != 1:
            raise ExpertError("It isn't clear of which column the most common value is asked: name it.")
        return replace(self._base, measure="count", group=columns[0], best="max")

    def _read_aggregate(self) -> Query | None:
        """Read "average salary per department"; "total" alone is a column's name where there is such a column."""
        aggregate = self._take("aggregate")
        named = next((item for item in self._items if item.kind == "column" and item.name), None)
        if aggregate is None and named is None:
            return None
        if aggregate is None and named is not None:
            aggregate = named
        group, counted = self._take_column_behind("group"), self._take_counted()
        asked = self._take_asked() if any(item.kind != "column" for item in self._items) else None
        if asked:
            raise ExpertError(f"It isn't clear what is asked of the column {asked.name}. {BEYOND}")
        self._take("rows")
        measure = _AGGREGATES[aggregate.name] if aggregate else "sum"
        if counted == "rows" and measure == "sum":
            return replace(self._base, measure="count", group=group)
        return replace(self._base, measure=measure, target=self._find_target(), group=group)

    def _find_target(self) -> Column:
        columns = self._take_columns()
        numeric = [column for column in columns if column.is_number]
        columns = (
            numeric if len(numeric) == 1 else columns
        )  # "what do the items cost in total": there is a column of items, too
        if len(columns) > 1:
            raise ExpertError(f"It isn't clear which column is meant, {columns[0].name} or {columns[1].name}: ask for one.")
        return columns[0] if columns else self._guess_target("that")

    def _guess_target(self, phrase: str, exclude: Column | None = None) -> Column:
        """Find the only column with numbers to calculate with."""
        spent = {id(condition.column) for condition in self._base.conditions}
        numeric = [
            column
            for column in self._table.columns
            if column.is_number
            and column is not exclude
            and id(column) not in spent
            and not speaks_of(_IDENTIFIERS, column.name)
        ]
        if len(numeric) != 1:
            raise ExpertError(f"It isn't clear of which column “{phrase}” is asked: name it.")
        return numeric[0]

    def _read_count(self) -> Query | None:
        """Read "how many people", "how many different cities", "how many units", "… per city"."""
        where = next((at for at, item in enumerate(self._items) if item.kind == "count"), None)
        if where is None:
            return None
        distinct = any(item.kind == "distinct" for item in self._items)
        behind = self._items[where + 1 :]
        counted = next((item for item in behind if item.kind != "distinct"), None)
        self._take("count")
        self._take("distinct")
        if counted is not None and counted.kind == "column":
            self._items = [item for item in self._items if item is not counted]
            return self._count_column(counted.columns[0], self._take_column_behind("group"), distinct)
        group = self._take_column_behind("group")
        self._take("rows")
        if distinct:
            return None
        return replace(self._base, measure="count", group=group)

    def _count_column(self, column: Column, group: Column | None, distinct: bool) -> Query:
        self._take("rows")
        if column is self._table.identity and not distinct:
            return replace(self._base, measure="count", group=group)
        if distinct or not column.is_number:
            return replace(self._base, measure="distinct", target=column, group=group)
        if speaks_of(load_vocabulary().not_additive, column.name) or any(v and v % 1 for v in column.numbers.values):
            raise ExpertError(f"It isn't clear what is to be counted of the column {column.name}: ask for a sum or for rows.")
        return replace(self._base, measure="sum", target=column, group=group)

    def _read_values(self) -> Query | None:
        """Read "the different cities"."""
        if not self._take("distinct"):
            return None
        columns = self._take_columns()
        if len(columns) != 1:
            raise ExpertError("It isn't clear of which column the different values are asked: name it.")
        return replace(self._base, measure="values", target=columns[0])

    def _read_lookup(self) -> Query:
        """Read "Anna's phone number", "who works in Support", "the row of Emma", "list the names"."""
        if any(item.kind == "column" for item in self._items):  # "who is the director" asks for the column that it names
            self._take("who")
        asked = self._take_asked()
        rows = self._take("rows")
        named = [column for column in (asked, *self._take_columns()) if column]
        if not named and not self._base.conditions and not rows:
            raise ExpertError(f"It isn't clear what to look for in the table. {BEYOND}")
        texts = (
            not self._base.conditions and len(named) == 1 and not named[0].is_number and named[0] is not self._table.identity
        )
        if texts:
            return replace(self._base, measure="values", target=named[0])
        return replace(self._base, named=tuple({id(column): column for column in named}.values()))
