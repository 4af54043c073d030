"""Files for the tables and pictures inside a document, as many as are kept."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.workspace.documents.document import MAX_PICTURES, MAX_TABLES, Part

if TYPE_CHECKING:
    from PIL import Image

_MIN_SIDE: Final = 50  # shortest side, in pixels, of a picture that is kept: smaller ones are bullets, rules and icons
_MAX_TABLE_CHARS: Final = 16 * 2**20
_FORMATS: Final = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif"}


class PartWriter:
    """Writes the parts of one document into a folder; counts what it leaves out."""

    def __init__(self, folder: Path, *, max_pixels: int) -> None:
        """Set up a writer.

        Args:
            folder: Where the files go.
            max_pixels: Pictures with more are left out.
        """
        self._folder = folder
        self.max_pixels = max_pixels
        self.tables: list[Part] = []
        self.pictures: list[Part] = []
        self._seen: set[bytes] = set()  # a logo on each page is one picture
        self._dropped_tables = self._dropped_pictures = self._cut_tables = 0

    @property
    def remarks(self) -> list[str]:
        """Sentences on what was left out."""
        dropped = (
            (self._dropped_tables, f"Only its first {MAX_TABLES} tables are kept as tables: {{}} more are left out."),
            (self._dropped_pictures, f"{{}} more pictures inside it are left out: {MAX_PICTURES} are kept at most."),
            (self._cut_tables, "Of {} tables only the first 16 MB are kept."),
        )
        return [sentence.format(count) for count, sentence in dropped if count]

    def add_table(self, rows: Sequence[Sequence[str]], place: str, page: int = 0) -> None:
        """Keep a table as CSV."""
        if len(self.tables) >= MAX_TABLES:
            self._dropped_tables += 1
            return
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        for row in rows:
            writer.writerow(row)
            if text.tell() > _MAX_TABLE_CHARS:
                self._cut_tables += 1
                break
        part = Part(f"table-{len(self.tables) + 1}.csv", place, page)
        (self._folder / part.file).write_text(text.getvalue(), encoding="utf-8", errors="replace", newline="")
        self.tables.append(part)

    def add_picture(self, content: bytes, place: str, page: int = 0) -> None:
        """Keep a picture file as it is; small ones, copies and formats that pictures don't have here are passed over."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(content), formats=tuple(_FORMATS)) as image:
                if image.format in _FORMATS and self._is_wanted(image, content):
                    self._write(content, _FORMATS[image.format], place, page)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # no picture, or a drawing (EMF, SVG)
            return

    def add_image(self, image: Image.Image, place: str, page: int = 0) -> None:
        """Keep a decoded picture."""
        if not self._is_wanted(image, image.tobytes()):
            return
        encoded = io.BytesIO()
        is_photo = image.mode == "RGB" and image.width * image.height > 250_000
        image.save(encoded, "JPEG" if is_photo else "PNG", quality=90)
        self._write(encoded.getvalue(), ".jpg" if is_photo else ".png", place, page)

    def add_page(self, image: Image.Image, number: int) -> str:
        """Write a page as a picture, to be read by OCR; return the file's name."""
        name = f"page-{number}.jpg"
        image.save(self._folder / name, "JPEG", quality=90)  # of a scan a PNG is ten times as large
        return name

    def _is_wanted(self, image: Image.Image, content: bytes) -> bool:
        if min(image.size) < _MIN_SIDE or image.width * image.height > self.max_pixels:
            return False
        digest = hashlib.sha256(content).digest()
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new

    def _write(self, content: bytes, suffix: str, place: str, page: int) -> None:
        if len(self.pictures) >= MAX_PICTURES:
            self._dropped_pictures += 1
            return
        part = Part(f"picture-{len(self.pictures) + 1}{suffix}", place, page)
        (self._folder / part.file).write_bytes(content)
        self.pictures.append(part)
