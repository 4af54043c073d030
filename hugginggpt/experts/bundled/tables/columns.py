"""Columns of a table, read as numbers or dates where all of their cells are."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from hugginggpt.core.errors import ExpertError

MISSING: Final = frozenset({"", "-", "–", "—", "?", "n/a", "na", "nan", "null", "none", "#n/a"})
_TOTALS: Final = frozenset(
    {"total", "totals", "grand total", "sum", "subtotal", "summe", "gesamt", "gesamtsumme", "总计", "合计"}
)
_MAX_CHARS: Final = 40  # longest cell that is a number or a date
_MAX_COLUMNS: Final = 1_000  # each is compared with each phrase of a question
_MAX_EVIDENCE: Final = 2_000  # rows of each column that tell how the table writes decimals
_THOUSANDS_MARKS: Final = re.compile(r"[\s\u00a0\u202f'’]+")
_UNIT: Final = r"(?:[^\d\s.,()+−-][^\d()]{0,11})"
_NUMBER: Final = re.compile(
    rf"(?P<open>\()?(?P<sign>[+−-])?(?P<before>{_UNIT}?)\s*(?P<sign2>[−-])?"
    rf"(?P<digits>\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?P<exponent>[eE][+-]?\d{{1,2}})?(?P<close>\))?\s*(?P<after>{_UNIT})?"
)
_PLAIN: Final = re.compile(r"-?(?:[1-9][0-9]{0,14}|0)(?:\.[0-9]{1,15})?")
_GROUPED: Final = {mark: re.compile(rf"[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+") for mark in ".,"}
_ISO: Final = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:[T ]\d{1,2}:\d{2}.{0,20})?")
_DOTTED: Final = re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?: \d{1,2}:\d{2}.{0,10})?")
_SLASHED: Final = re.compile(r"(?P<first>\d{1,2})[/-](?P<second>\d{1,2})[/-](?P<year>\d{4})(?: \d{1,2}:\d{2}.{0,10})?")
MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "january jan,february feb,march mar,april apr,may may,june jun,july jul,august aug,september sep sept,october oct,"
        "november nov,december dec".split(","),
        1,
    )
    for name in names.split()
}
_MONTH: Final = "|".join(MONTHS)
_WORDED: Final = (
    re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ .-]+(?P<name>{_MONTH})[., -]+(?P<year>\d{{4}})"),
    re.compile(rf"(?P<name>{_MONTH})[. ]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<year>\d{{4}})"),
)


class UnclearCellsError(ExpertError):
    """The cells of a column can be read in two ways, so nothing is computed from them."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells of a column as numbers."""

    values: Sequence[float | None]
    """One for each row; None for a cell that is missing."""
    before: str = ""
    """Unit in front of each number, such as "$"."""
    after: str = ""
    """Unit behind each number, such as " kg" or "%"."""

    def format(self, value: float) -> str:
        """Write a number with the column's unit, without the noise of binary fractions."""
        number = f"{abs(round(value, 6)):,.6f}".rstrip("0").rstrip(".")
        return f"{'-' if round(value, 6) < 0 else ''}{self.before}{number}{self.after}"


class _Parsed(NamedTuple):  # a million of them are made
    digits: str
    negative: bool = False
    before: str = ""
    after: str = ""
    exponent: str = ""


@dataclass(frozen=True)  # without slots: cached_property needs a __dict__
class Column:
    """One column: its name and its cells."""

    name: str
    cells: Sequence[str]
    decimal: str | None = None
    """Decimal mark of the table's numbers; None where the table doesn't tell."""

    @functools.cached_property
    def filled(self) -> Sequence[str]:
        """Cells that aren't missing."""
        return [cell for cell in self.cells if cell.lower() not in MISSING]

    @functools.cached_property
    def parsed(self) -> Sequence[_Parsed] | None:
        """The filled cells as signs and digits; None where one is no number, or an identifier such as 007."""
        found = []
        for cell in self.filled:
            if (parsed := _parse_number(cell)) is None:
                return None
            found.append(parsed)
        return found or None

    @functools.cached_property
    def is_number(self) -> bool:
        """True where all cells are numbers."""
        return self.parsed is not None

    @functools.cached_property
    def is_date(self) -> bool:
        """True where all cells are dates."""
        return bool(self.filled) and all(_match_date(cell) for cell in self.filled)

    @functools.cached_property
    def numbers(self) -> Numbers:
        """The cells as numbers.

        Raises:
            ExpertError: They aren't numbers, have several units, or can be read in two ways.
        """
        if self.parsed is None:
            raise ExpertError(f"The column {self.name} isn't made of numbers alone, so it can't be calculated with.")
        units = {(parsed.before, parsed.after) for parsed in self.parsed}
        if len(units) > 1:
            named = " and ".join(sorted((before + after).strip() or "none" for before, after in units)[:3])
            raise UnclearCellsError(f"The column {self.name} has several units ({named}), so it can't be calculated with.")
        decimal = find_decimal_mark(parsed.digits for parsed in self.parsed) or self.decimal
        if decimal is None and (unclear := next((p.digits for p in self.parsed if not p.digits.isdigit()), None)):
            raise UnclearCellsError(
                f"“{unclear}” in the column {self.name} has decimals or thousands, it isn't clear which: write it plainly."
            )
        read = iter(self.parsed)
        values = [None if cell.lower() in MISSING else _to_float(next(read), decimal or ".", self.name) for cell in self.cells]
        before, after = next(iter(units))
        return Numbers(values, before, after if after in {"", "%"} or not after[0].isalpha() else f" {after}")

    @functools.cached_property
    def dates(self) -> Sequence[date | None]:
        """The cells as dates, None for a missing one.

        Raises:
            ExpertError: They aren't dates, or day and month can't be told apart.
        """
        if not self.is_date:
            raise ExpertError(f"The column {self.name} isn't made of dates alone, so no date can be compared with it.")
        slashed = [match for cell in self.filled if (match := _SLASHED.fullmatch(cell))]
        day_first = any(int(match["first"]) > 12 for match in slashed)
        month_first = any(int(match["second"]) > 12 for match in slashed)
        if slashed and day_first == month_first and any(match["first"] != match["second"] for match in slashed):
            raise UnclearCellsError(
                f"“{slashed[0][0]}” in the column {self.name} can have the day or the month first: write it as 2024-12-31."
            )
        try:
            return [None if cell.lower() in MISSING else _to_date(cell, day_first) for cell in self.cells]
        except ValueError as error:
            raise ExpertError(f"The column {self.name} has a date that no calendar has.") from error


def _parse_number(cell: str) -> _Parsed | None:
    if _PLAIN.fullmatch(cell):  # most, so first
        return _Parsed(cell[1:], negative=True) if cell[0] == "-" else _Parsed(cell)
    match = _NUMBER.fullmatch(cell) if len(cell) <= _MAX_CHARS else None
    if match is None or bool(match["open"]) != bool(match["close"]) or (match["sign"] and match["sign2"]):
        return None
    digits = _THOUSANDS_MARKS.sub("", match["digits"])
    spaced = re.search(r"\d[\s\u00a0\u202f'’]+(?!\d{3}(?!\d))", match["digits"].strip())
    if spaced or (len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()):  # a phone number, a postal code
        return None
    before, after = (match["before"] or "").strip(), (match["after"] or "").strip()
    if (
        (before.isalnum() and not before.isupper() and len(before) > 3)
        or "=" in before
        or re.search(r"[/:@]", before + after[:1])
    ):
        return None  # "room 12", a formula, a time
    negative = bool(match["open"]) or "−" in (match["sign"], match["sign2"]) or "-" in (match["sign"], match["sign2"])
    return _Parsed(digits, negative, before, after, match["exponent"] or "")


def find_decimal_mark(numbers: Iterable[str]) -> str | None:
    """Find the decimal mark of numbers from those that can be read in one way only; None where none tells.

    >>> find_decimal_mark(["1.234,5"]), find_decimal_mark(["1.234"])
    (',', None)
    """
    marks = set()
    for digits in numbers:
        points, commas = digits.count("."), digits.count(",")
        if points and commas:
            marks.add("." if digits.rindex(".") > digits.rindex(",") else ",")
        elif points > 1 or commas > 1:
            marks.add("," if points else ".")
        elif points or commas:
            mark = "." if points else ","
            if not _GROUPED[mark].fullmatch(digits):
                marks.add(mark)
    return marks.pop() if len(marks) == 1 else None


def _to_float(parsed: _Parsed, decimal: str, column: str) -> float:
    thousands = "," if decimal == "." else "."
    whole, mark, fraction = parsed.digits.partition(decimal)
    if (thousands in whole and not _GROUPED[thousands].fullmatch(whole)) or (mark and not fraction.isdigit()):
        raise UnclearCellsError(f"“{parsed.digits}” in the column {column} is written otherwise than its other numbers.")
    value = float(f"{whole.replace(thousands, '') or '0'}.{fraction or '0'}{parsed.exponent}")
    return -value if parsed.negative else value


def _match_date(cell: str) -> re.Match[str] | None:
    if len(cell) > _MAX_CHARS or (not cell[-1:].isdecimal() and ":" not in cell):
        return None
    matches = (pattern.fullmatch(cell.lower()) for pattern in (_ISO, _DOTTED, _SLASHED, *_WORDED))
    return next(filter(None, matches), None)


def _to_date(cell: str, day_first: bool) -> date:
    match = _match_date(cell)
    parts: Mapping[str, str] = match.groupdict() if match else {}
    if "first" in parts:
        day, month = (parts["first"], parts["second"]) if day_first else (parts["second"], parts["first"])
    else:
        day, month = parts["day"], parts.get("month") or str(MONTHS[parts["name"]])
    return date(int(parts["year"]), int(month), int(day))


@dataclass(frozen=True)
class Table:
    """A table with the columns that it names; rows that sum others up are left out."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    left_out: Sequence[str] = ()
    """First cells of the rows that were left out."""

    @functools.cached_property
    def identity(self) -> Column | None:
        """The column that names a row: the first of texts that are all different, else none."""
        texts = [column for column in self.columns if not column.is_number and not column.is_date]
        named = [column for column in texts if len(set(column.cells)) == len(column.cells)]
        worded = [column for column in named if any(re.match(r"[^\W\d]{2}|=", cell) for cell in column.cells[:50])]
        return next(iter(worded or named), None)


def build_table(rows: Sequence[Sequence[str]], separator: str) -> Table:
    """Build a table from rows whose first is the header.

    Args:
        rows: All of one width.
        separator: Between cells in the file; where it is no comma, "1,234" may have decimals.

    Raises:
        ExpertError: It has more columns than a question is compared with.
    """
    header, *body = rows
    if len(header) > _MAX_COLUMNS:
        raise ExpertError(f"The table has {len(header):,} columns; up to {_MAX_COLUMNS:,} are read: attach a part of it.")
    names = [name or f"column {number}" for number, name in enumerate(header, 1)]
    totals = [row for row in body[-3:] if next(filter(None, row), "").lower().rstrip(":") in _TOTALS]
    kept = [row for row in body if not any(row is total for total in totals)] if totals else body
    plain = [Column(name, cells) for name, cells in zip(names, zip(*kept, strict=True), strict=False)]
    plain = plain or [Column(name, ()) for name in names]
    heads = [Column(column.name, column.cells[:_MAX_EVIDENCE]) for column in plain]
    marks = {find_decimal_mark(p.digits for p in (head.parsed or ())) for head in heads} - {None}
    decimal = marks.pop() if len(marks) == 1 else None
    if decimal is None and not marks and separator == ",":
        decimal = "."
    columns = [Column(column.name, column.cells, decimal) for column in plain] if decimal else plain
    return Table(columns, kept, [next(filter(None, row)) for row in totals])
