"""Tables inside plain texts: Markdown's, and lines of cells with one separator, in a file or pasted into a request."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.documents.document import MAX_TABLES

if TYPE_CHECKING:
    from hugginggpt.workspace.workspace import Workspace

HOLDS_TEXT: Final = "holds_text"
"""Key in a table's data: True if the text that it is a part of holds little else."""
PASTED: Final = "pasted"
"""Key in a table's data: the hash of the request that it was pasted into."""
_PASTED_LABEL: Final = "pasted table"
_MAX_REST_WORDS: Final = 12
"""Most words of a text beside its only table, for one that holds little else."""
_MAX_CHARS: Final = 2**20
_MIN_DELIMITED_LINES: Final = 3  # of two lines with a comma in each nobody knows
_MAX_CELL_CHARS, _MAX_CELL_WORDS = 60, 6  # of cells without a rule below their header: more are sentences
_SEPARATORS: Final = "|\t;,"
_RULE: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_BAR: Final = re.compile(r"(?<!\\)\|")
_EMPHASIS: Final = re.compile(r"(\*\*|__|[*_`])(?P<text>[^*_`]+)\1")
_SENTENCE_END: Final = re.compile(r"[.!?:…]$")
_STATEMENT: Final = re.compile(r"\w\s+\w.*\.\W*$")
_LEAD_IN: Final = re.compile(r"^(?:here|below|this|these)\b[^\n?]{0,80}:[ \t]*$", re.IGNORECASE | re.MULTILINE)
"""Line that says no more than that a table follows."""
_FENCE: Final = re.compile(r"```|~~~")


@dataclass(frozen=True, slots=True)
class LocatedTable:
    """A table inside a text."""

    rows: Sequence[Sequence[str]]
    """Its header first, all of one width."""
    start: int
    """Its first line."""
    end: int
    """The line behind its last one."""
    is_markdown: bool = False
    """True if a rule stands below its header."""


def find_tables(text: str) -> list[LocatedTable]:
    """Return the tables of a text: those in Markdown, else one whose lines are cells with the same separator.

    Of a text of more than a million characters none: it is no table that somebody wrote.
    """
    if len(text) > _MAX_CHARS:
        return []
    lines = text.splitlines()
    if found := _find_markdown_tables(lines):
        return found
    return [table] if (table := _find_delimited(lines)) else []


def _find_markdown_tables(lines: Sequence[str]) -> list[LocatedTable]:
    tables: list[LocatedTable] = []
    at = 1
    while at < len(lines):
        rule, header = lines[at].strip(), lines[at - 1]
        width = len(_split_bars(header)) if "|" in rule and "|" in header and _RULE.fullmatch(rule) else 0
        if width < 2 or len(_split_bars(rule)) != width:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and "|" in lines[end]:
            end += 1
        rows = [(*_split_bars(line), *[""] * width)[:width] for line in (header, *lines[at + 1 : end])]
        if len(rows) > 1:
            tables.append(LocatedTable(rows, at - 1, end, is_markdown=True))
        at = end + 1
    return tables


def _split_bars(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [_EMPHASIS.sub(_get_text, cell.strip()).replace("\\|", "|") for cell in _BAR.split(inner)]


def _get_text(match: re.Match[str]) -> str:
    return match["text"]


def _find_delimited(lines: Sequence[str]) -> LocatedTable | None:
    """Return the only lines of a text that are all cells with one separator; None if there are none, or more than one block."""
    blocks: list[LocatedTable] = []
    start = 0
    while start < len(lines):
        separator = max(_SEPARATORS, key=lines[start].count)
        end = start
        while separator in lines[start] and end < len(lines) and separator in lines[end]:
            end += 1
        if end - start >= _MIN_DELIMITED_LINES and (rows := _read_cells(lines[start:end], separator)):
            blocks.append(LocatedTable(rows, start, end))
        start = max(end, start + 1)
    return blocks[0] if len(blocks) == 1 else None


def _read_cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the cells of lines; none where they may be sentences with commas, or are of several widths."""
    try:
        rows = [_split_bars(x) for x in lines] if separator == "|" else list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return []
    rows = [[cell.strip() for cell in row] for row in rows]
    header, *body = rows
    are_cells = all(len(cell) <= _MAX_CELL_CHARS and len(cell.split()) <= _MAX_CELL_WORDS for row in rows for cell in row)
    is_header = all(header) and len({cell.lower() for cell in header}) == len(header) and not _has_number(header)
    is_even = len(rows) == len(lines) and all(len(row) == len(header) for row in rows)  # a quote may hold several lines
    if not (are_cells and is_header and is_even) or any(_SENTENCE_END.search(line.strip()) for line in lines):
        return []
    has_values = any(all(any(map(str.isdigit, row[column])) for row in body) for column in range(len(header)))
    return rows if separator != "," or has_values else []


def _has_number(header: Sequence[str]) -> bool:
    return any(re.fullmatch(r"[\d.,:/ -]*\d[\d.,:/ -]*", cell) for cell in header)


def add_tables_of_text(workspace: Workspace, resource: Resource) -> None:
    """Add the tables of a text as parts of it, as those of other documents are; what has no room is left out."""
    text = resource.text or ""
    tables = find_tables(text)
    rest = _cut(text, tables[0]) if len(tables) == 1 else ""
    is_prose = any(_STATEMENT.search(line) for line in rest.splitlines())  # which may be asked about, too
    holds_text = len(tables) == 1 and not is_prose and len(re.findall(r"\w+", rest)) <= _MAX_REST_WORDS
    if not holds_text and not any(table.is_markdown for table in tables):  # lines of cells among sentences may be anything
        return
    with suppress(ResourceError):
        for number, table in enumerate(tables[:MAX_TABLES], 1):
            origin = Origin(resource.origin.source, f"{resource.origin.label}, table {number}")
            data = {HOLDS_TEXT: True} if holds_text else {}
            path = workspace.new_path(".csv")
            path.write_text(format_csv(table.rows), encoding="utf-8", newline="")
            draft = Resource("", Kind.TABLE, origin, path, data=data, file=resource.file, part_of=resource.name)
            workspace.add_resource(draft)


def _cut(text: str, table: LocatedTable) -> str:
    """Return a text without a table and the marks of a block of code around it."""
    lines = text.splitlines()
    kept = (line for line in (*lines[: table.start], *lines[table.end :]) if not _FENCE.match(line.strip()))
    return "\n".join(kept).strip()


def add_pasted_table(workspace: Workspace, request: str) -> Resource | None:
    """Add the table that is pasted into a request, once; None where there is none, or no room for it."""
    table = _find_pasted(request)
    if table is None:
        return None
    digest = hashlib.sha256(request.encode("utf-8", "replace")).hexdigest()
    if known := next((each for each in workspace.resources if each.data.get(PASTED) == digest), None):
        return known
    with suppress(ResourceError):
        path = workspace.new_path(".csv")
        path.write_text(format_csv(table.rows), encoding="utf-8", newline="")
        return workspace.add_resource(Resource("", Kind.TABLE, Origin("upload", _PASTED_LABEL), path, data={PASTED: digest}))
    return None


def cut_pasted_table(request: str) -> str:
    """Return a request without the table that is pasted into it, and the line that only points at it."""
    table = _find_pasted(request)
    rest = _cut(request, table) if table else request
    return _LEAD_IN.sub("", rest, count=1).strip() or rest


def _find_pasted(request: str) -> LocatedTable | None:
    tables = find_tables(request)
    return tables[0] if len(tables) == 1 else None


def format_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV, separated by commas."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
