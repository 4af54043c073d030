"""Several people, several tabs, and what is left when they go."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.scripted_server import KEY, error, pieces, scripted_server
from tests.ui.app_server import Server, until
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import SPEAKING, Tab, write_novels

pytestmark = pytest.mark.browser


@pytest.fixture
def novels(tmp_path: Path) -> list[Path]:
    return write_novels(tmp_path)


def begin(tab: Tab, novels: list[Path]) -> None:
    """Send a request that takes long, and see it at work."""
    tab.start("Read these texts aloud.", *novels)
    expect(tab.answers.last.get_by_text(SPEAKING).first).to_be_visible()


def test_stop_ends_the_request_at_once_and_the_next_one_works(tab: Tab, novels: list[Path], server: Server) -> None:
    before = {path for folder in server.folders() for path in folder.rglob("*.wav")}
    begin(tab, novels)
    begun = time.monotonic()
    tab.stop.click()
    expect(tab.answers.last).to_contain_text("Stopped.")
    expect(tab.page.locator("#request .submit-button")).to_be_visible()
    assert time.monotonic() - begun < 5  # it would go on for minutes
    expect(tab.answers.last.locator(".loading-spinner")).to_have_count(0)  # nothing is pending any more
    assert "read aloud in audio-1" in tab.ask("Say “hello” aloud.")  # the voice's turn is free again
    assert [path.name for folder in server.folders() for path in folder.rglob("*.wav") if path not in before] == ["audio-1.wav"]
    expect(tab.requests).to_have_count(2)


def test_a_visitor_is_not_held_up_by_another_ones_long_request(tab: Tab, visitor: Visitor, novels: list[Path]) -> None:
    patient, hasty = tab, visitor()
    begin(patient, novels)
    assert "image-2" in hasty.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")
    expect(patient.stop).to_be_visible()
    patient.stop.click()
    patient.finish()


def test_another_visitor_sees_neither_key_nor_files_nor_history(tab: Tab, visitor: Visitor) -> None:
    first, second = tab, visitor()
    with scripted_server() as models:
        models.will(error(401, "{key}"))
        first.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
        first.choose("Other server", openai_key=KEY, base_url=models.base_url, model="tiny")
        expect(first.status).to_contain_text("tiny at")
        expect(second.requests).to_have_count(0)
        expect(second.cards).to_have_count(0)
        assert "image-1" not in second.ask("now draw the edges of it")
        assert "tiny" not in second.page.content()
        expect(second.status).to_contain_text("The built-in planner plans")
        assert models.asked == []


def test_two_visitors_with_different_keys_at_once_use_each_their_own(tab: Tab, visitor: Visitor) -> None:
    with scripted_server() as ours, scripted_server() as theirs:
        keys = {"sk-first-1111-secret": ours, "sk-second-2222-secret": theirs}
        tabs = dict(zip(keys, (tab, visitor()), strict=True))
        for key, models in keys.items():
            models.will(pieces('{"tasks": [], "answer": "Hello from ', 1.0, f'{key[3:8]}."}}'))
            tabs[key].choose("Other server", openai_key=key, base_url=models.base_url, model="tiny")
            expect(tabs[key].status).to_contain_text("tiny at")
        for each in tabs.values():
            each.start("Hello?")
        for key, models in keys.items():
            assert f"Hello from {key[3:8]}." in tabs[key].finish()
            asked = {request.headers["authorization"] for request in models.asked}
            assert asked == {f"Bearer {key}"}
            assert not any(each in tabs[key].page.content() for each in keys)


def test_two_tabs_of_one_person_are_two_conversations(tab: Tab, server: Server) -> None:
    other = Tab(tab.page.context.new_page())
    other.open(server.url)
    tab.ask("Say “good morning” aloud.")
    other.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
    assert tab.kept() == ["audio-1.wav"]
    assert other.kept() == ["image-1.jpg", "image-2.png"]


def test_clear_deletes_the_files_and_forgets_the_conversation(tab: Tab, server: Server) -> None:
    tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
    picture = tab.answers.last.locator("img").get_attribute("src") or ""
    tab.box.fill("now draw its edges again")
    (folder,) = (folder for folder in server.folders() if folder.name in picture)
    tab.page.get_by_label("Clear").click()
    expect(tab.requests).to_have_count(0)
    expect(tab.cards).to_have_count(0)
    until(lambda: not folder.exists())
    assert tab.page.request.get(picture).status == 403
    expect(tab.box).to_have_value("now draw its edges again")  # what is typed belongs to the new conversation
    expect(tab.thumbnails).to_have_count(0)
    tab.send()
    assert "image-1" not in tab.finish()
    assert "image-2" in tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")


def test_clear_in_the_middle_of_a_request_stops_it(tab: Tab, novels: list[Path]) -> None:
    begin(tab, novels)
    tab.page.get_by_label("Clear").click()
    expect(tab.requests).to_have_count(0)
    expect(tab.page.locator("#request .submit-button")).to_be_visible()
    assert "read aloud in audio-1" in tab.ask("Say “hello” aloud.")


def test_a_reload_in_the_middle_loses_nothing(tab: Tab, novels: list[Path]) -> None:
    begin(tab, novels)
    tab.page.reload()
    tab.box.wait_for()
    expect(tab.answers.last.get_by_text(SPEAKING).first).to_be_visible()
    expect(tab.box).to_be_disabled()
    tab.stop.click()
    expect(tab.answers.last).to_contain_text("Stopped.")
    tab.ask("Say “hello” aloud.")
    tab.page.reload()
    expect(tab.requests).to_have_count(2)
    expect(tab.answers.last).to_contain_text("read aloud in audio-1")
    assert tab.kept() == [*(f"text-{n}.txt" for n in range(1, len(novels) + 1)), "audio-1.wav"]
    assert "read aloud in audio-2" in tab.ask("now say “bye” aloud")
