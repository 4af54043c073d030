"""What a file really holds, whatever its name says."""

import random
import struct
import sys
import zlib
from pathlib import Path

import av
import pytest
from PIL import Image

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import file_types, media
from tests.conftest import MEDIA
from tests.workspace.files import PIXELS, encoded, file, identify


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large and holds next to nothing."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(100))]
    packed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize(
    ("name", "kind", "suffix"),
    [
        ("cat.jpg", Kind.IMAGE, ".jpg"),
        ("invoice.png", Kind.IMAGE, ".png"),
        ("speech.flac", Kind.AUDIO, ".flac"),
        ("complaint.wav", Kind.AUDIO, ".wav"),
        ("clip.mp4", Kind.VIDEO, ".mp4"),
        ("people.csv", Kind.TABLE, ".csv"),
        ("report.txt", Kind.TEXT, ".txt"),
    ],
)
def test_each_demo_file_is_what_it_is(name: str, kind: Kind, suffix: str) -> None:
    assert identify(MEDIA / name) == (kind, suffix)
    assert identify(MEDIA / name, "no-extension") == (Kind.TEXT if kind is Kind.TABLE else kind, suffix.replace("csv", "txt"))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_common_picture_format_is_taken(format_: str, tmp_path: Path) -> None:
    path = file(tmp_path, encoded(Image.new("RGB", (5, 4), "red"), format_))
    assert identify(path)[0] is Kind.IMAGE
    assert media.open_image(path, max_pixels=PIXELS).size == (5, 4)


def test_a_picture_named_as_a_text_is_a_picture() -> None:
    assert identify(MEDIA / "invoice.png", "notes.txt") == (Kind.IMAGE, ".png")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.png"),
        (b"This is no picture.", "photo.png"),
        (b"This is no recording.", "voice.wav"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "film.mp4"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "song.mp3"),
        (Path(sys.executable).read_bytes()[:50_000], "program.exe"),
        (random.Random(1).randbytes(20_000), "noise"),
        (b"%PDF-1.7\n%\xe2\xe3", "paper.pdf"),
        (b"PK\x03\x04rest", "paper.docx"),
        (b"\xff\xfeh\x00e", "odd.bin"),
        (random.Random(3).randbytes(400), "letter.txt"),
        (b" \n\t ", "blank.txt"),
        (b"\x00" * 100, "zeros"),
        (b"RIFF\x24\x00\x00\x00WAVE", "short.wav"),
        (encoded(Image.new("L", (900, 900)), "PNG"), "voice.wav"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_refused_in_one_sentence_that_names_the_file(data: bytes, name: str, tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as refusal:
        identify(file(tmp_path, data), name)
    message = str(refusal.value)
    assert name in message
    assert message.endswith(".")
    assert ". " not in message


def test_a_text_in_an_unknown_encoding_is_told_how_to_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="save it as UTF-8"):
        identify(file(tmp_path, random.Random(3).randbytes(400)), "letter.txt")


def test_a_video_of_a_codec_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, (MEDIA / "clip.mp4").read_bytes().replace(b"avc1", b"zz\0\0"))
    with pytest.raises(ResourceError, match="can't be read as a video"):
        identify(path, "clip.mp4")


@pytest.mark.parametrize("name", ["cat.jpg", "invoice.png", "clip.mp4"])
@pytest.mark.parametrize("share", [0.0005, 0.02])
def test_a_file_that_was_cut_off_is_refused(name: str, share: float, tmp_path: Path) -> None:
    whole = (MEDIA / name).read_bytes()
    with pytest.raises(ResourceError, match=r"cut.off"):
        identify(file(tmp_path, whole[: max(40, int(len(whole) * share))]), name)


@pytest.mark.parametrize("name", ["cat.jpg", "invoice.png"])
def test_a_picture_that_lacks_its_end_is_refused(name: str, tmp_path: Path) -> None:
    whole = (MEDIA / name).read_bytes()
    with pytest.raises(ResourceError, match="cut-off picture"):
        identify(file(tmp_path, whole[: len(whole) * 9 // 10]), name)


def test_a_recording_that_lacks_its_end_is_used_up_to_there(tmp_path: Path) -> None:
    whole = (MEDIA / "complaint.wav").read_bytes()
    path = file(tmp_path, whole[: len(whole) // 2])
    assert identify(path, "complaint.wav")[0] is Kind.AUDIO
    half, full = (media.read_audio(p, rate=16_000, max_seconds=60).size for p in (path, MEDIA / "complaint.wav"))
    assert half == pytest.approx(full / 2, rel=0.02)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (10_000, 9_000), (7_072, 7_072)])
def test_a_picture_that_unpacks_to_too_many_pixels_is_refused_by_its_header(width: int, height: int, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="pixels"):
        identify(file(tmp_path, png_header(width, height)), "bomb.png")
    with pytest.raises(ResourceError, match="pixels"):
        media.open_image(tmp_path / "file", max_pixels=PIXELS)


def test_a_picture_just_below_the_limit_is_read_beyond_its_header(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cut-off"):
        identify(file(tmp_path, png_header(7_071, 7_071)), "small.png")


@pytest.mark.parametrize(("width", "height"), [(4_096, 4_096), (16_000, 1_000)])
def test_a_video_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    """A few kilobytes of one colour; each of its frames would take hundreds of megabytes."""
    path = tmp_path / "wall.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(width, height, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(ResourceError, match=f"“wall.mp4” has {width:,} × {height:,} pixels; {10**6:,} in all is the limit"):
        file_types.identify(path, "wall.mp4", max_pixels=10**6)
    assert file_types.identify(path, "wall.mp4", max_pixels=10**8) == (Kind.VIDEO, ".mp4")
