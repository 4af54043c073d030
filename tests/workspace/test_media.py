"""What a file really holds, whatever its name says."""

import random
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import media
from tests.conftest import MEDIA

PIXELS = 50_000_000


def file(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def identify(path: Path, name: str | None = None) -> tuple[Kind, str]:
    return media.identify(path, name or path.name, max_pixels=PIXELS)


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


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
        ("Grüße aus Köln".encode("latin-1"), "letter.txt"),
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


def test_a_text_in_another_encoding_is_told_how_to_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="UTF-8"):
        identify(file(tmp_path, "Grüße".encode("latin-1")), "letter.txt")


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


@pytest.mark.parametrize(
    "playlist", ["ffconcat version 1.0\nfile '{other}'\n", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n"]
)
@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat", "list.mp4"])
def test_a_playlist_cannot_open_another_file(playlist: str, name: str, tmp_path: Path) -> None:
    path = file(tmp_path, playlist.format(other=MEDIA / "complaint.wav").encode(), name)
    with pytest.raises((av.FFmpegError, ResourceError)):
        media.open_stream(path)
    with pytest.raises(ResourceError):
        media.read_audio(path, rate=16_000, max_seconds=60)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_is_read_in_each_unicode_encoding(encoding: str, tmp_path: Path) -> None:
    path = file(tmp_path, "Grüße, 世界 🙂".encode(encoding))
    assert identify(path, "greeting.txt") == (Kind.TEXT, ".txt")
    assert media.read_text(path, "greeting.txt") == "Grüße, 世界 🙂"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_rows_of_a_table_are_counted_in_each_encoding(encoding: str, tmp_path: Path) -> None:
    path = file(tmp_path, 'name,motto\nAda,"two\nlines"\nBob,one\n\n'.encode(encoding), "people.csv")
    assert identify(path) == (Kind.TABLE, ".csv")
    assert media.describe(path, Kind.TABLE) == "2 rows"


def test_a_table_with_a_huge_cell_has_no_measure_and_does_not_crash(tmp_path: Path) -> None:
    path = file(tmp_path, b'a,b\n"' + b"x" * 200_000 + b'",1\n', "big.csv")
    assert media.describe(path, Kind.TABLE) == ""


@pytest.mark.parametrize(
    ("name", "kind", "measure"),
    [("invoice.png", Kind.IMAGE, r"\d+ × \d+"), ("clip.mp4", Kind.VIDEO, r"3\.\d s"), ("report.txt", Kind.TEXT, "")],
)
def test_the_measure_of_a_file_is_in_its_own_terms(name: str, kind: Kind, measure: str) -> None:
    import re

    assert re.fullmatch(measure, media.describe(MEDIA / name, kind))


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (40, 20), "white")
    photo.paste("black", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # held a quarter turn to the left: the left edge belongs at the top
    upright = media.open_image(file(tmp_path, encoded(photo, "PNG", exif=exif)), max_pixels=PIXELS)
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 2)) == (0, 0, 0)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(Image.new("RGBA", (3, 3), (0, 0, 0, 0)), "PNG"))
    assert media.open_image(path, max_pixels=PIXELS).getpixel((1, 1)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_shades(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(Image.fromarray(np.full((4, 4), 0x8000, np.uint16)), "PNG"))
    assert media.open_image(path, max_pixels=PIXELS).getpixel((1, 1)) == (128, 128, 128)


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = file(tmp_path, encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert media.open_image(path, max_pixels=PIXELS).getpixel((0, 0)) == (255, 0, 0)


def test_sound_comes_as_mono_at_the_rate_that_is_wanted(tmp_path: Path) -> None:
    tone = np.sin(np.linspace(0, 2 * np.pi * 440 * 2, 2 * 22_050)).astype(np.float32) * 0.5
    media.write_wav(tmp_path / "tone.wav", tone, 22_050)
    sound = media.read_audio(tmp_path / "tone.wav", rate=16_000, max_seconds=10)
    assert sound.dtype == np.float32
    assert sound.ndim == 1
    assert sound.size == pytest.approx(32_000, rel=0.01)
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.02)


def test_a_recording_that_is_too_long_is_refused() -> None:
    with pytest.raises(ResourceError, match="longer than 2 seconds"):
        media.read_audio(MEDIA / "speech.flac", rate=16_000, max_seconds=2)


def test_what_has_no_sound_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"sound|decoded"):
        media.read_audio(MEDIA / "report.txt", rate=16_000, max_seconds=60)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.gif", "x.webp", "x.bmp", "complaint.wav", "speech.flac"])
def test_a_damaged_file_is_read_or_refused_and_never_crashes(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    if name.startswith("x"):
        path = file(tmp_path, b"", name)
        with Image.open(MEDIA / "cat.jpg") as photo:
            photo.resize((32, 24)).save(path)
        whole = path.read_bytes()
    else:
        whole = (MEDIA / name).read_bytes()
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(min(len(data), 600))] = rng.randrange(256)
        path = file(tmp_path, bytes(data[: rng.choice([None, rng.randrange(1, len(data))])]))
        try:
            kind, _ = identify(path, name)
            media.describe(path, kind)
            if kind is Kind.IMAGE:
                media.open_image(path, max_pixels=PIXELS)
            elif kind is Kind.AUDIO:
                media.read_audio(path, rate=16_000, max_seconds=60)
            outcomes.add("read")
        except ResourceError:
            outcomes.add("refused")
    assert "refused" in outcomes


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
        media.identify(path, "wall.mp4", max_pixels=10**6)
    assert media.identify(path, "wall.mp4", max_pixels=10**8) == (Kind.VIDEO, ".mp4")
