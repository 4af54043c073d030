"""A run as one file: all of it is there, nothing in it can act, and it looks after itself on a phone."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from hugginggpt.core.events import RequestStarted, TaskDone
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.core.trace import answer_text
from hugginggpt.ui.export.html_media import render_table
from hugginggpt.ui.export.html_report import build_report
from hugginggpt.ui.export.queries import list_resources
from hugginggpt.ui.i18n import Words
from hugginggpt.workspace.workspace import Workspace
from tests.chromium import chromium
from tests.conftest import MEDIA
from tests.ui.export.runs import NASTY, recorded

pytestmark = pytest.mark.slow

_VOID = {"meta", "img", "br", "hr", "path", "rect", "circle", "marker", "line"}


class Reader(HTMLParser):
    """The elements of a page; fails where one is left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_a_real_run_is_told_from_request_to_usage(run: Recording) -> None:
    read = Reader(build_report(run))
    assert "What does this sign say? Say it aloud." in read.text
    assert "SWIMMING" in read.text.upper()
    assert "PP-OCRv6-small · local, bundled" in read.text
    assert "Planned by built-in planner" in read.text
    (photo,) = list_resources(run.events)[:1]
    assert photo.path
    (picture,) = [image for image in read.all("img") if image["alt"] == "image-1: sign.jpg (attached)"]
    assert base64.b64decode(str(picture["src"]).partition(",")[2]) == photo.path.read_bytes()
    assert [tag for tag, _ in read.elements if tag in {"h1", "h2", "h3"}] == ["h1", *["h2"] * 5, "h3", "h3"]


def test_everything_that_happened_is_in_the_page(eventful: Recording) -> None:
    read = Reader(build_report(eventful))
    for told in (
        "Task 1: dep lacked 0.", "Task 1 failed.", "hosted by fal-ai", "Out of memory.", "Boxes below 0.5 are left out.",
        "No voice speaks <Klingon>.", "because nothing was read aloud", "The rest of the plan is missing.", "The disk is full.",
        "The run was stopped", "The answer is incomplete.", "$0.0123", '"boxes"', "Ada", "<b>Bob</b>",
        "There is a cat in image-1 .",
    ):  # fmt: skip
        assert told in read.text, told
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert {"image-1", "image-2", "text-1", "text-2", "table-1"} <= set(ids)
    assert len(ids) == len(set(ids))
    links = [str(a["href"]) for a in read.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert "https://huggingface.co/lab/second" in links


def test_nothing_in_a_page_can_act_or_fetch(eventful: Recording) -> None:
    html = build_report(eventful)
    read = Reader(html)
    assert not {"script", "iframe", "object", "embed", "form", "link", "base"} & {tag for tag, _ in read.elements}
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert [a["src"] for _, a in read.elements if "src" in a and not str(a["src"]).startswith("data:")] == []
    assert all(re.match(r"#|data:text/csv;|https?://", str(a["href"])) for a in read.all("a"))
    assert "default-src 'none'" in str(next(m["content"] for m in read.all("meta") if "http-equiv" in m))
    assert " ".join(NASTY.split("\u2028")[0].split()) in read.text


def test_no_path_is_in_a_page(eventful: Recording, workspace: Workspace, tmp_path: Path) -> None:
    html = build_report(eventful)
    assert str(tmp_path) not in html
    assert workspace.folder.name not in html


def test_a_run_can_be_shown_at_every_moment_of_it(eventful: Recording) -> None:
    for count in range(len(eventful.events)):
        Reader(build_report(eventful.truncate(count)))


def test_a_page_speaks_the_visitors_language(run: Recording) -> None:
    read = Reader(build_report(run, Words("zh")))
    assert read.all("html") == [{"lang": "zh"}]
    assert "回答" in read.text
    assert "Answer" not in read.text


def test_every_kind_of_file_is_shown_as_what_it_is(workspace: Workspace) -> None:
    files = [workspace.add_file(MEDIA / name) for name in ("cat.jpg", "speech.flac", "clip.mp4", "people.csv", "report.txt")]
    read = Reader(build_report(recorded([RequestStarted("Look.", tuple(files), "me")])))
    assert [str(read.all(tag)[0]["src"]).partition(";")[0] for tag in ("img", "audio", "video")] == [
        "data:image/jpeg", "data:audio/flac", "data:video/mp4",
    ]  # fmt: skip
    assert read.all("a")[0]["download"] == "table-1.csv"


def test_a_file_that_is_gone_is_told(workspace: Workspace) -> None:
    photo = workspace.add_file(MEDIA / "cat.jpg")
    assert photo.path
    photo.path.unlink()
    assert "not in the page" in Reader(build_report(recorded([RequestStarted("Look.", (photo,), "me")]))).text


def test_a_long_request_is_told_whole_below_its_beginning() -> None:
    request = "word " * 100
    read = Reader(build_report(recorded([RequestStarted(request, (), "me")])))
    assert read.text.count("word") > 100
    assert len(read.all("p")) >= 3


def test_a_table_without_rows_is_nothing() -> None:
    assert render_table([]) == ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_the_page_asks_for_nothing_fits_and_is_accessible(
    browser: Browser, width: int, scheme: str, eventful: Recording, workspace: Workspace, tmp_path: Path
) -> None:
    spoken = Resource("audio-7", Kind.AUDIO, Origin("task", "text-to-speech", 0), path=MEDIA / "speech.flac")
    events = [replace(e, outputs=(*e.outputs, spoken)) if isinstance(e, TaskDone) else e for e in eventful.events]
    file = tmp_path / "run.html"
    file.write_text(build_report(replace(eventful, events=tuple(events))), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    shown = context.new_page()
    told: list[str] = []
    shown.on("console", lambda message: told.append(message.text))
    shown.on("request", lambda request: told.append(request.url) if not request.url.startswith("data:") else None)
    shown.goto(file.as_uri())
    shown.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    shown.wait_for_function("[...document.querySelectorAll('audio')].every(sound => sound.duration > 1)")
    assert told == [file.as_uri()]
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(shown).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in {"serious", "critical"}] == []
    assert answer_text(events)
    context.close()


def test_what_is_shared_is_made_without_gradio() -> None:
    rooms = "zip_archive trace_reader trace_writer python_script html_report gradio_workflow".split()
    code = f"import sys, {', '.join(f'hugginggpt.ui.export.{room}' for room in rooms)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"gradio", "torch", "pandas", "markdown_it"} & set(done.stdout.split())
