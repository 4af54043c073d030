"""What can't be done gives one sentence where it happened; nothing is lost, and the next request works."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.ui.app_server import free_port
from tests.ui.page.tab import Tab
from tests.workspace.documents import make_pdf

pytestmark = pytest.mark.browser


def file(folder: Path, name: str) -> Path:
    """A file that is not what it seems."""
    path, archive = folder / name, io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("a.txt", "a")
    content = {
        "zipped.png": archive.getvalue(),
        "nothing.wav": b"",
        "cut.png": (MEDIA / "invoice.png").read_bytes()[:20_000],
        "noise.mp3": bytes(range(256)) * 40,
        "contract.pdf": make_pdf(["secret"], encrypted=True),
    }
    path.write_bytes(content[name])
    return path


def one_sentence(tab: Tab) -> str:
    """The only thing that is said, and no alarm beside it."""
    said = [text for text in tab.answers.last.locator(".message-content").all_inner_texts() if text.strip()]
    assert len(said) == 1, said
    assert "\n" not in said[0].strip()
    assert "Traceback" not in tab.page.content()
    expect(tab.page.locator(".toast-body")).to_have_count(0)
    expect(tab.answers.last.get_by_text("Planning")).to_have_count(0)  # nothing turns on beside it
    return said[0].strip()


def works(tab: Tab) -> bool:
    tab.box.fill("")
    for button in tab.page.locator("#request .delete-button").all():
        button.click()
    return "image-2" in tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")


REFUSED = {
    "zipped.png": "“zipped.png” is an archive or a kind of office file that can't be read here",
    "contract.pdf": "“contract.pdf” is protected by a password: save a copy without one",
    "nothing.wav": "“nothing.wav” is empty (0 bytes)",
    "cut.png": "“cut.png” is a damaged or cut-off picture",
    "noise.mp3": "“noise.mp3” can't be read as",
}


def test_a_file_that_cannot_be_used_is_named(tab: Tab, tmp_path: Path) -> None:
    for name, said in REFUSED.items():
        tab.ask("What is this?", file(tmp_path, name))
        assert said in one_sentence(tab)
        expect(tab.box).to_have_value("What is this?")
    assert works(tab)
    tab.page.reload()
    expect(tab.answers).to_have_count(len(REFUSED) + 1)
    expect(tab.page.get_by_text("Planning")).to_have_count(0)


def test_a_file_without_a_word_asks_what_should_be_done(tab: Tab) -> None:
    tab.ask("", MEDIA / "cat.jpg")
    assert one_sentence(tab) == "What should be done with cat.jpg? Write it in a sentence."
    expect(tab.thumbnails).to_have_count(1)
    assert "edges" in tab.ask("Draw the edges of it.").lower()


def test_a_request_in_chinese_is_answered_with_what_would_help(tab: Tab) -> None:
    tab.ask("请把这张图片里的文字读给我听", MEDIA / "sign.jpg")
    assert "English" in one_sentence(tab)
    expect(tab.box).to_have_value("请把这张图片里的文字读给我听")
    expect(tab.thumbnails).to_have_count(1)


def test_an_address_inside_is_not_fetched(tab: Tab) -> None:
    for url in (f"http://127.0.0.1:{free_port()}/x.png", "http://169.254.169.254/latest", "file:///etc/passwd"):
        answer = tab.ask(f"read the text in the image {url}")
        assert "was not fetched" in answer
        assert "root:" not in answer
        expect(tab.page.locator(".toast-body")).to_have_count(0)
    assert works(tab)


def test_a_hundred_kilobytes_of_pasted_text_are_refused_in_a_sentence(tab: Tab) -> None:
    tab.ask("Say this aloud: " + "A rose is a rose. " * 5_700)
    assert "characters long" in one_sentence(tab)
    assert works(tab)


def test_nothing_at_all_is_not_sent(tab: Tab) -> None:
    tab.ask("   ")
    assert one_sentence(tab) == "The request is empty: write what you want done."
