"""Markdown that a model wrote, as HTML that can do nothing: no tags of its own, no pictures from elsewhere, no scripts."""

import re
from collections.abc import Collection
from html import escape
from typing import Final

from hugginggpt.core.events import ModelRef
from hugginggpt.core.markdown import link_names

_HUB_ID: Final = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_LOWEST_HEADING: Final = 6
_HEADING_SHIFT: Final = 2


def render_markdown(markdown: str, names: Collection[str] = ()) -> str:
    """Return Markdown as HTML.

    Args:
        markdown: Whatever a controller wrote; HTML in it is shown as text, a picture as a link.
        names: Resources that stand in the page; where the text names one, that is a link to it.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
    tokens = parser.parse(link_names(markdown, {name: f"#{name}" for name in names}))
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:  # the page has headings of its own above
            token.tag = f"h{min(int(token.tag[1:]) + _HEADING_SHIFT, _LOWEST_HEADING)}"
        for inner in token.children or ():
            if inner.type == "link_open" and not str(inner.attrGet("href")).startswith("#"):
                inner.attrSet("rel", "noopener noreferrer nofollow")
    return str(parser.renderer.render(tokens, parser.options, {}))


def link_resources(text: str, names: Collection[str]) -> str:
    """Return plain text as HTML, in which the names of resources that stand in the page are links to them."""
    if not names:
        return escape(text)
    found = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])", re.ASCII)
    parts = found.split(text)  # the captured names are at odd places
    return "".join(f'<a href="#{escape(part)}">{escape(part)}</a>' if n % 2 else escape(part) for n, part in enumerate(parts))


def link_models(model: ModelRef) -> str:
    """Return a model's name, linked to its card on the Hub where it has one; of several that ran together, each."""
    hub = model.backend != "controller"  # a server's models have names of its own
    return " + ".join(
        f'<a href="https://huggingface.co/{escape(each)}" rel="noopener noreferrer">{escape(each)}</a>'
        if hub and _HUB_ID.fullmatch(each)
        else escape(each)
        for each in model.id.split(" + ")
    )
