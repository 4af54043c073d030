"""What a person does on the page, with no key: pick an example, watch, listen, keep, ask again."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hugginggpt.core.resources import Origin
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

JUMPS = """() => {
  const top = () => document.querySelector("#ask").getBoundingClientRect().top;
  const begun = top();
  window.jumps = [];
  const look = () => { if (Math.abs(top() - begun) > 2) jumps.push(top() - begun); requestAnimationFrame(look); };
  look();
}"""
"""Notes in each picture that is drawn how far the box has moved."""


def test_one_click_on_an_example_brings_an_answer(tab: Tab) -> None:
    tab.page.evaluate(JUMPS)
    tab.page.get_by_role("button", name="Draw the edges of this photo.").click()
    expect(tab.requests).to_have_count(1)
    expect(tab.requests.last.locator("img")).to_have_count(1)
    assert "image-2" in tab.finish()
    assert "Did 1 task" in tab.answer
    picture = tab.answers.last.locator("img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert tab.page.evaluate("jumps") == []  # the box stays where it is
    assert tab.file("image-2.png").startswith(b"\x89PNG")
    # a step is one line, however long its model's name: an endpoint's is an address
    title = tab.answers.last.locator(".thought-group .title").first
    title.locator(".duration").evaluate("name => { name.textContent = 'https://an.endpoint.of.its.owner/'.repeat(9) }")
    assert title.evaluate(
        "title => Math.max(...[...title.children].map(c => c.getBoundingClientRect().right))"
    ) <= title.evaluate("title => title.closest('.thought-group').getBoundingClientRect().right")


def test_the_tutorials_case_takes_one_click_is_shown_step_by_step_and_says_what_was_read(
    tab: Tab, tmp_path: Path, workspace: Workspace
) -> None:
    tab.page.get_by_role("button", name="read the image example.jpg for me").click()
    for task in ("image-to-text", "text-to-speech"):
        expect(tab.answers.last.get_by_text(f"{task} · ")).to_be_visible()  # waiting or running
    assert "20417" in tab.finish()
    opened = tab.open_steps("image-to-text", "text-to-speech")
    for task, model in (("image-to-text", "PP-OCRv6-small"), ("text-to-speech", "hibari-tts")):
        assert f"Model {model} on this machine. The only model here for this task." in opened
        expect(tab.step(task)).to_contain_text(f"{model} · here")
        expect(tab.step(task)).to_contain_text("s)")
    expect(tab.answers.last.get_by_text("The only model here for this task.").first).to_be_visible()
    expect(tab.answers.last.get_by_label("audio-1", exact=True)).to_be_visible()
    player = tab.answers.last.locator(".minimal-audio-player").bounding_box()
    assert player is not None
    assert player["height"] < 80  # one line high
    (tmp_path / "kept.wav").write_bytes(tab.file("audio-1.wav"))
    assert "20417" in transcribed(tmp_path / "kept.wav", workspace)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.start("What does this sign say?", MEDIA / "sign.jpg")
    expect(tab.stop).to_be_in_viewport()  # however long the chat is
    tab.finish()
    expect(tab.box).to_be_in_viewport()


def transcribed(path: Path, workspace: Workspace) -> str:
    """What a recording says, in digits and letters alone."""
    expert = BundledExpert()
    card = next(card for card in expert.cards() if card.task == "automatic-speech-recognition")
    spoken = workspace.add_output(Kind.AUDIO, Origin("upload", path.name), path=path)
    call = Call(card, {"audio": spoken}, workspace.new_path)
    with ThreadPoolExecutor() as threads:  # the browser's own loop holds this one
        result = threads.submit(asyncio.run, expert.run(call)).result()
    return "".join(filter(str.isalnum, result.outputs[0].text or ""))


def test_files_come_by_drop_paste_and_camera(tab: Tab) -> None:
    content = base64.b64encode((MEDIA / "sign.jpg").read_bytes()).decode()
    carried = tab.page.evaluate_handle(
        """content => {
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "holiday.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        content,
    )
    tab.page.locator("#request .full-container").dispatch_event("drop", {"dataTransfer": carried})
    expect(tab.thumbnails).to_have_count(1)
    tab.page.evaluate(
        """transfer => document.querySelector("#request textarea").dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }))""",
        carried,
    )
    expect(tab.thumbnails).to_have_count(2)
    tab.page.locator("#open-camera").click()
    tab.page.get_by_text("Click to Access Webcam").click()
    tab.page.wait_for_function("document.querySelector('#camera-picture video')?.readyState === 4")
    tab.page.get_by_label("capture photo").click()
    expect(tab.thumbnails).to_have_count(3)
    expect(tab.page.locator("#camera")).to_be_hidden()
    tab.ask("Draw the edges of image-1.")
    assert [str(name)[:7] for name in tab.kept()[:3]] == ["image-1", "image-2", "image-3"]
    assert tab.file("image-1.jpg") == tab.file("image-2.jpg") == (MEDIA / "sign.jpg").read_bytes()


def test_what_is_said_into_the_microphone_is_heard(tab: Tab) -> None:
    tab.page.get_by_label("Record audio").click()
    tab.page.get_by_label("Start recording").click()  # this browser has several microphones, one of which is to be chosen
    expect(tab.page.locator("#request .timestamp")).to_have_text("0:05")
    tab.page.get_by_label("Stop recording").click()
    tab.page.get_by_label("Attach audio").click()
    expect(tab.thumbnails).to_have_count(1)
    assert "amiable" in tab.ask("Write down what is said.")


def test_a_request_can_refer_to_the_one_before(tab: Tab) -> None:
    assert "amiable" in tab.ask("Transcribe this.", MEDIA / "speech.flac")
    assert "read aloud in audio-2" in tab.ask("now read it aloud")
    assert tab.kept() == ["audio-1.flac", "text-1.txt", "audio-2.wav"]


def test_what_cannot_be_done_is_said_with_what_is_missing(tab: Tab) -> None:
    told = tab.ask("make me a video of a dog")
    assert "No model for video generation is here; with a Hugging Face token a hosted one does it, and “python -m" in told


def test_an_example_that_needs_a_token_says_so_and_only_fills_the_box(tab: Tab) -> None:
    fox = tab.page.get_by_role("button", name="Paint a red fox in the snow.")
    expect(fox).to_contain_text("Needs a Hugging Face token")
    fox.click()
    expect(tab.box).to_have_value("Paint a red fox in the snow.")
    expect(tab.requests).to_have_count(0)
