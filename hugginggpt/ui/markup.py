"""Texts of any origin as HTML, for the page and for shared pages: Markdown is drawn from its parsed tree.

What a model, a provider, a file or a trace says reaches a browser through these functions alone. They write the elements of a
short list, with no attribute that the text chooses but a link's address; whatever else a text holds is shown as text.
Line breaks are written as references: Gradio removes what looks like indentation from its messages.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.events import ModelRef
from hugginggpt.core.markdown import shorten
from hugginggpt.core.model_card import get_traits
from hugginggpt.core.threads import run_in_time
from hugginggpt.ui.code_highlighting import highlight_code

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_MARKDOWN_CHARS: Final = 20_000
"""A longer text is drawn as Markdown up to a line within this: parsing the worst 200,000 characters takes two seconds."""
MAX_QUICK_CHARS: Final = 2_000
"""A text up to this length is drawn at once: the worst one takes some twenty milliseconds."""
_RENDER_SECONDS: Final = 0.5
"""Processor time for a longer one; ordinary ones take a tenth of it. What takes longer is shown as it is."""
_MAX_TABLE_CELLS: Final = 10_000
"""A text with more cells is drawn without tables: the parser fills up short rows."""
_MAX_SHOWN_CHARS: Final = 250_000
"""A longer text is cut: no language model's answer is read any further, and a trace may hold megabytes."""
_MAX_MODEL_CHARS: Final = 400
_MAX_NESTING: Final = 20
_MAX_OPEN_ELEMENTS: Final = 60
_ELEMENTS: Final = frozenset("a blockquote em h3 h4 h5 h6 li ol p s strong table tbody td th thead tr ul".split())
"""Elements that a text may open; code, rules and line breaks are written whole."""
_HEADINGS: Final = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}  # the page has its own above
_LINK: Final = re.compile(r"(?:https?://[^/\s]|mailto:)\S+", re.IGNORECASE)
"""Addresses that may be links: a relative one would lead into the page's own origin."""
_EXTERNAL_LINK_ATTRIBUTES: Final = ' target="_blank" rel="noopener noreferrer nofollow"'
_WORD: Final = re.compile(
    r"(?P<address>https?://[A-Za-z0-9\[][!#-;=?-_a-z~|]{1,2000})"  # ASCII: in Chinese a sentence goes on without a blank
    r"|(?<![A-Za-z0-9.-])(?P<name>[a-z]+-\d+)(?![A-Za-z0-9-]|\.[A-Za-z0-9])",
    re.ASCII,
)
_HUB_ID: Final = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_WHITESPACE_REFERENCES: Final = str.maketrans({"\n": "&#10;", "\t": "&#9;"})
_BIDI_OVERRIDES: Final = dict.fromkeys(range(0x202A, 0x202F))
"""Characters that reorder the text after them, so that it reads differently than it is."""
_WORD_JOINER: Final = "\u2060"  # invisible, of no width, and no place to break a line
_COPY_BUTTON: Final = (
    '<button title="copy" class="copy_code_button"><span class="copy-text">'
    '<svg viewBox="0 0 15 15" width="15" height="15" aria-hidden="true"><path fill="none" stroke="currentColor" '
    'd="M5 5h8v8H5zM10 5V2H2v8h3"></path></svg></span><span class="check"><svg viewBox="0 0 15 15" width="15" height="15" '
    'aria-hidden="true"><path fill="none" stroke="currentColor" d="M3 8l3 3 6-7"></path></svg></span></button>'
)
"""Gradio's chat listens to buttons of this class, and expects these two parts."""
_NO_LINKS: Final[Mapping[str, str]] = MappingProxyType({})


def escape_text(text: str) -> str:
    """Escape a text for HTML, without characters that reorder it."""
    return escape(text.translate(_BIDI_OVERRIDES))


def link_words(text: str, links: Mapping[str, str] = _NO_LINKS) -> str:
    """Return plain text as HTML that keeps its lines; web addresses, and names of resources that have one, are links.

    >>> link_words("See <image-1>, not image-2.", {"image-1": "#image-1"})
    'See &lt;<a href="#image-1">image-1</a>&gt;, not image-2.'
    """
    return "".join(_link_words(text, links)).replace("\n", "<br>")


def wrap_prose(html: str) -> str:
    """Return blocks of HTML as a message, which Gradio's style sheet knows by this class; nothing of nothing."""
    return html and f'<div class="prose">{html}</div>'


def draw_code(text: str, language: str = "") -> str:
    """Return a text as a block of code, highlighted where its language is known."""
    return f'<pre tabindex="0"><code>{highlight_code(text, language, _escape_code)}</code></pre>'


def _escape_code(text: str) -> str:
    return escape_text(text).translate(_WHITESPACE_REFERENCES)


def render_markdown(text: str, links: Mapping[str, str] = _NO_LINKS, *, copy_buttons: bool = False) -> str:
    """Return Markdown as HTML in one line.

    HTML in it is shown as text, a picture as a link: no browser fetches it unasked. What takes the parser too long, as no
    text of a person does, is shown as plain text.

    Args:
        text: Whatever somebody wrote, whole or as far as it has come.
        links: Addresses of resources by name; where the text names one, outside of code, that is a link.
        copy_buttons: Whether blocks of code get a button, which only Gradio's chat serves.
    """
    text = shorten(text, _MAX_SHOWN_CHARS)
    render = partial(_render, text, links, copy_buttons=copy_buttons)
    try:
        return render() if len(text) <= MAX_QUICK_CHARS else run_in_time(render, _RENDER_SECONDS)
    except TimeoutError:
        return f"<p>{link_words(text)}</p>"


def _render(text: str, links: Mapping[str, str], *, copy_buttons: bool) -> str:
    shown, rest = _split_at_limit(text)
    tokens = _make_parser(tables=_count_cells(shown) <= _MAX_TABLE_CELLS).parse(shown)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):  # deeper than that the parser drops what is written
        return f"<p>{link_words(text)}</p>"
    writer = _Writer(links, copy_buttons)
    writer.write(tokens)
    return "".join(writer.parts) + (f"<p>{link_words(rest)}</p>" if rest else "")


def link_model(model: ModelRef) -> str:
    """Return a model's name as HTML, linked to its card where it is one of the Hub's; of several that ran together, each."""
    on_hub = get_traits(model.backend).is_on_hub  # a server's models have names of its own
    return " + ".join(
        f'<a href="https://huggingface.co/{escape(each)}"{_EXTERNAL_LINK_ATTRIBUTES}>{escape_text(each)}</a>'
        if on_hub and _HUB_ID.fullmatch(each)
        else escape_text(each)
        for each in shorten(model.id, _MAX_MODEL_CHARS).split(" + ")
    )


def neutralize_markup(text: str) -> str:
    """Return a text as HTML that holds the text itself, for Gradio to show and to edit: no tag or reference can begin in it.

    An invisible character stands behind each mark that might begin one, and before the blanks that Gradio would remove.
    """
    return re.sub(r"^(?=[ \t\u2060])", _WORD_JOINER, _MARKUP_START.sub(rf"\1{_WORD_JOINER}", text), flags=re.MULTILINE)


def restore_markup(text: str) -> str:
    """Undo `neutralize_markup`."""
    return re.sub(r"^\u2060|(?<=[<&])\u2060", "", text, flags=re.MULTILINE)


_MARKUP_START: Final = re.compile(r"([<&])(?=[A-Za-z#/!?\u2060])")


def _split_at_limit(text: str) -> tuple[str, str]:
    """Split a text into the part that is drawn as Markdown and the rest beyond the limit."""
    if len(text) <= _MAX_MARKDOWN_CHARS:
        return text, ""
    # at a line's end if there is one in the second half: a cut within a line may break its markup
    end = text.rfind("\n", _MAX_MARKDOWN_CHARS // 2, _MAX_MARKDOWN_CHARS) + 1 or _MAX_MARKDOWN_CHARS
    return text[:end], text[end:]


def _count_cells(text: str) -> int:
    """Return an upper bound on the cells of a table in a text."""
    marks = [line.count("|") for line in text.splitlines()]
    return max(marks, default=0) * len(marks)


@cache
def _make_parser(*, tables: bool) -> "MarkdownIt":
    from markdown_it import MarkdownIt

    options = {"html": False, "breaks": True, "maxNesting": _MAX_NESTING}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"] if tables else ["strikethrough"])


def _link_words(text: str, links: Mapping[str, str]) -> Iterator[str]:
    end = 0
    for found in _WORD.finditer(text):
        word = _trim_address(found["address"]) if found["address"] else found[0]
        address = word if found["address"] else links.get(word, "")  # a name of nothing that exists stays text
        if address:
            yield escape_text(text[end : found.start()])
            yield f"{_open_link(address)}{escape_text(word)}</a>"
            end = found.start() + len(word)
    yield escape_text(text[end:])


def _trim_address(text: str) -> str:
    """Return an address without the marks of the sentence around it."""
    address = text.rstrip("?!.,:;*_~'|")
    while address.endswith((")", "]")) and _is_unbalanced(address):  # “(see https://…)”: the sentence's own bracket
        address = address[:-1].rstrip("?!.,:;*_~'|")
    return address


def _is_unbalanced(address: str) -> bool:
    closing = address[-1]
    return address.count(closing) > address.count({")": "(", "]": "["}[closing])


def _open_link(address: str) -> str:
    return f'<a href="{escape(address)}"{"" if address.startswith("#") else _EXTERNAL_LINK_ATTRIBUTES}>'


@dataclass
class _Writer:
    """Writes the tokens of parsed Markdown as HTML: elements of the list, and all else as text."""

    links: Mapping[str, str]
    copy_buttons: bool
    parts: list[str] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    """End tags of the elements that are open; "" of one that was left out."""

    def write(self, tokens: Sequence["Token"]) -> None:
        """Write tokens in their order."""
        for token in tokens:
            if token.type == "inline":
                if self.parts[-1:] == ["<p>"] and _is_emphasized(token.children or ()):
                    self.parts[-1] = '<p class="aside">'
                self.write(token.children or ())
            elif token.hidden:  # the paragraph of an item in a tight list
                continue
            elif token.nesting > 0:
                self._open(token)
            elif token.nesting < 0:
                self.parts.append(self.closing.pop())
            else:
                self.parts.append(_LEAF_WRITERS.get(token.type, _Writer.draw_text)(self, token))

    def _open(self, token: "Token") -> None:
        tag = _HEADINGS.get(token.tag, token.tag)
        opened, closed = "", ""  # of an element that is left out; what stands in it is written all the same
        if tag == "a":
            opened, closed = self._make_link(str(token.attrGet("href")))
        elif tag in _ELEMENTS and len(self.closing) < _MAX_OPEN_ELEMENTS:
            opened, closed = f"<{tag}{_format_attributes(token)}>", f"</{tag}>"
        self.parts.append(opened)
        self.closing.append(closed)

    def _make_link(self, address: str) -> tuple[str, str]:
        """Return the start and the end of a link; an address that may not be linked is shown behind its words."""
        if address in self.links:
            return _open_link(self.links[address]), "</a>"
        return (_open_link(address), "</a>") if _LINK.fullmatch(address) else ("", f" ({escape_text(address)})")

    def draw_text(self, token: "Token") -> str:
        """Return text with its links; inside a link no other one is made."""
        return escape_text(token.content) if "</a>" in self.closing else link_words(token.content, self.links)

    def draw_inline_code(self, token: "Token") -> str:
        """Return code within a line."""
        return f"<code>{escape_text(token.content)}</code>"

    def draw_code_block(self, token: "Token") -> str:
        """Return a block of code."""
        code = draw_code(token.content.removesuffix("\n"), token.info)
        return f'<div class="code_wrap">{_COPY_BUTTON}{code}</div>' if self.copy_buttons else code

    def draw_image(self, token: "Token") -> str:
        """Return a link to a picture."""
        address = str(token.attrGet("src"))
        words = escape_text("".join(_read_words(token.children or ())) or address)
        if "</a>" in self.closing:
            return words
        opened, closed = self._make_link(address)
        return f"{opened}{words}{closed}"


_LEAF_WRITERS: Final[Mapping[str, Callable[[_Writer, Any], str]]] = {
    "code_inline": _Writer.draw_inline_code,
    "code_block": _Writer.draw_code_block,
    "fence": _Writer.draw_code_block,
    "image": _Writer.draw_image,
    "hr": lambda writer, token: "<hr>",
    "softbreak": lambda writer, token: "<br>",
    "hardbreak": lambda writer, token: "<br>",
}


def _format_attributes(token: "Token") -> str:
    """Return the number that a list begins with, and how a column is aligned."""
    start, style = token.attrGet("start"), token.attrGet("style")
    number = f' start="{int(start)}"' if start is not None else ""
    return number + (f' align="{str(style).removeprefix("text-align:")}"' if style in _ALIGNMENTS else "")


_ALIGNMENTS: Final = frozenset(f"text-align:{side}" for side in ("left", "right", "center"))


def _is_emphasized(tokens: Sequence["Token"]) -> bool:
    """Return whether a paragraph is in italics from its first word to its last, as notes and credits are."""
    return len(tokens) > 1 and tokens[0].type == "em_open" and all(token.level for token in tokens[1:-1])


def _read_words(tokens: Sequence["Token"]) -> Iterator[str]:
    """Yield the words of a picture's description, which may be marked up, too."""
    for token in tokens:
        yield token.content if token.type != "image" else ""
        yield from _read_words(token.children or ())
