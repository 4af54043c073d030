"""Link that carries a request: it fills the box, and nothing runs before the person sends it."""

from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, quote

from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA, is_example

_MAX_CHARS: Final = 4_000
"""The longest request that a link carries, in characters: browsers and proxies cut longer addresses."""
_MAX_FILES: Final = 5
_MAX_FIELDS: Final = 20


def read_link(search: str) -> dict[str, Any]:
    """Return what the box holds for the query of the page's address, "?request=…&example=cat.jpg".

    Only shipped examples can be named as files: a link must not have a visitor's page read anything else.
    """
    try:
        fields = parse_qs(search.removeprefix("?"), max_num_fields=_MAX_FIELDS)  # a link may come from anybody
    except ValueError:  # more fields than that, or what is no query at all
        fields = {}
    names = [name for name in fields.get("example", ()) if is_example(name)][:_MAX_FILES]
    files = [str(EXAMPLE_MEDIA / name.rpartition("/")[2]) for name in names]  # `is_example` takes paths, too
    return {"text": fields.get("request", [""])[0][:_MAX_CHARS], "files": files}


def build_query(text: str, examples: tuple[str, ...] = ()) -> str:
    """Return the query that fills the box with a request.

    Args:
        text: The request.
        examples: File names of shipped examples that it came with.
    """
    return f"?request={quote(text[:_MAX_CHARS], errors='replace')}{''.join(f'&example={quote(name)}' for name in examples)}"


def draw_link(run: BackgroundRun | None, words: Words) -> str:
    """Return a link that carries a run's request, with those of its files that everybody has, and a button that copies it."""
    if run is None:
        return ""
    names = [resource.origin.label for resource in run.attached]
    address = escape(build_query(run.text, tuple(name for name in names if is_example(name))))  # uploads stay here
    return (
        f'<a href="{address}">{escape(words("keep.link"))}</a> '
        f'<button type="button" data-done="{escape(words("keep.copied"))}">{escape(words("keep.copy"))}</button>'
    )
