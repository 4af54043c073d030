"""The conditions of a question about a table: "where city is Paris", "older than 30", "joined after March 2024"."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import Column, Table
from hugginggpt.experts.bundled.tables.labelling import Item, to_number, to_span
from hugginggpt.experts.bundled.tables.query import Condition, Relation
from hugginggpt.experts.bundled.tables.vocabulary import load_vocabulary, speaks_of, split_name

_RELATIONS: Final[Mapping[str, Relation]] = {relation: relation for relation in get_args(Relation)}
_ORDERS: Final = frozenset({"more", "less", "at_least", "at_most", "between", "same", "other"})
_TIMES: Final = frozenset({"after", "before", "later than", "earlier than", "prior to"})
_ABSENCE_PHRASES: Final = frozenset({"no", "without", "without a", "without an", "has no", "have no", "lacks", "lack"})
_TEXTUAL: Final = frozenset({"contains", "starts", "ends"})
_EVENTS: Final = frozenset({"column", "event"})


def take_conditions(items: Sequence[Item], table: Table) -> tuple[list[Condition], list[Item]]:
    """Take the conditions out of a question.

    Returns:
        The conditions, and the items that belong to none.

    Raises:
        ExpertError: It isn't clear which column one is about, or words are left that nothing explains.
    """
    left: list[Item] = []
    found: list[Condition] = []
    at = 0
    while at < len(items):
        length = (
            _take_empty(items, at, left, found)
            or _take_compared(items, at, left, found, table)
            or _take_cells(items, at, left, found)
            or _take_flag(items, at, left, found)
        )
        if not length:
            left.append(items[at])
        at += length or 1
    return _merge(found, items), left


def _get(items: Sequence[Item], at: int, kind: str, names: frozenset[str] | None = None) -> Item | None:
    if 0 <= at < len(items) and items[at].kind == kind and (names is None or items[at].name in names):
        return items[at]
    return None


def _take_empty(items: Sequence[Item], at: int, left: list[Item], found: list[Condition]) -> int:
    """Take "without a phone number" or "phone number is missing"."""
    if _get(items, at, "comparison", frozenset({"empty"})):
        if column := _get(items, at + 1, "column"):
            found.append(Condition(column.columns[0], "empty", shown="empty"))
            return 2
        if left and left[-1].kind == "column" and items[at].text not in _ABSENCE_PHRASES:
            found.append(Condition(left.pop().columns[0], "empty", shown="empty"))
            return 1
    return 0


def _take_compared(items: Sequence[Item], at: int, left: list[Item], found: list[Condition], table: Table) -> int:
    """Take a comparison with a number, days or a text, with the column before it or behind it."""
    sign = _get(items, at, "comparison")
    number_alone = sign is None and items[at].kind in {"number", "days"}
    if sign is None and not number_alone:
        return 0
    start = at if number_alone else at + 1
    relation = sign.name if sign else "same"
    follower = _get(items, start, "comparison")
    if sign and relation == "same" and follower:  # "is over 5"
        return 1
    if sign and relation == "other" and follower:
        raise ExpertError(f"“{sign.text} {follower.text}” is not understood here: turn it into “at least” or “at most”.")
    value = items[start] if start < len(items) else None
    before = left[-1].columns[0] if left and left[-1].kind == "column" else None
    if value is not None and value.kind in {"number", "days"} and relation in _ORDERS:
        return _take_ordered(items, start, relation, left, found, table) - at
    is_asked = _get(items, at - 2, "which") is not None  # "which city is the best" compares with nothing
    if (
        value is not None
        and before
        and (value.kind == "literal" or (value.kind == "unknown" and relation in {"same", "other"} and not is_asked))
    ):
        end = start + 1
        while value.kind == "unknown" and end < len(items) and items[end].kind == "unknown":
            end += 1
        text = " ".join(item.text for item in items[start:end])
        left.pop()
        found.append(Condition(before, _RELATIONS[relation], (text.lower(),), shown=text))
        return end - at
    if sign and (
        relation in {"same", *_TEXTUAL} or sign.text == "from"
    ):  # "people are in Paris", "rows contain Paris": what follows is looked at alone
        return 1
    return 0


def _take_ordered(
    items: Sequence[Item], start: int, relation: str, left: list[Item], found: list[Condition], table: Table
) -> int:
    """Take a comparison with a number or days; return the position behind it."""
    values = [items[start]]
    end = start + 1
    if relation == "between":
        if not (_get(items, end, "both") and end + 1 < len(items) and items[end + 1].kind in {"number", "days"}):
            raise ExpertError("“Between” needs two numbers or dates: write “between 3 and 5”.")
        values.append(items[end + 1])
        end += 2
    sign = items[start - 1] if start and items[start - 1].kind == "comparison" else None
    if (
        _get(items, end, "to") and end + 1 < len(items) and (sign is None or sign.text in {"from", "is", "are"})
    ):  # "from 3 to 5"
        values.append(items[end + 1])
        relation, end = "between", end + 2
    about = sign.about if sign else frozenset[str]()
    computed = len(left) > 1 and left[-2].kind in {"aggregate", "superlative"}
    if (
        left
        and left[-1].kind == "column"
        and not about
        and not _is_about_time(sign, values, left[-1].columns[0], computed, table)
    ):
        if computed:
            raise ExpertError(
                "Conditions on a sum or an average of several rows are beyond this: ask for the figures of each group."
            )
        column = left.pop().columns[0]
    elif about:
        if left and left[-1].kind == "column" and speaks_of(about, left[-1].columns[0].name):
            column = left.pop().columns[0]
        else:
            column = find_column(about, table, sign.text if sign else "")
    elif behind := _get(items, end, "column"):
        column, end = behind.columns[0], end + 1
    else:
        column = _guess_column(values, table)
    found.append(_build_ordered(column, relation, values))
    return end


def _is_about_time(sign: Item | None, values: Sequence[Item], column: Column, computed: bool, table: Table) -> bool:
    """Tell whether a year or a date is about another column than the one that stands before it: "average salary in 2021".

    Raises:
        ExpertError: Both may be meant.
    """
    if column.is_date or "year" in split_name(column.name) or any(to_span(value) is None for value in values):
        return False
    if values[0].kind == "days" or computed or (sign and sign.text in _TIMES):
        return True
    if sign is None and any(other.is_date or "year" in split_name(other.name) for other in table.columns):
        raise ExpertError(
            f"It isn't clear whether “{values[0].text}” is a year or a {column.name}: write “{column.name} is …”."
        )
    return False


def find_column(about: frozenset[str], table: Table, phrase: str) -> Column:
    """Find the only column whose name has one of some words.

    Raises:
        ExpertError: There is none, or several.
    """
    found = [column for column in table.columns if speaks_of(about, column.name)]
    if len(found) != 1:
        named = f" ({', '.join(column.name for column in found[:3])})" if found else ""
        raise ExpertError(f"It isn't clear which column “{phrase}” is about{named}: name the column.")
    return found[0]


def _guess_column(values: Sequence[Item], table: Table) -> Column:
    """Find the only column that a date, a year or an amount with its unit can be about."""
    value = values[0]
    if value.symbol:
        found = [c for c in table.columns if c.parsed and value.symbol in {c.parsed[0].before, c.parsed[0].after}]
    elif to_span(value):
        years = [column for column in table.columns if column.is_number and "year" in split_name(column.name)]
        found = [column for column in table.columns if column.is_date] + (years if value.kind == "number" else [])
    else:
        found = list(value.columns) if len(values) == 1 else []
    if len(found) != 1:
        raise ExpertError(f"It isn't clear which column “{value.text}” is about: name the column in front of it.")
    return found[0]


def _build_ordered(column: Column, relation: str, values: Sequence[Item]) -> Condition:
    shown = " and ".join(value.text for value in values)
    if column.is_number:
        if any(value.kind == "days" for value in values):
            raise ExpertError(f"The column {column.name} has numbers, so {shown} can't be compared with it.")
        return Condition(column, _RELATIONS[relation], numbers=[to_number(value, column) for value in values], shown=shown)
    if column.is_date:
        spans = [span for value in values if (span := to_span(value))]
        if len(spans) < len(values):
            raise ExpertError(f"The column {column.name} has dates, so {shown} can't be compared with it.")
        return Condition(column, _RELATIONS[relation], spans=spans, shown=shown)
    if relation in {"same", "other"}:  # an identifier: 007
        return Condition(column, _RELATIONS[relation], (values[0].text.lower(),), shown=shown)
    raise ExpertError(f"The column {column.name} isn't made of numbers or dates alone, so {shown} can't be compared with it.")


def _take_cells(items: Sequence[Item], at: int, left: list[Item], found: list[Condition]) -> int:
    """Take the text of cells, with the column before it, and a "not"."""
    negated = _get(items, at, "comparison", frozenset({"other", "empty"}))
    if negated and negated.name == "empty" and negated.text != "without":
        return 0
    value = _get(items, at + bool(negated), "cells")
    if value is None:
        return 0
    before = left[-1].columns[0] if left and left[-1].kind == "column" else None
    if left and left[-1] is items[at - 1] and left[-1].about and before not in value.columns and left[-1].kind in _EVENTS:
        raise ExpertError(f"The table doesn't say who or what “{left[-1].text} {value.text}”: name the column that is meant.")
    if before in value.columns and before is not None:
        column = before
        left.pop()
    elif len(value.columns) > 1:
        named = " or ".join(column.name for column in value.columns[:3])
        raise ExpertError(f"“{value.text}” stands in several columns: say whether {named} is meant.")
    else:
        column = value.columns[0]
    relation: Relation = "other" if negated else "same" if value.whole else "word"
    if negated and not value.whole:
        raise ExpertError(f"“{value.text}” is only a part of cells: write the whole cell that is not to be counted.")
    shown = next((cell for cell in column.cells if cell.lower() == value.text), value.text) if value.whole else value.text
    joined = at > 0 and items[at - 1].kind in {"both", "either"}
    found.append(Condition(column, relation, (value.text,), shown=shown, joined=joined))
    return 1 + bool(negated)


def _take_flag(items: Sequence[Item], at: int, left: list[Item], found: list[Condition]) -> int:
    """Take a column of yes and no behind "are", or "are not": "how many people are remote"."""
    column, sign = _get(items, at, "column"), _get(items, at - 1, "comparison", frozenset({"same", "other"}))
    words = load_vocabulary()
    if column is None or sign is None or _get(items, at + 1, "comparison") or _get(items, at + 1, "cells"):
        return 0
    cells = {cell.lower() for cell in column.columns[0].cells}
    yes = cells & words.true
    if len(yes) != 1 or cells - words.true - words.false:
        return 0
    if left and left[-1] is sign:
        left.pop()
    relation: Relation = "same" if sign.name == "same" else "other"
    found.append(Condition(column.columns[0], relation, tuple(yes), shown=next(iter(yes))))
    return 1


def _merge(found: Sequence[Condition], items: Sequence[Item]) -> list[Condition]:
    """Join conditions on one column that "or" stands between; two that exclude each other would find nothing.

    Raises:
        ExpertError: "Or" stands elsewhere.
    """
    merged: list[Condition] = []
    for condition in found:
        last = next((other for other in merged if other.column is condition.column), None)
        alike = last and last.relation == condition.relation and last.relation in {"same", "word"}
        if last and alike and condition.texts and condition.joined:
            both = replace(last, texts=(*last.texts, *condition.texts), shown=f"{last.shown} or {condition.shown}")
            merged = [both if other is last else other for other in merged]
        elif last and "same" in (last.relation, condition.relation):
            raise ExpertError(
                f"{condition.column.name} can't be {last.shown} and {condition.shown} at once: ask for one of them."
            )
        else:
            merged.append(condition)
    joins = sum(len(condition.texts) - 1 for condition in merged if len(condition.texts) > 1)
    either = sum(item.kind == "either" for item in items)
    if either > joins:
        raise ExpertError("“Or” between conditions on several columns is beyond this: ask for each of them alone.")
    return merged
