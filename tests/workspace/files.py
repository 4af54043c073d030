"""Files as tests of the workspace make them, and how they are identified."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types

PIXELS = 50_000_000


def file(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def identify(path: Path, name: str | None = None) -> tuple[Kind, str]:
    return file_types.identify(path, name or path.name, max_pixels=PIXELS)


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()
