"""The readable text of a web page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_UNSEEN: Final = frozenset({"script", "style", "noscript", "template", "svg", "nav", "footer", "form", "head"})
_BLOCKS: Final = frozenset(
    "p div section article main header li ul ol table tr h1 h2 h3 h4 h5 h6 blockquote pre br figcaption dd dt".split()
)


def is_page(text: str) -> bool:
    """Whether a text is an HTML page."""
    return bool(re.match(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html)\b", text[:2000], re.I | re.S))


def page_text(html: str) -> str:
    """What a person reads on the page: its paragraphs, without menus, scripts and forms."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._hidden.append(tag)
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:  # a page may forget to close what stands inside
            del self._hidden[self._hidden.index(tag) :]
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data.replace("\n", " "))
