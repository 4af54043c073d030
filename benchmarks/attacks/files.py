"""Files of strangers: bombs, and damaged ones of every format that is read."""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from PIL import Image

from benchmarks.attacks.attack import Attack, Target, mutate_bytes
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types, media

MEDIA: Final = Path(__file__).resolve().parents[2] / "demos" / "media"
MAX_PIXELS: Final = 2_000_000
_NAMES: Final = (
    "a.png",
    "a.jpg",
    "a.wav",
    "a.mp4",
    "a.txt",
    "a.csv",
    "a.tsv",
    "a.md",
    "a",
    "a.html",
    "a.gif",
    "a.m3u8",
    "a.svg",
)


def make_png(width: int, height: int, *, bits: int = 1, data: bytes = b"") -> bytes:
    """Return a grey PNG of any size in its header, and of as many pixels as `data` unpacks to."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def list_seeds() -> list[bytes]:
    """Return the catalogue: a small file of each format, bombs, and files that name other files."""
    seeds = [_encode_image(format_) for format_ in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")]
    seeds += [_encode_sound(format_) for format_ in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU")]
    seeds += [(MEDIA / "clip.mp4").read_bytes(), (MEDIA / "people.csv").read_bytes(), (MEDIA / "report.txt").read_bytes()]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(2**22))
    return [
        *seeds,
        make_png(30_000, 30_000),
        make_png(2**31 - 1, 2**31 - 1),
        make_png(1_000, 1_000),  # of no pixels at all
        make_png(1_000, 1_000, data=bytes(4 * 2**20)),
        zipped.getvalue(),
        gzip.compress(bytes(2**22)),
        b"%PDF-1.7\n" + b"[" * 10_000,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><x>&b;</x>",
        b"<html>" + b"<a " * 20_000,
        b"a" + b"," * 100_000 + b"\n" + b"b\n" * 10_000,
        b'"' * 99_999,
        b"\xff\xfe" + b"a\0" * 1_000 + b"\0",
        b"\xef\xbb\xbf",
        b"\0" * 5_000,
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\x10\0"
        b"data\xff\xff\xff\xff",
    ]


def make_attack(target: Target) -> Attack:
    """Return the attack on what identifies and decodes files."""
    seeds = list_seeds()

    def check(content: bytes) -> None:
        name = _NAMES[zlib.crc32(content) % len(_NAMES)]
        path = target.folder / f"case{Path(name).suffix}"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow tells of odd metadata
            kind, suffix = file_types.identify(path, name, max_pixels=MAX_PIXELS)
            path = path.rename(target.folder / f"case{suffix}")
            media.describe(path, kind)
            if kind is Kind.IMAGE:
                assert media.open_image(path, max_pixels=MAX_PIXELS).mode == "RGB"
            elif kind is Kind.AUDIO:
                media.read_audio(path, rate=16_000, max_seconds=30)
            elif kind is Kind.TABLE:
                media.read_first_rows(path, 11)
            target.workspace.discard([target.workspace.add_file(path, name)])

    return Attack("files", seeds, lambda chance: mutate_bytes(chance, chance.choice(seeds), seeds), check)


def _encode_image(format_: str) -> bytes:
    pixels = np.random.default_rng(5).integers(0, 255, (24, 32, 3), np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format_)
    return encoded.getvalue()


def _encode_sound(format_: str) -> bytes:
    samples = np.sin(np.arange(4_000) / 9).astype(np.float32)
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, 8_000, format=format_)
    return encoded.getvalue()
