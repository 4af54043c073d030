"""A run is given away and opened again: by a link, as a page, as a trace that replays without any model."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, expect

from tests.conftest import MEDIA
from tests.scripted_server import KEY
from tests.ui.app_server import Server
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import Tab
from tests.ui.test_markup import HOSTILE

pytestmark = pytest.mark.browser


def kept(tab: Tab, button: str) -> Download:
    tab.open_run()
    with tab.page.expect_download() as download:
        tab.page.locator(button).click()
    return download.value


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def opened(tab: Tab, trace: Path) -> None:
    tab.open_run()
    with tab.page.expect_file_chooser() as chooser:
        tab.page.locator("#open-trace").click()
    chooser.value.set_files(trace)


def test_a_run_is_shared_and_replayed_by_somebody_else_without_any_model(
    tab: Tab, visitor: Visitor, server: Server, tmp_path: Path
) -> None:
    tab.ask("What does this sign say? Say it aloud.", MEDIA / "sign.jpg")
    saved = kept(tab, "#save-trace")
    assert saved.suggested_filename == "hugginggpt-run.json"
    trace = content(saved)
    page = content(kept(tab, "#save-page")).decode()
    script, workflow = (content(kept(tab, button)).decode() for button in ("#save-script", "#save-workflow"))
    for text in (trace.decode(), page, script, workflow):
        assert str(server.home) not in text
        assert "SWIMMING" in text.upper() or text in {script, workflow}
        assert KEY not in text
    assert json.loads(workflow)
    compile(script, "script.py", "exec")
    with zipfile.ZipFile(io.BytesIO(content(kept(tab, "#save-all")))) as files:
        assert {"sign.jpg", "audio-1.wav", "text-1.txt", "index.csv"} == set(files.namelist())

    (tmp_path / "run.html").write_text(page, encoding="utf-8")
    alone = tab.page.context.new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto((tmp_path / "run.html").as_uri())
    expect(alone.get_by_role("heading", level=1)).to_be_visible()
    expect(alone.locator("audio")).to_have_count(1)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []

    (tmp_path / "run.json").write_bytes(trace)
    other = visitor()
    opened(other, tmp_path / "run.json")
    expect(other.requests).to_have_count(1)
    assert "SWIMMING" in other.finish().upper()
    assert "Did 2 tasks" in other.answer
    assert other.kept() == ["image-1.jpg", "text-1.txt", "audio-1.wav"]
    assert other.file("audio-1.wav").startswith(b"RIFF")
    assert "edges" in other.ask("Draw the edges of image-1.").lower()  # what came with it can be worked on

    (tmp_path / "broken.json").write_text(trace.decode().replace('"version": 1', '"version": 99'), encoding="utf-8")
    opened(other, tmp_path / "broken.json")
    expect(other.page.locator(".toast-body")).to_contain_text("version")
    expect(other.requests).to_have_count(2)


def test_a_link_fills_the_box_and_runs_nothing(tab: Tab, server: Server) -> None:
    tab.ask("Draw the edges of cat.jpg")
    link = tab.page.locator("#link a").get_attribute("href") or ""
    tab.ask("Say “hello” aloud.")
    tab.page.goto(f"{server.url}/{link}")
    expect(tab.requests).to_have_count(2)  # the same tab: its conversation is still there
    expect(tab.box).to_have_value("Draw the edges of cat.jpg")
    other = Tab(tab.page.context.new_page())
    other.open(f"{server.url}/?request=Draw+the+edges+of+this+photo.&example=coffee.jpg")
    expect(other.box).to_have_value("Draw the edges of this photo.")
    expect(other.thumbnails).to_have_count(1)
    expect(other.requests).to_have_count(0)
    other.send()
    assert "image-2" in other.finish()


def test_a_resource_is_used_in_the_next_request(tab: Tab) -> None:
    tab.ask("Transcribe this.", MEDIA / "speech.flac")
    tab.page.get_by_role("button", name="Use next: text-1").click()
    expect(tab.box).to_have_value("text-1")
    tab.box.fill("Read text-1 aloud")
    tab.send()
    assert "audio-2" in tab.finish()
    expect(tab.cards.last).to_contain_text("text-to-speech")
    expect(tab.cards.last).to_contain_text("text-1")


def test_a_strangers_trace_reaches_out_to_nobody(tab: Tab, tmp_path: Path) -> None:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    traps = [f"{number}. {name}\n\n{trap}" for number, (name, trap) in enumerate(HOSTILE.items()) if "\0" not in trap]
    trap = "\n\n".join(HOSTILE[name] for name in ("a tag", "a picture", "a form", "an overlay by style", "a mermaid block"))
    task = {"task": "image-to-text", "id": 0, "dep": [], "args": {"image": f"{trap}.png"}}
    model = {"id": trap, "backend": trap, "provider": trap}
    events = [
        {"event": "RequestStarted", "request": "\n\n".join(traps), "resources": [], "controller": trap},
        {"event": "Planned", "plan": {"tasks": [task], "notes": [trap]}, "seconds": 0.1, "because": trap},
        {"event": "Planned", "plan": {"tasks": [task], "notes": [trap]}, "seconds": 0.1, "because": trap},
        {"event": "ModelSelected", "task_id": 0, "model": model, "reason": trap, "candidates": [model], "source": trap},
        {"event": "TaskStarted", "task_id": 0, "model": model},
        {"event": "AttemptFailed", "task_id": 0, "model": model, "error": trap},
        {"event": "TaskStarted", "task_id": 0, "model": model},
        {"event": "TaskDone", "task_id": 0, "model": model, "outputs": ["text-1"], "seconds": 0.1, "note": trap},
        {"event": "Notice", "message": trap},
        *({"event": "AnswerDelta", "text": f"{each}\n\n", "restarts": False} for each in traps),
        {"event": "Answered", "answer": "\n\n".join(traps), "complete": True},
        {"event": "RequestDone", "seconds": 0.4, "usage": []},
    ]
    result = {"kind": "text", "origin": {"source": "task", "label": trap, "task_id": 0}, "text": trap, "data": {"label": trap}}
    trace = {"format": "hugginggpt-trace", "version": 1, "stopped": False, "resources": {"text-1": result}}
    timed = [{**event, "at": number / 10} for number, event in enumerate(events)]
    (tmp_path / "evil.json").write_text(json.dumps({**trace, "events": timed}), encoding="utf-8")
    opened(tab, tmp_path / "evil.json")
    expect(tab.requests).to_have_count(1)  # the file is read first
    tab.finish()
    shown = tab.open_steps("image-to-text")
    assert shown.count("<img src=https://evil.example/x.png onerror=alert(1)>") >= 7  # wherever it was said, it is text
    assert "Sign in again" in shown
    drawn = tab.page.locator("#chat .message-content")
    assert drawn.locator("form, input, img, iframe, style, script, math, .mermaid, [style*=fixed]").count() == 0
    assert drawn.locator("svg").count() == drawn.locator(".copy_code_button svg").count()
    links = tab.page.locator("#chat .message a").evaluate_all("all => all.map(a => [a.protocol, a.host, a.target, a.rel])")
    assert {tuple(link) for link in links} == {("https:", "evil.example", "_blank", "noopener noreferrer")}
    assert [url for url in asked if "evil.example" in url] == []
    policy = tab.page.request.get(tab.page.url).headers["content-security-policy"]
    assert "img-src 'self'" in policy
    assert "form-action 'self'" in policy


def test_what_is_edited_and_copied_is_what_was_written(tab: Tab, tmp_path: Path) -> None:
    typed = "Compare <b> with &lt;b&gt;:\n    if a < b: **x** & y"
    answer = "## Found\n\n1. **first**\n   - see [this](https://a.example)\n\n```\nif a<b:\n    c\n```\n\n"
    answer += "| a | b |\n| --- | --- |\n| 1 | 2 |"
    events = [
        {"event": "RequestStarted", "at": 0.0, "request": typed, "resources": [], "controller": "me"},
        {"event": "Answered", "at": 0.1, "answer": answer, "complete": True},
        {"event": "RequestDone", "at": 0.2, "seconds": 0.2, "usage": []},
    ]
    trace = {"format": "hugginggpt-trace", "version": 1, "stopped": False, "events": events, "resources": {}}
    (tmp_path / "run.json").write_text(json.dumps(trace), encoding="utf-8")
    opened(tab, tmp_path / "run.json")
    expect(tab.requests).to_have_count(1)  # the file is read first
    tab.finish()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.get_by_label("Copy conversation").click()
    tab.page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('first'))")
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert f"user: {typed}" in copied
    assert answer in copied
    tab.page.locator("#chat").get_by_label("Edit").first.click()
    edited = tab.page.locator("#chat textarea").first
    assert edited.input_value().replace("\u2060", "") == typed
    edited.press("End")
    tab.page.locator("#chat").get_by_label("Submit").click()
    tab.finish()
    assert tab.requests.first.locator(".message-content").inner_text().replace("\u2060", "") == typed
