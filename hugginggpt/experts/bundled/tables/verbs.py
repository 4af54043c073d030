"""Verbs of a question: the columns that they are about, when and where something happened."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import Column, Table
from hugginggpt.experts.bundled.tables.labelling import Item
from hugginggpt.experts.bundled.tables.query import Query
from hugginggpt.experts.bundled.tables.vocabulary import load_vocabulary, speaks_of, split_name

_TIME: Final = re.compile(r"\d{1,2}[:.]\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?", re.IGNORECASE)
_SILENT: Final = frozenset({"both", "either", "verb", "light_verb", "which"})


def check_verbs(items: Sequence[Item], left: Sequence[Item], query: Query) -> None:
    """Refuse a verb that speaks of other columns than those of the query: "live in" of the column born_in.

    Args:
        items: All words of the question.
        left: Those that belong to no condition.
        query: The question as it was read.

    Raises:
        ExpertError: A verb may be about something that the query doesn't compute.
    """
    used = [*(condition.column for condition in query.conditions), *query.named, query.target, query.group]
    whole = {id(item.columns[0]) for item in items if item.kind == "column" and item.whole}
    counted = [query.target, *(condition.column for condition in query.conditions)]
    for item in left:
        if item.kind == "verb" and not any(column and item.about & set(split_name(column.name)) for column in used):
            raise ExpertError(f"It isn't clear which column “{item.text}” is about: name the column.")
        if item.kind == "light_verb" and not any(column and column.is_number and id(column) in whole for column in counted):
            raise ExpertError(
                f"It isn't clear which column “{item.text}” is about: name a column with numbers, by its whole name."
            )


def drop_silent(items: Sequence[Item]) -> list[Item]:
    """Drop what says nothing to the reading: joints, verbs, and a noun of quantity in front of a column."""
    kept = [item for item in items if item.kind not in _SILENT]
    behind = [*(item.kind for item in kept[1:]), ""]
    return [item for item, kind in zip(kept, behind, strict=False) if not (item.kind == "quantity" and kind == "column")]


def find_asked_columns(items: Sequence[Item]) -> list[Item]:
    """Return the columns behind "which", all that "and" joins to the first: "which month and region"."""
    found: list[Item] = []
    for before, item in zip(items, items[1:], strict=False):
        if item.kind == "column" and (before.kind == "which" or (found and before.kind == "both")):
            found.append(item)
        elif found and item.kind not in {"both", "which"}:
            break
    return found


def find_event_column(question_word: str, items: Sequence[Item], table: Table) -> tuple[Item, Column] | None:
    """Return the item that names the column, and the column, in which stands when or where something happened.

    Args:
        question_word: "when" or "where".
        items: The question's words.
        table: The table.

    Raises:
        ExpertError: Something happened, but no column tells that of it, or several do.
    """
    fits = _FITS[question_word]
    for item in items:
        if item.kind == "column" and fits(item.columns[0]) and (item.about or question_word == "when"):
            return item, item.columns[0]
        if item.about and item.kind in {"column", "event"}:
            found = [column for column in table.columns if speaks_of(item.about, column.name) and fits(column)]
            if len(found) != 1:
                raise ExpertError(f"It isn't clear in which column stands {question_word} “{item.text}” was: name the column.")
            return item, found[0]
    return None


def _is_time(column: Column) -> bool:
    return column.is_date or (all(_TIME.fullmatch(cell) for cell in column.filled) and bool(column.filled))


def _is_place(column: Column) -> bool:
    return not column.is_number and not _is_time(column) and not speaks_of(load_vocabulary().asked["when"], column.name)


_FITS: Final[Mapping[str, Callable[[Column], bool]]] = {"when": _is_time, "where": _is_place}
