"""One tab of a visitor, with the words for what is done in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.ui.app_server import SECONDS

STILL = """addEventListener("DOMContentLoaded", () => {
  const still = document.createElement("style");
  still.textContent = "*, *::before, *::after { animation: none !important; transition: none !important; }";
  document.head.append(still);
})
// Gradio's clock for the loading of the page itself never ends: what asks for frame after frame gets five a second
const draw = requestAnimationFrame.bind(window)
let drawing = false
requestAnimationFrame = (callback) => {
  const step = (time) => { drawing = true; try { callback(time) } finally { drawing = false } }
  return drawing ? setTimeout(() => step(performance.now()), 200) : draw(step)
}"""
"""Nothing moves while tests wait: drawing it without a graphics card would take the processor from the models."""


SPEAKING = re.compile(r"sentence \d+ of \d+")
"""Note of a step while a text is spoken."""


def write_novels(folder: Path) -> list[Path]:
    """Write what takes long to read aloud: one of them alone is spoken in five seconds of the processor's time."""
    paths = [folder / f"novel{number}.txt" for number in range(4)]
    for path in paths:
        path.write_text("In this chapter the rain went on, and nobody in the house had slept.\n" * 200, encoding="utf-8")
    return paths


@dataclass
class Tab:
    """One tab of a visitor, with the words for what is done in it."""

    page: Page
    box: Locator = field(init=False)

    def __post_init__(self) -> None:
        self.box = self.page.locator("#request textarea")
        self.requests = self.page.locator("#chat .user-row")
        self.answers = self.page.locator("#chat .bot-row")
        self.thumbnails = self.page.locator("#request .thumbnail-item")
        self.stop = self.page.locator("#request .stop-button")
        self.cards = self.page.locator("#shelf li.card")

    @classmethod
    def of(cls, context: BrowserContext, url: str) -> Tab:
        """A new one, opened there."""
        tab = cls(context.new_page())
        tab.open(url)
        return tab

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.box.wait_for()
        self.page.locator("#welcome button:visible, #chat .user-row:visible").first.wait_for()
        # what was chosen before has come, too: nothing is put back under the person's hands any more
        self.page.locator("#side:not([inert])").wait_for(state="attached")

    def attach(self, *paths: Path) -> None:
        here = self.thumbnails.count()
        with self.page.expect_file_chooser() as chooser:
            self.page.locator("#request .upload-button").click()
        chooser.value.set_files(list(paths))
        expect(self.thumbnails).to_have_count(here + len(paths))
        expect(self.page.locator("#request .uploading, #request [data-testid=status-tracker].generating")).to_have_count(0)

    def start(self, text: str, *paths: Path) -> None:
        """Send a request, and wait until it stands in the chat."""
        if paths:
            self.attach(*paths)
        self.box.fill(text)
        self.send()

    def send(self) -> None:
        before = self.requests.count()
        for _ in range(3):
            self.box.press("Enter")
            try:
                expect(self.requests).to_have_count(before + 1, timeout=SECONDS * 1000 / 3)
            except AssertionError:
                # a key is lost in the moment in which Gradio makes the box anew; a request that was sent has emptied it
                assert self.box.is_enabled() and self.box.input_value()  # noqa: PT018 - one state
                continue
            return
        expect(self.requests).to_have_count(before + 1)

    def finish(self) -> str:
        """Wait until every request has its answer and nothing runs; returns the answer's side of the chat."""
        expect(self.page.locator("#request .submit-button")).to_be_visible()
        expect(self.answers).to_have_count(self.requests.count())
        expect(self.page.locator("#request .submit-button")).to_be_visible()
        expect(self.box).to_be_enabled()
        return self.answer

    def ask(self, text: str, *paths: Path) -> str:
        self.start(text, *paths)
        return self.finish()

    @property
    def answer(self) -> str:
        return self.answers.last.inner_text()

    def step(self, task: str) -> Locator:
        """The line of a task, in the last request's steps."""
        return self.answers.last.locator(".thought-group .title", has_text=task).last

    def open_steps(self, *tasks: str) -> str:
        """Open the plan, which folds itself when it is done, and these steps; returns what they tell."""
        titles = self.answers.last.locator(".thought-group .title")
        expect(titles).to_have_count(1)
        titles.click()
        for task in tasks:
            self._unfold(self.step(task))
        return self.answer

    def _unfold(self, step: Locator) -> None:
        """Open a step and see that it stays open: one that ran until now folds itself a moment after it is done."""
        for _ in range(20):
            if "expanded" not in (step.get_attribute("class") or ""):
                step.click()
            self.page.wait_for_timeout(150)
            if "expanded" in (step.get_attribute("class") or ""):
                return
        raise AssertionError(f"{step} does not stay open")

    def file(self, name: str) -> bytes:
        """The file that the shelf offers under this name."""
        self.open_run()
        with self.page.expect_download() as download:
            self.page.locator(f'#shelf a[download="{name}"]').click()
        assert download.value.suggested_filename == name
        return Path(download.value.path()).read_bytes()

    def kept(self) -> list[str | None]:
        """What the shelf offers, by file name."""
        return [link.get_attribute("download") for link in self.page.locator("#shelf a[download]").all()]

    def open_run(self) -> None:
        """The side of the run; where there is room it opens itself with the first request."""
        if self.page.locator("#run.sidebar.open").count() == 0:
            self.page.locator("#run .toggle-button").click()

    def choose(self, brain: str, **fields: str) -> None:
        """Choose who plans, fill in its fields by their element ids, and use it."""
        self.type(brain, **fields)
        if fields:
            self.page.locator("#use-brain").click()
            expect(self.status).not_to_contain_text("Asking the server")

    def type(self, brain: str, **fields: str) -> None:
        """Choose who plans, and fill in its fields."""
        self.open_settings()
        self.page.get_by_label(brain, exact=True).check()
        for name, value in fields.items():
            self.page.locator(f"#{name.replace('_', '-')} :is(input, textarea)").fill(value)

    def open_settings(self) -> None:
        if self.page.locator(".sidebar.open #side").count() == 0:
            self.page.locator(".sidebar", has=self.page.locator("#side")).locator(".toggle-button").click()

    @property
    def status(self) -> Locator:
        return self.page.locator("#brain-status")
