"""Word: text with headings, lists, tables and footnotes; pictures inside."""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hugginggpt.workspace.documents.document import Document, DocumentError, Section
from hugginggpt.workspace.documents.html_sections import read_section
from hugginggpt.workspace.documents.parts import PartWriter

_PAGES: Final = re.compile(r"<Pages>(\d{1,6})</Pages>")
_STYLES: Final = "\n".join(f"p[style-name='{name}'] => h1:fresh" for name in ("Title", "Subtitle"))


def read_word(path: Path, parts: PartWriter) -> Document:
    """Read a Word document.

    Raises:
        DocumentError: It is damaged, or holds nothing.
    """
    import mammoth

    def keep_picture(image: Any) -> dict[str, str]:
        with image.open() as content:
            parts.add_picture(content.read(), f"picture {len(parts.pictures) + 1}")
        return {"src": ""}

    try:
        with path.open("rb") as file:
            converted = mammoth.convert_to_html(
                file, convert_image=mammoth.images.img_element(keep_picture), style_map=_STYLES, external_file_access=False
            )
    except Exception as error:  # mammoth lets KeyError, ExpatError, BadZipFile … of damaged files through
        if isinstance(error, MemoryError):
            raise
        raise DocumentError("is a damaged Word document: attach it again") from error
    return Document("Word", [Section(1, read_section(converted.value, parts))], "page", _read_page_count(path))


def _read_page_count(path: Path) -> int:
    """Return the number of pages that Word counted when it saved the document; 0 where it says none."""
    with suppress(KeyError, OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        with archive.open("docProps/app.xml") as file:
            match = _PAGES.search(file.read(20_000).decode("utf-8", "replace"))
        return int(match[1]) if match else 0
    return 0
