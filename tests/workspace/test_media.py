"""Pictures, sound, texts and tables, each read in one plain form."""

import random
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import media
from tests.conftest import MEDIA
from tests.workspace.files import PIXELS, encoded, file, identify


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


SPEECH = np.sin(2 * np.pi * 300 * np.arange(48_000) / 16_000, dtype=np.float32) * 0.4


@pytest.mark.parametrize(
    ("left", "right"), [(0.5, 0.5), (0.5, -0.5), (0.5, 0.0), (0.0, 0.5), (0.5, -0.48), (0.5, 1e-4)],
    ids=["same", "inverted", "left alone", "right alone", "almost inverted", "hiss on the right"],
)  # fmt: skip
def test_a_voice_is_heard_whichever_channels_it_is_in(left: float, right: float, tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([left * SPEECH, right * SPEECH], axis=1), 16_000)
    found = media.read_audio(path, rate=16_000, max_seconds=60)
    assert np.abs(found).max() == pytest.approx(0.2, abs=0.01)
    assert found.size == SPEECH.size


def test_a_long_recording_is_read_in_windows_that_are_cut_where_it_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    spoken = np.tile(SPEECH[:16_000] * (np.arange(16_000) < 12_000), 20)  # a pause at the end of each second
    media.write_wav(path, spoken, 16_000)
    windows = list(media.read_audio_windows(path, rate=16_000, window_seconds=8.0))
    np.testing.assert_allclose(np.concatenate(windows), spoken, atol=1e-4)
    assert all(window.size <= 8 * 16_000 for window in windows)
    assert all(np.abs(window[-400:]).max() < 1e-3 for window in windows[:-1])
    assert media.measure_seconds(path) == pytest.approx(20.0)
