"""Pictures of every kind that phones, scanners and the web make: each page and frame counts."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pillow_heif import from_pillow

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import FileFacts
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import media
from hugginggpt.workspace.workspace import Workspace
from tests.workspace.files import PIXELS, encoded, file, identify

COLOURS = ("red", "lime", "blue", "black")
PAGES = [Image.new("RGB", (64, 48), colour) for colour in COLOURS]


def make_heic(*pages: Image.Image, **options: object) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    pictures = from_pillow(pages[0])
    for page in pages[1:]:
        pictures.add_from_pillow(page)
    pictures.save(buffer, **options)
    return buffer.getvalue()


def name_colour(page: Image.Image) -> str:
    """The colour of a page's middle; a lossy format moves it a little."""
    middle = page.getpixel((page.width // 2, page.height // 2))
    assert isinstance(middle, tuple)
    return {(True, False, False): "red", (False, True, False): "lime", (False, False, True): "blue"}.get(
        tuple(value > 128 for value in middle[:3]), "black"
    )


def paged(format_: str, **options: object) -> bytes:
    return encoded(PAGES[0], format_, save_all=True, append_images=PAGES[1:], **options)


@pytest.mark.parametrize(
    ("data", "name", "unit", "measure"),
    [
        (paged("TIFF"), "scan.tif", "page", "64 × 48, 4 pages"),
        (paged("TIFF", compression="tiff_lzw"), "fax.tiff", "page", "64 × 48, 4 pages"),
        (make_heic(*PAGES), "burst.heic", "page", "64 × 48, 4 pages"),
        (paged("GIF", duration=50), "loop.gif", "frame", "64 × 48, 4 frames"),
        (paged("WEBP", duration=50, lossless=True), "sticker.webp", "frame", "64 × 48, 4 frames"),
        (paged("PNG", duration=50), "button.png", "frame", "64 × 48, 4 frames"),
        (paged("AVIF", duration=50), "clip.avif", "frame", "64 × 48, 4 frames"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_page_and_frame_is_read(data: bytes, name: str, unit: str, measure: str, tmp_path: Path) -> None:
    with Workspace.create(Settings(sessions=tmp_path / "sessions")) as workspace:
        resource = workspace.add_file(file(tmp_path, data, name))
        assert resource.path is not None
        assert resource.file is not None
        assert (resource.kind, resource.measure) == (Kind.IMAGE, measure)
        assert (resource.file.pages, resource.file.unit, resource.file.size) == (4, unit, len(data))
        pages = media.open_pages(resource.path, max_pixels=PIXELS, max_pages=30)
        assert tuple(map(name_colour, pages)) == COLOURS
        first, *_ = media.open_pages(resource.path, max_pixels=PIXELS, max_pages=1)
        assert name_colour(first) == name_colour(media.open_image(resource.path, max_pixels=PIXELS)) == "red"


def test_of_a_long_animation_frames_at_equal_distances_are_taken_and_of_a_document_the_first_pages(tmp_path: Path) -> None:
    for data, expected in [(paged("GIF", duration=50), ["red", "blue"]), (paged("TIFF"), ["red", "lime"])]:
        pages = media.open_pages(file(tmp_path, data), max_pixels=PIXELS, max_pages=2)
        assert list(map(name_colour, pages)) == expected


def test_a_photo_from_a_phone_becomes_one_that_browsers_show_and_its_facts_are_kept(tmp_path: Path) -> None:
    photo = Image.new("RGB", (64, 48), "white")
    ImageDraw.Draw(photo).rectangle((0, 0, 31, 47), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90°
    data = make_heic(photo, exif=exif.tobytes())
    with Workspace.create(Settings(sessions=tmp_path / "sessions")) as workspace:
        resource = workspace.add_file(file(tmp_path, data, "IMG_0001.HEIC"))
        assert resource.path is not None
        assert resource.path.suffix == ".jpg"
        assert resource.path.read_bytes().startswith(b"\xff\xd8")
        assert resource.file == FileFacts("HEIC", len(data), 1)
        upright = media.open_image(resource.path, max_pixels=PIXELS)
    assert upright.size == (48, 64)
    assert name_colour(upright.crop((0, 0, 48, 20))) == "red"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_damaged_photo_from_a_phone_is_no_video(share: float, tmp_path: Path) -> None:
    noise = Image.effect_noise((200, 150), 90).convert("RGB")
    data = make_heic(noise)
    with pytest.raises(ResourceError, match=r"“photo.heic” is a damaged or cut-off picture: attach it again."):
        identify(file(tmp_path, data[: int(len(data) * share)]), "photo.heic")


def test_a_large_photo_from_a_phone_is_refused_by_its_header(tmp_path: Path) -> None:
    path = file(tmp_path, make_heic(PAGES[0]), "photo.heic")
    with pytest.raises(ResourceError, match="64 × 48 pixels"):
        media.open_image(path, max_pixels=64 * 48 - 1)


def test_a_second_page_that_is_too_large_is_refused(tmp_path: Path) -> None:
    data = encoded(PAGES[0], "TIFF", save_all=True, append_images=[Image.new("L", (900, 900))])
    pages = media.open_pages(file(tmp_path, data), max_pixels=10_000, max_pages=5)
    assert name_colour(next(pages)) == "red"
    with pytest.raises(ResourceError, match="900 × 900 pixels"):
        next(pages)


def test_previews_of_a_picture_are_no_pages(tmp_path: Path) -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    preview = ImageFileDirectory_v2()
    preview[254] = 1  # a smaller copy of another page
    data = encoded(PAGES[0], "TIFF", save_all=True, append_images=[PAGES[0].resize((8, 6))])
    assert media.count_pages(file(tmp_path, data), max_pixels=PIXELS) == 2
    small = PAGES[0].resize((8, 6))
    small.encoderinfo = {"tiffinfo": preview}
    data = encoded(PAGES[0], "TIFF", save_all=True, append_images=[small])
    assert media.count_pages(file(tmp_path, data), max_pixels=PIXELS) == 1


def test_a_phones_picture_with_a_depth_map_is_one_page(tmp_path: Path) -> None:
    data = encoded(PAGES[0], "MPO", save_all=True, append_images=PAGES[1:2])
    assert media.count_pages(file(tmp_path, data), max_pixels=PIXELS) == 1
