"""Identification of files by their content: the kind, and the suffix that a file should carry.

Nothing here believes a file's name: what a file is must show in its bytes, and the first of them must decode.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import FileFacts
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.documents.formats import begins_like_document
from hugginggpt.workspace.media import TextTooLongError, open_stream, read_text
from hugginggpt.workspace.pictures import IMAGE_SUFFIXES, PAGED_FORMATS, count_pages, make_size_error, open_image_lazily

_CONTAINER_SUFFIXES: Final = {
    "wav": ".wav", "mp3": ".mp3", "flac": ".flac", "ogg": ".ogg", "mov": ".mp4", "matroska": ".webm", "aac": ".aac",
    "aiff": ".aiff", "avi": ".avi", "amr": ".amr", "mpeg": ".mpg", "mpegts": ".ts", "asf": ".wmv", "caf": ".caf",
    "au": ".au",
}  # fmt: skip
_KIND_BY_SUFFIX: Final = {".csv": Kind.TABLE, ".tsv": Kind.TABLE}
_NOUNS: Final = {
    Kind.TEXT: "text", Kind.IMAGE: "a picture", Kind.AUDIO: "a recording", Kind.VIDEO: "a video", Kind.TABLE: "a table",
}  # fmt: skip
_FORMAT_NAMES: Final = {
    ".jpg": "JPEG", ".tif": "TIFF", ".txt": "text", ".md": "Markdown", ".webm": "WebM", ".webp": "WebP", ".aiff": "AIFF",
    ".mpg": "MPEG", ".ts": "MPEG-TS", ".ogg": "Ogg", ".html": "HTML",
}  # fmt: skip
"""Formats by suffix, as people call them, where that isn't the suffix in capitals."""


def identify(path: Path, name: str, *, max_pixels: int) -> tuple[Kind, str]:
    """Identify a file by its content: its kind, and the suffix it should carry (".png").

    Args:
        path: The file.
        name: The person's name for it, for messages and to notice a file that claims to be something else.
        max_pixels: Pictures with more, and videos of such, are refused before they are decoded.

    Raises:
        ResourceError: It is empty, cut off, too large a picture, or nothing that can be used here.
    """
    size = path.stat().st_size
    if size == 0:
        raise ResourceError(f"“{name}” is empty (0 bytes): attach it again.")
    with path.open("rb") as file:
        if begins_like_document(file.read(4096), name):  # whoever takes documents has looked before
            raise ResourceError(f"“{name}” is a document or an archive, which can't be used here: attach it to a request.")
    found = _identify_image(path, name, max_pixels) or _identify_text(path, name) or _identify_stream(path, name, max_pixels)
    claimed = _guess_claimed_kind(name)
    if found is None:
        if claimed:
            raise ResourceError(f"“{name}” can't be read as {_NOUNS[claimed]}: it is damaged, cut off or something else.")
        if _claims_text(name):
            read_text(path, name)  # raises the sentence that fits
        raise ResourceError(
            f"“{name}” is no kind of file that can be used here: attach a picture, recording, video, text, table or document."
        )
    if claimed is not None and not _is_compatible(claimed, found[0]):
        raise ResourceError(f"“{name}” is named like {_NOUNS[claimed]} but holds {_NOUNS[found[0]]}: attach the right file.")
    return found


def read_facts(path: Path, kind: Kind, suffix: str, *, max_pixels: int, encoding: str = "") -> FileFacts:
    """Return the facts of a file that was identified as `kind` and `suffix`; see `FileFacts`."""
    format_ = _FORMAT_NAMES.get(suffix, suffix[1:].upper())
    pages = count_pages(path, max_pixels=max_pixels) if kind is Kind.IMAGE else 0
    is_paged = pages < 2 or suffix in {IMAGE_SUFFIXES[paged] for paged in PAGED_FORMATS}
    return FileFacts(format_, path.stat().st_size, pages, "page" if is_paged else "frame", encoding)


def _guess_claimed_kind(name: str) -> Kind | None:
    major = (mimetypes.guess_type(name)[0] or "").partition("/")[0]
    return Kind(major) if major in {"image", "audio", "video"} else None


def _claims_text(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith("text/")


def _is_compatible(claimed: Kind, found: Kind) -> bool:
    """Return whether a kind fits the claimed one: a video file may hold only sound, and the other way round."""
    return claimed == found or {claimed, found} == {Kind.AUDIO, Kind.VIDEO}


def _identify_image(path: Path, name: str, max_pixels: int) -> tuple[Kind, str] | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with open_image_lazily(path, name, max_pixels) as image:
            format_ = image.format or ""
            image.load()  # the header doesn't tell that the rest is cut off
    except UnidentifiedImageError:
        if _claims_heif(path):  # FFmpeg would take it for a video
            raise ResourceError(f"“{name}” is a damaged or cut-off picture: attach it again.") from None
        return None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ResourceError):  # it is a ValueError
            raise
        raise ResourceError(f"“{name}” is a damaged or cut-off picture: attach it again.") from error
    return Kind.IMAGE, IMAGE_SUFFIXES[format_]


def _claims_heif(path: Path) -> bool:
    """Return whether a file begins as HEIC and AVIF pictures do."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}


def _identify_text(path: Path, name: str) -> tuple[Kind, str] | None:
    try:
        read_text(path, name)
    except TextTooLongError:
        raise
    except ResourceError:
        return None
    suffix = Path(name).suffix.lower()
    return _KIND_BY_SUFFIX.get(suffix, Kind.TEXT), suffix if suffix in {".csv", ".tsv", ".md"} else ".txt"


def _identify_stream(path: Path, name: str, max_pixels: int) -> tuple[Kind, str] | None:
    import av

    try:
        with open_stream(path) as container:
            suffix = _CONTAINER_SUFFIXES.get(container.format.name.partition(",")[0], path.suffix)  # one name is “mov,mp4,…”
            # a song's cover art is a video stream too, of a single attached picture
            has_video = any(not (s.disposition & s.disposition.attached_pic) for s in container.streams.video)
            if has_video:
                video = container.streams.video[0].codec_context
                if video is None:  # of a codec that FFmpeg doesn't know
                    return None
                if video.width * video.height > max_pixels:
                    raise make_size_error(name, video.width, video.height, max_pixels)
                video.options = {"max_pixels": str(max_pixels)}  # for frames larger than the header says
                next(container.decode(container.streams.video[0]))  # a header promises anything: one frame must decode
                return Kind.VIDEO, suffix
            if container.streams.audio and container.streams.audio[0].codec_context is not None:
                next(container.decode(container.streams.audio[0]))
                return Kind.AUDIO, suffix
    except ResourceError:  # a ValueError, too
        raise
    except (av.FFmpegError, StopIteration, ValueError):
        return None
    return None
