"""Words of a question, each with what it means: a column, a cell's text, a number, days, or a word of the vocabulary."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.bundled.tables.columns import MONTHS, Column, Table
from hugginggpt.experts.bundled.tables.days import read_days
from hugginggpt.experts.bundled.tables.query import DaySpan
from hugginggpt.experts.bundled.tables.vocabulary import (
    MAX_PHRASE_WORDS,
    load_vocabulary,
    singularize_all,
    speaks_of,
    split_name,
)

_MAX_WORDS: Final = 40  # of a question; more are a text
_MONTH: Final = "|".join(MONTHS)
_TOKEN: Final = re.compile(
    r"[\"“”](?P<quoted>[^\"“”]{1,200})[\"“”]"
    rf"|(?P<iso>\d{{4}}-\d{{1,2}}(?:-\d{{1,2}})?)(?![\w-])"
    r"|(?P<dotted>\d{1,2}\.\d{1,2}\.\d{4})(?!\w)"
    rf"|(?P<worded>(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? )?(?:{_MONTH})\.? (?:\d{{1,2}}(?:st|nd|rd|th)?,? )?\d{{4}})(?!\w)"
    r"|(?P<slashed>\d{1,2}/\d{1,2}/\d{4})"
    r"|(?P<number>(?:[$€£¥]\s?)?-?(?:\d[\d.,]*\d|\d)(?:\s?(?:k|million|thousand)\b|\s?[%€£¥])?)(?![\w])"
    r"|(?P<sign>[<>!=]=|<>|[<>=&,])"
    r"|(?P<word>[^\W_]+(?:[-_'’.+#/][^\W_]+)*[+#]*)",
    re.IGNORECASE,
)
_SCALES: Final = {"k": 1e3, "thousand": 1e3, "million": 1e6}


@dataclass(frozen=True, slots=True)
class Item:
    """A phrase of the question with its meaning."""

    kind: str
    """column, cells, number, days, event, light_verb, quantity, unknown, or the kind of a `Meaning`."""
    text: str
    """The phrase as it was written."""
    name: str = ""
    about: frozenset[str] = frozenset()
    """Words for columns: of a verb such as "born" those that tell when or where, even if it is a column's name itself."""
    sums: bool = False
    columns: Sequence[Column] = ()
    """The column that it names, or those in which such cells stand."""
    whole: bool = True
    """False where it is a word of cells only, as the first name of a person, or of a column's name."""
    digits: str = ""
    symbol: str = ""
    span: DaySpan | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str
    match: re.Match[str] = field(repr=False)


def label_words(question: str, table: Table, row_nouns: frozenset[str] = frozenset()) -> list[Item]:
    """Return the meanings of a question's phrases in order, without words that say nothing.

    Args:
        question: One line.
        table: Whose columns and cells give words their meaning.
        row_nouns: Further words for a row, singular: those of the file's name.

    Raises:
        ExpertError: The question is too long, or has a word that nothing explains.
    """
    tokens = _tokenize(question)
    if len(tokens) > _MAX_WORDS:
        raise ExpertError("That is a long text for a question about a table: ask it in one sentence.")
    cells = [(column, _join_cells(column)) for column in table.columns]
    items: list[Item] = []
    start = 0
    while start < len(tokens):
        item, length = _take_literal(tokens, start, items) or _label_at(tokens, start, items, table, cells, row_nouns)
        start += length
        if items and items[-1].kind == "number" and (symbol := _find_unit(item, table)):
            items[-1] = replace(items[-1], symbol=symbol)
        elif item.kind != "filler":
            items.append(item)
    return items


def _join_cells(column: Column) -> str:
    """Return the cells in lower case, one a line, in which a phrase is found faster than cell by cell."""
    joined = "\n".join(column.cells)
    if joined.count("\n") >= len(column.cells):  # a cell has lines
        joined = "\n".join(cell.replace("\n", " ") for cell in column.cells)
    return f"\n{joined.lower()}\n"


def _take_literal(tokens: Sequence[_Token], start: int, before: Sequence[Item]) -> tuple[Item, int] | None:
    """Return the text behind "name contains", up to an "and"."""
    if len(before) < 2 or before[-1].name not in {"contains", "starts", "ends"} or before[-2].kind != "column":
        return None
    words = [t.text for t in itertools.takewhile(lambda token: token.text.lower() not in {"and", ",", "&"}, tokens[start:])]
    return (Item("literal", " ".join(words).lower()), len(words)) if words else None


def _find_unit(item: Item, table: Table) -> str:
    """Return the unit that a word behind a number is, if it is one of the table's or of the vocabulary."""
    if item.kind == "unit":
        return item.name
    units = {column.parsed[0].after.lower(): column.parsed[0].after for column in table.columns if column.parsed}
    return units.get(item.text.lower(), "") if item.kind == "unknown" else ""


def _tokenize(question: str) -> list[_Token]:
    plain = re.sub(r"['’]s\b", " ", re.sub(r"\b(what|who|where|when|how|there|that|it)['’]s\b", r"\1 is", question, flags=re.I))
    plain = re.sub(r"\b(is|are|was|were|do|does|did|has|have|ca)n['’]?t\b|\bcannot\b", r"\1 not ", plain, flags=re.I)
    return [_Token(m["quoted"] or m[0].strip(), str(m.lastgroup), m) for m in _TOKEN.finditer(plain)]


def _label_at(
    tokens: Sequence[_Token], start: int, before: Sequence[Item], table: Table, cells: Sequence[tuple[Column, str]],
    row_nouns: frozenset[str],
) -> tuple[Item, int]:  # fmt: skip
    """Return the meaning of the longest phrase at a position, and how many tokens it has."""
    token = tokens[start]
    if token.kind == "quoted":
        return _find_quoted(token.text, table, cells), 1
    if token.kind in {"iso", "dotted", "worded", "slashed"}:
        return Item("days", token.text, span=read_days(token.kind, token.text)), 1
    words = [t.text.lower() for t in tokens[start : start + MAX_PHRASE_WORDS] if t.kind != "quoted"]
    lengths = range(len(words), 0, -1)
    if compared := _find_compared(before):  # "remote is no", "country is in": a cell before any other meaning
        for length in lengths:
            if _has_cell(cells, compared, phrase := " ".join(words[:length])):
                return Item("cells", phrase, columns=(compared,)), length
    opened = [(column, text) for column, text in cells if words and f"\n{words[0]} " in text]  # one search, not one a length
    for length in lengths:
        phrase = " ".join(words[:length])
        if length > 1 and (found := [column for column, text in opened if f"\n{phrase}\n" in text]):
            return Item("cells", phrase, columns=found), length
        if token.kind != "number" and (column := _find_column(words[:length], table, exact=True)):
            return _label_column(column, phrase, words[:length]), length
        if meaning := load_vocabulary().phrases.get(tuple(words[:length])):
            return Item(meaning.kind, phrase, meaning.name, meaning.about, meaning.sums), length
        if length == 1 and (event := _label_event(token, table, cells)):
            return event, 1
        if token.kind != "number" and (column := _find_column(words[:length], table, exact=False)):
            return Item("column", phrase, columns=(column,), whole=False), length
    return _label_rest(token, cells, table, row_nouns), 1


def _label_rest(token: _Token, cells: Sequence[tuple[Column, str]], table: Table, row_nouns: frozenset[str]) -> Item:
    """Return the meaning of one word that is neither a column nor of the vocabulary."""
    word = token.text.lower()
    singular = singularize_all([word])[0]
    for form in dict.fromkeys((word, singular)):
        whole = [column for column, text in cells if f"\n{form}\n" in text]
        if token.kind == "number":
            return _read_number(token.text, whole)
        if whole:
            return Item("cells", form, columns=whole)
    if singular in row_nouns:
        return Item("rows", word)
    part = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)") if len(word) > 1 else None
    columns = [column for column, text in cells if part and not column.is_number and part.search(text)]
    if table.identity in columns:  # "Anna" is a person first, even if an address has the name, too
        columns = [table.identity] if table.identity else []
    if columns:
        return Item("cells", word, columns=columns, whole=False)
    return Item(load_vocabulary().last.get(word, "unknown"), token.text)


def _label_event(token: _Token, table: Table, cells: Sequence[tuple[Column, str]]) -> Item | None:
    """Return a verb such as "born" as the column that tells of it, or as an event where several do."""
    word = token.text.lower()
    about = load_vocabulary().events.get(word, frozenset())
    found = [column for column in table.columns if speaks_of(about, column.name)] if about else []
    if not found or any(f"\n{word}\n" in text for _, text in cells):
        return None
    return Item("column" if len(found) == 1 else "event", token.text, about=about, columns=found)


def _find_quoted(text: str, table: Table, cells: Sequence[tuple[Column, str]]) -> Item:
    lower = text.strip().lower()
    if found := [column for column, joined in cells if f"\n{lower}\n" in joined]:
        return Item("cells", lower, columns=found)
    if column := next((column for column in table.columns if column.name.lower() == lower), None):
        return Item("column", text, columns=(column,))
    return Item("unknown", text, name="quoted")


def _find_compared(before: Sequence[Item]) -> Column | None:
    """Return the column that the next words are compared with: "city is", "city is not", "city contains"."""
    if (
        len(before) > 1
        and before[-1].kind == "comparison"
        and before[-2].kind == "column"
        and before[-1].name in {"same", "other"}
    ):
        return before[-2].columns[0]
    return None


def _has_cell(cells: Sequence[tuple[Column, str]], wanted: Column, phrase: str) -> bool:
    return any(f"\n{phrase}\n" in text for column, text in cells if column is wanted)


def _label_column(column: Column, phrase: str, words: Sequence[str]) -> Item:
    """Return a column, with the operation that its name is a word for, too ("total")."""
    meaning = load_vocabulary().phrases.get(tuple(words))
    name = meaning.name if meaning and meaning.kind == "aggregate" else ""
    return Item("column", phrase, name, load_vocabulary().events.get(phrase, frozenset()), columns=(column,))


def _find_column(words: Sequence[str], table: Table, *, exact: bool) -> Column | None:
    """Find the column that words name: its whole name, or what no other column's name has.

    Raises:
        ExpertError: Two columns may be meant.
    """
    stems = singularize_all([part for word in words for part in re.split(r"[-_/]", word) if part])
    names = [(column, split_name(column.name)) for column in table.columns]
    if exact:
        found = [column for column, name in names if name == stems or "".join(name) == "".join(stems)]
        if not found and len(words) == 1 and not words[0].isascii():
            found = [column for column in table.columns if column.name.lower() == words[0]]
    elif any(word in _VAGUE for word in words):
        return None
    else:
        length = len(stems)
        found = [c for c, name in names if any(name[at : at + length] == stems for at in range(len(name) - length + 1))]
        if not found and (group := next((group for group in load_vocabulary().synonyms if stems in group), None)):
            spoken = [c for c, name in names if name in group]
            found = spoken or [c for c, name in names if any((word,) in group for word in name)]
    if len(found) > 1:
        raise ExpertError(
            f"“{' '.join(words)}” may mean the column {' or '.join(c.name for c in found[:3])}: name one of them."
        )
    return found[0] if found else None


_VAGUE: Final = frozenset("a an the of in on at by to is and or not for per no with from".split())
"""Words that name no column, even if a column's name has them."""


def _read_number(text: str, cells: Sequence[Column]) -> Item:
    match = re.fullmatch(r"(?P<before>[$€£¥]?)\s?(?P<digits>-?[\d.,]+)\s?(?P<behind>[%€£¥]|[a-z]*)", text.lower())
    if match is None:
        return Item("unknown", text)
    symbol = match["before"] or (match["behind"] if not match["behind"].isalpha() else "")
    scale = match["behind"] if match["behind"] in _SCALES else ""
    return Item("number", text, name=scale, digits=match["digits"].rstrip(".,"), symbol=symbol, columns=cells)


def to_number(item: Item, column: Column) -> float:
    """Return a number of the question, read as the column's numbers are.

    Raises:
        ExpertError: It can be read in two ways, or is in another unit than the column.
    """
    numbers = column.numbers
    own_units = {numbers.before, numbers.after.strip()} - {""}
    if item.symbol and item.symbol not in own_units and (own_units or item.symbol == "%"):
        raise ExpertError(f"The column {column.name} isn't in {item.symbol}, so it can't be compared with {item.text}.")
    digits = item.digits
    if re.fullmatch(r"-?[1-9]\d{0,2}(,\d{3})+", digits) and column.decimal != ",":
        digits = digits.replace(",", "")
    elif re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", digits) and column.decimal != ".":
        raise ExpertError(f"“{item.text}” can be read with decimals or with thousands: write it without thousands.")
    elif "," in digits and "." in digits:
        mark = max(".,", key=digits.rindex)
        digits = digits.replace("." if mark == "," else ",", "").replace(",", ".")
    elif re.fullmatch(r"-?\d+,\d+", digits):
        digits = digits.replace(",", ".")
    try:
        return float(digits) * _SCALES.get(item.name, 1.0)
    except ValueError as error:
        raise ExpertError(f"“{item.text}” is no number.") from error


def to_span(item: Item) -> DaySpan | None:
    """Return the days that an item speaks of: those of a date, or of a year; None where it is neither."""
    if item.span:
        return item.span
    if item.kind == "number" and re.fullmatch(r"[12]\d{3}", item.digits) and not item.symbol and not item.name:
        return DaySpan(date(int(item.digits), 1, 1), date(int(item.digits), 12, 31))
    return None
