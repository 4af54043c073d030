"""Readable text of a web page."""

import re
from html.parser import HTMLParser
from typing import Final

from hugginggpt.core.errors import ResourceError

_HIDDEN_TAGS: Final = frozenset({"script", "style", "noscript", "template", "svg", "nav", "footer", "form", "head"})
_BLOCK_TAGS: Final = frozenset(
    "p div section article main header li ul ol table tr h1 h2 h3 h4 h5 h6 blockquote pre br figcaption dd dt".split()
)

_MAX_CHARS: Final = 2 * 2**20
_MAX_TAGS: Final = 300_000  # Python's parser takes up to 2 µs for each
_UNKNOWN_SECTION: Final = re.compile(
    r"<!\[(?!(?:cdata|rcdata|temp|ignore|include|if|else|endif)(?![-\w.]))", re.IGNORECASE | re.ASCII
)
"""Beginning of a marked section that Python's parser refuses with an AssertionError; browsers take it for a comment."""


def is_html_page(text: str) -> bool:
    """Return whether a text is an HTML page."""
    return bool(re.match(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html)\b", text[:2000], re.I | re.S))


def extract_page_text(html: str) -> str:
    """Return the page's paragraphs as a person reads them, without menus, scripts and forms.

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
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n\n".join(line for line in lines if line)


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []  # a stack: hidden elements may lie in each other

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN_TAGS:
            self._hidden.append(tag)
        elif tag in _BLOCK_TAGS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:  # a page may forget to close elements inside this one
            del self._hidden[self._hidden.index(tag) :]
        elif tag in _BLOCK_TAGS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data.replace("\n", " "))  # a line break in HTML is a blank; ours end paragraphs
