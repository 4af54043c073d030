"""Readable text of a web page, its lists and tables as Markdown writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from hugginggpt.core.errors import ResourceError

_HIDDEN_TAGS: Final = frozenset({"script", "style", "noscript", "template", "svg", "nav", "footer", "form", "head"})
_BLOCK_TAGS: Final = frozenset(
    "p div section article main header li ul ol table tr h1 h2 h3 h4 h5 h6 blockquote pre br figcaption dd dt".split()
)
_CELL_TAGS: Final = frozenset({"td", "th"})
_MAX_CELL_CHARS: Final = 1_000
"""Longest cell of a table; a page that is laid out by tables has longer ones, and is read as paragraphs."""
_MAX_NESTING: Final = 50  # of tables and of lists; deeper ones are read as paragraphs
_LINE_KIND: Final = re.compile(r"[|-](?= )|\|(?=[ -])|\d+\.(?= )")
"""Beginning of a line of a table or a list."""
_ITEM_MARK: Final = re.compile(r"- |\d+\. ")

_MAX_CHARS: Final = 2 * 2**20
_MAX_TAGS: Final = 300_000  # Python's parser takes up to 2 µs for each
_UNKNOWN_SECTION: Final = re.compile(
    r"<!\[(?!(?:cdata|rcdata|temp|ignore|include|if|else|endif)(?![-\w.]))", re.IGNORECASE | re.ASCII
)
"""Beginning of a marked section that Python's parser refuses with an AssertionError; browsers take it for a comment."""


def is_html_page(text: str) -> bool:
    """Return whether a text is an HTML page."""
    return bool(re.match(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html)\b", text[:2000], re.I | re.S))


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as it is read."""

    text: str
    """Its paragraphs, a blank line between them; tables as Markdown."""
    tables: tuple[Sequence[Sequence[str]], ...]
    """The cells of its tables, row by row."""


def extract_page_text(html: str) -> str:
    """Return the page's paragraphs as a person reads them, without menus, scripts and forms.

    Raises:
        ResourceError: The page is so long that reading it would take seconds.
    """
    return read_page(html).text


def read_page(html: str) -> PageText:
    """Return the page's text, as `extract_page_text` does, and its tables.

    Raises:
        ResourceError: The page is so long that reading it would take seconds.
    """
    if len(html) > _MAX_CHARS or html.count("<") > _MAX_TAGS:
        raise ResourceError(
            f"The web page has more than {_MAX_CHARS >> 20} MB or {_MAX_TAGS:,} tags, which is the most that is read: "
            "attach the part that you need as a text."
        )
    # the parser looks for a tag's end from every "<" that has none, as far as the text goes
    end = html.rfind(">") + 1
    reader = _TextReader()
    reader.feed(_UNKNOWN_SECTION.sub("&lt;![", html[:end]) + html[end:].partition("<")[0])
    reader.close()
    while reader.tables:  # of a page that was cut off
        reader.close_table()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return PageText(_join_lines([line for line in lines if line]), tuple(reader.found))


def _join_lines(lines: Sequence[str]) -> str:
    """Join lines: those of one list or table below each other, paragraphs with a blank line between them."""
    kinds = [match[0] if (match := _LINE_KIND.match(line)) else "" for line in lines]
    kinds = ["1" if kind[:1].isdigit() else kind for kind in kinds]
    pieces: list[str] = []
    for line, kind, before in zip(lines, kinds, ["", *kinds], strict=False):
        pieces += ["\n" if kind and kind == before else "\n\n", line]
    return "".join(pieces).strip()


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Format cells as a table in Markdown, the first row its header."""
    width = max(map(len, rows), default=0)
    lines = [
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in (*row, *[""] * (width - len(row)))) + " |"
        for row in rows
    ]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]])


@dataclass(slots=True)
class _Table:
    """A table that is being read; its cells are kept as paragraphs too, for a table that only lays out a page."""

    rows: list[list[str]] = field(default_factory=list)
    start: int = 0
    """Its first place among the pieces."""
    cell_start: int | None = None
    """The first place of the open cell among the pieces."""
    is_layout: bool = False


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.tables: list[_Table] = []
        """The tables that are open, the outermost first."""
        self.found: list[list[list[str]]] = []
        self._hidden: list[str] = []  # a stack: hidden elements may lie in each other
        self._lists: list[int | None] = []  # the open lists: the number of the last item, None where they aren't numbered

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN_TAGS:
            self._hidden.append(tag)
        elif tag == "table" and len(self.tables) < _MAX_NESTING:
            for outer in self.tables:
                outer.is_layout = True
            self.pieces.append("\n")
            self.tables.append(_Table(start=len(self.pieces)))
        elif tag == "tr" and self.tables:
            self._close_cell()
            self.tables[-1].rows.append([])
            self.pieces.append("\n")
        elif tag in _CELL_TAGS and self.tables:
            self._close_cell()
            self.pieces.append("\n")
            self.tables[-1].cell_start = len(self.pieces)
        elif tag in _BLOCK_TAGS:
            if not (self.pieces and _ITEM_MARK.fullmatch(self.pieces[-1])):  # <li><p>: one line
                self.pieces.append("\n")
            self._mark_item(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:  # a page may forget to close elements inside this one
            del self._hidden[self._hidden.index(tag) :]
        elif tag == "table" and self.tables:
            self.close_table()
        elif tag in _CELL_TAGS and self.tables:
            self._close_cell()
        elif tag in _BLOCK_TAGS:
            self.pieces.append("\n")
            if tag in {"ul", "ol"} and self._lists:
                self._lists.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data.replace("\n", " "))  # a line break in HTML is a blank; ours end paragraphs

    def close_table(self) -> None:
        """Put a table's Markdown in the place of its cells, unless it only lays out the page."""
        self._close_cell()
        table = self.tables.pop()
        rows = [row for row in table.rows if any(row)]
        if not table.is_layout and len(rows) > 1 and max(map(len, rows)) > 1:
            self.found.append(rows)
            self.pieces[table.start :] = ["\n", format_table(rows)]
        self.pieces.append("\n")

    def _close_cell(self) -> None:
        table = self.tables[-1]
        if table.cell_start is None:
            return
        pieces = [] if table.is_layout else self.pieces[table.cell_start :]
        table.cell_start = None
        text = " ".join("".join(pieces).split())
        table.is_layout |= len(text) > _MAX_CELL_CHARS
        table.rows = table.rows or [[]]
        table.rows[-1].append(text)

    def _mark_item(self, tag: str) -> None:
        if tag in {"ul", "ol"} and len(self._lists) < _MAX_NESTING:
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            number = self._lists[-1] if self._lists else None
            if number is not None:
                self._lists[-1] = number + 1
            self.pieces.append("- " if number is None else f"{number + 1}. ")
