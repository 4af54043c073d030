"""Safe reading of pictures: one format list, the size checked in the header, every page or frame reachable."""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import ResourceError

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES: Final = {
    "PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif",
    "AVIF": ".avif", "HEIF": ".heic",
}  # fmt: skip
"""Accepted picture formats, by Pillow's name. MPO is what some phones call a JPEG."""
PAGED_FORMATS: Final = frozenset({"TIFF", "HEIF"})
"""Formats whose further pictures are pages; in other ones they are frames of an animation."""
_PILLOW_FORMATS: Final = tuple(name for name in IMAGE_SUFFIXES if name != "MPO")  # its JPEG opener finds MPO by itself
MAX_PAGES: Final = 30
"""Most pages of one picture that are read or kept."""
_MAX_LISTED_PAGES: Final = 2_000  # a TIFF of 50 MB may hold millions of empty ones
_SUBFILE_TYPE: Final = 254  # TIFF's tag; its lowest bit marks a smaller copy of another page


@cache
def _register_heif() -> None:
    """Teach Pillow HEIC, which phones make; AVIF it knows."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def open_image_lazily(path: Path, name: str, max_pixels: int) -> Image.Image:
    """Open a picture without decoding it, and refuse it by the size in its header.

    Raises:
        ResourceError: It has more than `max_pixels`.
    """
    from PIL import Image

    _register_heif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, smaller limit follows
        try:
            image = Image.open(path, formats=_PILLOW_FORMATS)
        except Image.DecompressionBombError as error:
            raise ResourceError(f"“{name}” unpacks to far more than {max_pixels:,} pixels: attach a smaller copy.") from error
    try:
        _check_size(image, name, max_pixels)
    except ResourceError:
        image.close()
        raise
    return image


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise make_size_error(name, *image.size, max_pixels)


def make_size_error(name: str, width: int, height: int, max_pixels: int) -> ResourceError:
    """Return the refusal of a picture or video with too many pixels."""
    return ResourceError(
        f"“{name}” has {width:,} × {height:,} pixels; {max_pixels:,} in all is the limit: attach a smaller copy."
    )


def open_image(path: Path, *, max_pixels: int) -> Image.Image:
    """Return the picture as RGB: turned upright by its EXIF orientation, transparency laid on white, first page only.

    Raises:
        ResourceError: It can't be decoded or has more than `max_pixels`.
    """
    with _explain_damage(), open_image_lazily(path, path.name, max_pixels) as opened:
        return _convert(opened)


def open_pages(path: Path, *, max_pixels: int, max_pages: int) -> Iterator[Image.Image]:
    """Yield the pages of a picture as `open_image` returns one, each decoded when it is asked for.

    Of an animation with more frames than `max_pages` those at equal distances are taken, the first among them; of a
    paged picture the first ones. `count_pages` tells how many there are.

    Raises:
        ResourceError: A page can't be decoded or has more than `max_pixels`.
    """
    with _explain_damage(), open_image_lazily(path, path.name, max_pixels) as opened:
        indices = _list_pages(opened)
        count = min(len(indices), max_pages)
        is_paged = opened.format in PAGED_FORMATS
        for number in range(count):
            opened.seek(indices[number if is_paged else number * len(indices) // count])
            _check_size(opened, path.name, max_pixels)  # each page has a header of its own
            yield _convert(opened)


def count_pages(path: Path, *, max_pixels: int) -> int:
    """Return how many pages or frames a picture has, without decoding them; 1 for a plain one.

    Raises:
        ResourceError: It can't be read or has more than `max_pixels`.
    """
    with _explain_damage(), open_image_lazily(path, path.name, max_pixels) as opened:
        return len(_list_pages(opened))


def _list_pages(image: Image.Image) -> list[int]:
    """Return the positions of a picture's pages: without previews, depth maps and smaller copies of a page."""
    if image.format == "MPO":  # a phone's second picture is a preview or a depth map
        return [0]
    if image.format != "TIFF":
        return list(range(min(getattr(image, "n_frames", 1), _MAX_LISTED_PAGES)))
    pages = []
    for position in range(_MAX_LISTED_PAGES):
        try:
            image.seek(position)  # unlike `n_frames`, doesn't walk through all there are
        except EOFError:
            break
        if not int(getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)) & 1:
            pages.append(position)
    image.seek(0)
    return pages or [0]


def describe_picture(path: Path, *, max_pixels: int) -> str:
    """Return the measures of a picture: "640 × 480", "640 × 480, 2 pages", "640 × 480, 12 frames"."""
    with _explain_damage(), open_image_lazily(path, path.name, max_pixels) as opened:
        size, count = f"{opened.width} × {opened.height}", len(_list_pages(opened))
        return f"{size}, {count} {'pages' if opened.format in PAGED_FORMATS else 'frames'}" if count > 1 else size


def convert_heif(path: Path, *, max_pixels: int) -> tuple[bytes, str]:
    """Return a HEIC picture as what browsers and providers show: a JPEG, or a TIFF of its pages; and the suffix."""
    encoded = io.BytesIO()
    first, *others = itertools.islice(open_pages(path, max_pixels=max_pixels, max_pages=MAX_PAGES), MAX_PAGES)
    if others:
        first.save(encoded, "TIFF", save_all=True, append_images=others, compression="jpeg", quality=95)
        return encoded.getvalue(), ".tif"
    first.save(encoded, "JPEG", quality=95)
    return encoded.getvalue(), ".jpg"


def _convert(opened: Image.Image) -> Image.Image:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I;16"):  # Pillow would cut 16 bits off at white instead of scaling them
        return image.point(lambda value: value / 256, "L").convert("RGB")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


@contextmanager
def _explain_damage() -> Iterator[None]:
    try:
        yield
    except ResourceError:  # a ValueError, too
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ResourceError("The picture can't be decoded: it may be damaged.") from error
