"""The plan on the page: it waits where that is wanted, can be changed, lives as a picture, and goes on after a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests import hosted_server as at_server
from tests.conftest import MEDIA
from tests.hosted_server import HostedServer
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

TOKEN = "hf_visitor4711verySecret"


@pytest.fixture
def paints(hosting: HostedServer) -> Iterator[HostedServer]:
    hosting.accounts.add(TOKEN)
    hosting.serve("text-to-image", "owner/paints", downloads=1_234)
    hosting.serve("text-to-image", "owner/draws", downloads=234)
    yield hosting
    hosting.models.clear()
    hosting.router.served.clear()
    hosting.asked.clear()
    hosting.faults.clear()


def ask_first(tab: Tab) -> None:
    tab.open_settings()
    tab.page.locator("#ask-first input").check()
    tab.page.locator("#settings .toggle-button").click()


def test_a_plan_waits_and_runs_as_the_person_has_changed_it(tab: Tab) -> None:
    ask_first(tab)
    tab.start("Read the sign aloud, and draw the edges of the cat.", MEDIA / "sign.jpg", MEDIA / "cat.jpg")
    form = tab.page.get_by_role("form", name="Shall this run?")
    expect(form).to_be_visible()
    expect(tab.answers.last).to_contain_text("waits for you")
    assert tab.kept() == ["image-1.jpg", "image-2.jpg"]  # nothing has run
    tab.page.reload()
    expect(form).to_be_visible()  # it waits as long as it takes
    boxes = form.get_by_role("checkbox")
    names = [box.locator("xpath=..").inner_text().split()[0] for box in boxes.all()]
    for task in ("canny-control", "image-to-text"):
        boxes.nth(names.index(task)).uncheck()
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("alert")).to_contain_text("it needs what task 0 makes; drop it too, or write something else")
    speech = form.locator("fieldset", has_text="text-to-speech")
    speech.get_by_role("textbox", name="text").fill("No swimming here.")
    form.get_by_role("button", name="Run").click()
    assert "audio-1" in tab.finish()
    expect(form).to_be_hidden()
    assert "No swimming here." in tab.open_steps("text-to-speech")
    assert not [name for name in tab.kept() if name and name.startswith("image-3")]


def test_a_plan_that_waits_can_be_stopped(tab: Tab) -> None:
    late: list[Route] = []
    tab.page.route("**/queue/join*", lambda route: late.append(route), times=1)  # noqa: PLW0108 - Playwright reads its code
    ask_first(tab)
    tab.start("Say “hello” aloud.")
    expect(tab.page.locator("#approval form")).to_be_visible()
    late[0].continue_()
    tab.page.locator("#approval").get_by_role("button", name="Stop").click()
    tab.finish()
    expect(tab.page.locator("#approval form")).to_have_count(0)
    expect(tab.answers.last).to_contain_text("Stopped.")
    tab.page.get_by_role("button", name="Run the rest").click()
    tab.page.locator("#approval").get_by_role("button", name="Run").click()  # it was never approved
    assert "audio-1" in tab.finish()


def test_the_plan_is_a_picture_that_lives_and_a_list_for_those_who_do_not_see_it(tab: Tab) -> None:
    tab.start("What does this sign say? Say it aloud.", MEDIA / "sign.jpg")
    plan = tab.page.locator("#plan")
    expect(plan.locator("li")).to_have_count(2)
    tab.finish()
    items = plan.get_by_role("listitem")
    expect(items.nth(0)).to_contain_text("PP-OCRv6-small")
    expect(items.nth(1)).to_contain_text("hibari-tts")
    for item in items.all():
        expect(item).to_contain_text("done")
    expect(plan).to_contain_text("text")
    tab.ask("Draw the edges of this photo.", MEDIA / "cat.jpg")
    expect(items).to_have_count(1)
    tab.page.locator("#runs input").click()
    tab.page.get_by_role("option", name="1. What does this sign").click()
    expect(items).to_have_count(2)


def test_what_failed_can_be_tried_again_with_another_model(tab: Tab, paints: HostedServer) -> None:
    tab.open_settings()
    tab.page.get_by_text("Token for hosted models").click()
    tab.page.locator("#hosted-token input").fill(TOKEN)
    tab.page.locator("#use-token").click()
    expect(tab.page.locator("#hosted-check")).to_contain_text("Works")
    paints.faults["/hf-inference"].append(at_server.no_credit())
    told = tab.ask("Paint a red fox in the snow, and say “done” aloud.")
    assert told.count("The token's account has no inference credit left") == 1  # in the answer, and not below it
    assert "What failed can be tried again:" in told
    expect(tab.page.get_by_role("button", name="Try again")).to_be_visible()
    spoken = [name for name in tab.kept() if name and name.startswith("audio")]
    tab.page.get_by_role("button", name="Try owner/draws").click()
    expect(tab.answers.last).to_contain_text("Did 2 tasks")
    tab.finish()
    assert [name for name in tab.kept() if name and name.startswith("audio")] == spoken  # it was not spoken twice
    opened = tab.open_steps("text-to-image")
    assert "You have chosen it." in opened
    assert "Tried owner/paints" in opened
    expect(tab.page.get_by_role("link", name="owner/draws").first).to_have_attribute(
        "href", "https://huggingface.co/owner/draws"
    )
    expect(tab.requests).to_have_count(1)


def test_a_request_can_be_done_again_with_other_words_be_copied_and_taken_back(tab: Tab) -> None:
    tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")
    tab.page.locator("#chat").get_by_label("Edit").first.click()
    tab.page.locator("#chat textarea").first.fill("What is in this picture?")
    tab.page.locator("#chat").get_by_label("Submit").click()
    expect(tab.answers.last).to_contain_text("espresso")
    tab.finish()
    expect(tab.requests).to_have_count(1)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.get_by_label("Copy conversation").click()
    tab.page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('espresso'))")
    tab.page.get_by_role("button", name="Retry").click()
    expect(tab.stop).to_be_visible()
    assert "espresso" in tab.finish()
    tab.page.get_by_role("button", name="Undo").click()
    expect(tab.requests).to_have_count(0)
    expect(tab.box).to_have_value("What is in this picture?")
    expect(tab.thumbnails).to_have_count(1)
    assert "image-2.png" in tab.kept()  # what was made stays
