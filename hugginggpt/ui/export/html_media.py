"""Files of a run inside a web page: each stands there once, as data; nothing is fetched."""

import base64
import io
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.export.trace_writer import MEDIA_BYTES, guess_media_type
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.markup import escape_text
from hugginggpt.workspace import media

_MAX_ROWS: Final = 50
_MAX_PIXELS: Final = 50_000_000  # a small file may unpack to gigabytes
_MAX_CHARS: Final = 20_000


@dataclass
class Figures:
    """Draws resources as figures until the page is full."""

    words: Words
    remaining_bytes: int = MEDIA_BYTES
    """Bytes of files that still fit."""
    _drawn: set[str] = field(default_factory=set)

    def draw(self, resource: Resource) -> str:
        """Return a resource as a figure that can be linked to by its name; empty where the page shows it already."""
        if resource.name in self._drawn:
            return ""
        self._drawn.add(resource.name)  # HTML ids are unique
        left_out = escape(self.words("share.left_out"))
        shown = self._draw_content(resource) or f'<p class="sentence">{left_out}</p>'
        about = ", ".join(filter(None, [resource.measure, self._describe_origin(resource)]))
        caption = f"<strong>{escape(resource.name)}</strong> {escape(about)}"
        return f'<figure id="{escape(resource.name)}">{shown}<figcaption>{caption}</figcaption></figure>'

    def _describe_origin(self, resource: Resource) -> str:
        origin = resource.origin
        if origin.source == "task":
            return self.words("share.origin_task", task=origin.label)
        how = self.words(f"share.origin_{origin.source}")
        return f"{origin.label} ({how})"

    def _draw_content(self, resource: Resource) -> str:
        if resource.text is not None:
            return f'<blockquote class="said" tabindex="0">{escape(cut_text(resource.text))}</blockquote>'
        if resource.path is None or not (address := self._make_data_url(resource, resource.path)):
            return ""
        label = escape(f"{resource.name}: {self._describe_origin(resource)}")
        match resource.kind:
            case Kind.IMAGE:
                return f'<img src="{address}" alt="{label}">'
            case Kind.AUDIO:
                return f'<audio controls src="{address}" aria-label="{label}"></audio>'
            case Kind.VIDEO:
                return f'<video controls playsinline src="{address}" aria-label="{label}"></video>'
            case _:
                return self._draw_table(resource, resource.path, address)

    def _make_data_url(self, resource: Resource, path: Path) -> str:
        """Return a file as a data address; empty where it is gone, or too large for what is left of the page."""
        try:
            if path.stat().st_size > self.remaining_bytes:  # before it is read into memory
                return ""
            content = path.read_bytes()
            if path.suffix == ".tif":  # which browsers don't show
                content, type_ = _convert_to_png(path), "image/png"
            else:
                type_ = guess_media_type(resource)
        except (OSError, ResourceError):  # the session is over, or it is no picture
            return ""
        self.remaining_bytes -= len(content)
        return f"data:{type_};base64,{base64.b64encode(content).decode('ascii')}"

    def _draw_table(self, resource: Resource, path: Path, address: str) -> str:
        file = f"{resource.name}{path.suffix}"
        keep = escape(self.words("share.keep", file=file))
        rows = media.read_first_rows(path, _MAX_ROWS + 2)  # the head, and one to see whether there are more
        note = escape(self.words("share.first_rows", count=_MAX_ROWS)) if len(rows) > _MAX_ROWS + 1 else ""
        link = f'<a href="{address}" download="{escape(file)}">{keep}</a>'
        return f"{render_table(rows[: _MAX_ROWS + 1])}<p>{note} {link}</p>"


def render_table(rows: list[list[str]]) -> str:
    """Return rows as a table, the first one its head."""
    if not rows:
        return ""
    head, *body = rows
    cells = "".join(f'<th scope="col">{escape_text(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape_text(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def cut_text(text: str) -> str:
    """Return a text, or of a very long one its beginning."""
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]} …"


def _convert_to_png(path: Path) -> bytes:
    encoded = io.BytesIO()
    media.open_image(path, max_pixels=_MAX_PIXELS).save(encoded, "PNG")
    return encoded.getvalue()
