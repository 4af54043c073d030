"""The session's resources as cards: how each looks, what it is called, where it came from, and what can be done with it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from hugginggpt.core.markdown import shorten
from hugginggpt.core.page_marks import split_pages
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.assets import load_script
from hugginggpt.ui.i18n import Words
from hugginggpt.workspace.media import read_first_rows

ON_LOAD: Final = load_script("shelf")
"""For ``gr.HTML(js_on_load=…)``: its event ``select`` then carries the ``name`` of the resource to use next."""

_ICON_PATHS: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "M4 5h16M4 10h11M4 15h16M4 20h7",
    Kind.AUDIO: "M4 10v4M8 6v12M12 3v18M16 7v10M20 10v4",
    Kind.VIDEO: "M3 5h18v14H3zM10 9l5 3l-5 3z",
    Kind.TABLE: "M3 5h18v14H3zM3 10h18M3 14.5h18M9 10v9M15 10v9",
    Kind.IMAGE: "M3 5h18v14H3zM3 16l5-5l4 4l3-3l6 5",
}
_MAX_LINE_CHARS: Final = 120
_MAX_LABEL_CHARS: Final = 300
_MAX_PARENTS: Final = 20
_MAX_HEAD_CHARS: Final = 10_000  # of a text among which its first line is looked for
_ENGLISH: Final = Words()
_NOTHING: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})  # a default that nobody can change


def draw_cards(
    resources: Sequence[Resource],
    get_url: Callable[[Resource], str],
    made_from: Mapping[str, tuple[str, ...]] = _NOTHING,
    words: Words = _ENGLISH,
) -> str:
    """Return the resources as HTML, in their order; `ON_LOAD` belongs to it.

    Args:
        resources: All resources of the session.
        get_url: Where the browser finds the file of one; asked only for those that have a file.
        made_from: What each was made from, from `lineage`.
        words: The visitor's language.
    """
    if not resources:
        icon = _draw_icon("M3 7h7l2 2h9v11H3z")
        return (
            f'<div class="hgpt hgpt-shelf empty">{icon}<p>{escape(words("shelf.empty"))}</p>'
            f'<p class="hint">{escape(words("shelf.empty_hint"))}</p></div>'
        )
    label = escape(words("shelf.label", count=len(resources)))
    cards = "".join(_draw_card(resource, get_url, made_from.get(resource.name, ()), words) for resource in resources)
    return f'<ul class="hgpt hgpt-shelf" role="list" aria-label="{label}">{cards}</ul>'


def _draw_card(resource: Resource, get_url: Callable[[Resource], str], parents: Sequence[str], words: Words) -> str:
    name = escape(resource.name)
    # a text without a file is short, and is carried by the link itself
    link = get_url(resource) if resource.path else f"data:text/plain;charset=utf-8,{quote(resource.text or '')}"
    file = resource.name + (resource.path.suffix if resource.path else ".txt")  # not the name on the disk, which is random
    origin = _describe_origin(resource, parents, words)
    first_line, measure = _find_first_line(resource), shorten(resource.measure, _MAX_LABEL_CHARS)
    return (
        f'<li class="card"><div class="look">{_draw_preview(resource, link, origin)}</div>'
        f'<div class="about"><p class="title"><b>{name}</b> <span class="measure">{escape(measure)}</span></p>'
        f'<p class="origin" title="{escape(origin)}">{escape(origin)}</p>'
        f'{f"""<p class="line">{escape(first_line)}</p>""" if first_line else ""}'
        f'<p class="actions"><button type="button" data-name="{name}"'
        f' aria-label="{escape(words("shelf.use_name", name=resource.name))}">{escape(words("shelf.use"))}</button>'
        f'<a href="{escape(link)}" download="{escape(file)}"'
        f' aria-label="{escape(words("shelf.download_name", name=resource.name))}">{escape(words("shelf.download"))}</a></p>'
        "</div></li>"
    )


def _draw_preview(resource: Resource, link: str, origin: str) -> str:
    """Return a thumbnail of the resource, or the icon of its kind."""
    if resource.kind is Kind.IMAGE and resource.path:
        return f'<img src="{escape(link)}" alt="{escape(f"{resource.name}: {origin}")}" loading="lazy" decoding="async">'
    if resource.kind is Kind.VIDEO and resource.path:
        return f'<video src="{escape(link)}" preload="metadata" muted playsinline tabindex="-1" aria-hidden="true"></video>'
    return _draw_icon(_ICON_PATHS[resource.kind])


def _draw_icon(path: str) -> str:
    return f'<svg class="sign" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{path}"/></svg>'


def _describe_origin(resource: Resource, parents: Sequence[str], words: Words) -> str:
    label = shorten(resource.origin.label, _MAX_LABEL_CHARS)
    if parents:
        shown = [*parents[:_MAX_PARENTS], *(["…"] if len(parents) > _MAX_PARENTS else [])]
        return words("shelf.from_task_of", label=label, names=words("shelf.comma").join(shown))
    return words(f"shelf.from_{resource.origin.source}", label=label)


def _find_first_line(resource: Resource) -> str:
    """Return the first line of a text, or the first row of a table."""
    if resource.kind is Kind.TABLE and resource.path:
        return _read_first_row(resource.path)
    pages = split_pages((resource.text or "")[:_MAX_HEAD_CHARS])  # without the marks between them
    line = next((line.strip() for _, page in pages for line in page.splitlines() if line.strip()), "")
    return line if len(line) <= _MAX_LINE_CHARS else f"{line[:_MAX_LINE_CHARS]}…"


@functools.lru_cache(maxsize=256)
def _read_first_row(path: Path) -> str:
    """Return the first row of a table; a resource's file never changes."""
    rows = read_first_rows(path, 1)
    return " · ".join(rows[0])[:_MAX_LINE_CHARS] if rows else ""
