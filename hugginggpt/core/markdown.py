"""Text that was read, heard or fetched, inside Markdown: it stays text and never becomes markup."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

_MARKS: Final = "\\`*_{}[]<>#|~"
_MAX_CELL_CHARS: Final = 80


def escape(text: str) -> str:
    """Return the text with every mark of Markdown and HTML made literal."""
    return text.translate({ord(mark): "\\" + mark for mark in _MARKS})


def strip_markdown(text: str) -> str:
    """Undo `escape`."""
    return re.sub(rf"\\([{re.escape(_MARKS)}])", r"\1", text)


def sanitize_markdown(text: str) -> str:
    """Disarm Markdown of any origin: no HTML, and pictures become links, which no browser fetches unasked.

    Blocks of code stay as they are; elsewhere a zero-width space breaks up the start of each tag and picture.
    """
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        marker = _FENCE.match(line)
        if fence:
            fence = "" if marker and marker[1].startswith(fence) and not marker[2].strip() else fence  # by no fewer marks
        elif marker:
            fence = marker[1]
        else:
            line = _TAG.sub("<\u200b", line).replace("![", "!\u200b[")
        lines.append(line)
    return "\n".join(lines)


_FENCE: Final = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")  # backticks behind backticks make code in a line, no block
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")  # of a tag, "</", "<!--" or "<?"; "a < b" is none


def shorten(text: str, limit: int) -> str:
    """Return the text, cut when it has more than `limit` characters: at a blank, unless that would take half of it.

    >>> shorten("A cat on a mat", 12)
    'A cat on a …'
    """
    if len(text) <= limit:
        return text
    words = text[:limit].rsplit(" ", 1)[0]
    return (words if 2 * len(words) > limit else text[:limit]) + " …"


def fold_into_line(text: str, limit: int) -> str:
    """Return the text in one line, cut as `shorten` does."""
    words = text.split(maxsplit=limit)  # so many are longer than the line, however long the text is
    return shorten(" ".join(words), limit)


def quote_text(text: str, limit: int) -> str:
    """Return a quotation that keeps its lines, of at most `limit` characters; a tab is a gap between columns."""
    rows = [row.replace("\t", " · ") for row in shorten(text, limit).splitlines() if row.strip()]
    return "\n".join(f"> {escape(row)}  " for row in rows)  # two blanks keep the line break


def link_names(text: str, addresses: Mapping[str, str]) -> str:
    """Return the text with each name that has an address made a link, but where it stands in code or is a link already.

    >>> link_names("See image-2, not `image-2`.", {"image-2": "/f/2.png"})
    'See [image-2](</f/2.png>), not `image-2`.'
    """
    if not addresses:
        return text
    names = "|".join(sorted(map(re.escape, addresses), key=len, reverse=True))  # longest first: a regex tries them in order
    pattern = re.compile(rf"{_UNLINKED}|(?<![A-Za-z0-9.-])(?P<name>{names})(?![A-Za-z0-9-]|\.[A-Za-z0-9])", re.DOTALL)
    return pattern.sub(lambda m: f"[{m['name']}](<{addresses[m['name']]}>)" if m["name"] else m[0], text)


_UNLINKED: Final = (  # repetitions are bounded: an open bracket must not make the search quadratic
    r"(?P<fence>```|~~~).*?(?:(?P=fence)|\Z)|(?P<ticks>`+)[^\n]{0,400}?(?P=ticks)|!?\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)"
    r"|<[A-Za-z/][^>\n]{0,400}>|https?://\S+"
)
"""Code, links, HTML and addresses."""


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table, the first one its head; cells are one line each, and rows as long as the head."""
    head, *body = [[_format_cell(cell) for cell in row] for row in rows]
    padded = ([*row, *[""] * len(head)][: len(head)] for row in body)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *padded))


def _format_cell(text: str) -> str:
    return escape(fold_into_line(text, _MAX_CELL_CHARS))
