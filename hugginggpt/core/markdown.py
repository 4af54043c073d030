"""Escaping and shortening of untrusted text inside Markdown: it never becomes markup."""

from typing import Final

_MARKS: Final = "\\`*_{}[]<>#|~"


def escape(text: str) -> str:
    """Escape every mark of Markdown and HTML in a text."""
    return text.translate({ord(mark): "\\" + mark for mark in _MARKS})


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
