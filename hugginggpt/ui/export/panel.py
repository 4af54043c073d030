"""Panel to share a run (page, trace, script, workflow, link), to open a trace, and to save all files as one archive."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.events import Event
from hugginggpt.core.recording import Recording
from hugginggpt.core.tasks import TaskTable
from hugginggpt.ui.assets import load_script
from hugginggpt.ui.chat.run_follower import RunFollower
from hugginggpt.ui.chat.view import View, Views
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import PRIVATE
from hugginggpt.ui.property_updates import make_updatable
from hugginggpt.ui.run_panel.lineage import trace_lineage
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.llm_choice import is_space
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.uploads import Uploads

_MAX_WAIT_SECONDS: Final = 1.0  # in a replay, in seconds: what took long is not waited for once more
_FILE_STEM: Final = "hugginggpt-run"

_CLICK_SCRIPT: Final = "() => document.querySelector('#kept').click()"
"""Script that has the browser save the file, which is made only when its button is pressed."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A file format in which a run can be saved."""

    name: str
    suffix: str
    build: Callable[[Recording, TaskTable, Words], str]


def _build_page(recording: Recording, table: TaskTable, words: Words) -> str:
    from hugginggpt.ui.export.html_report import build_report

    return build_report(recording, words, table=table)


def _build_trace(recording: Recording, _: TaskTable, __: Words) -> str:
    from hugginggpt.ui.export.trace_writer import write_trace

    return write_trace(recording)


def _build_script(recording: Recording, _: TaskTable, __: Words) -> str:
    from hugginggpt.ui.export.python_script import build_script

    return build_script(recording)


def _build_workflow(recording: Recording, table: TaskTable, _: Words) -> str:
    from hugginggpt.ui.export.gradio_workflow import build_workflow

    return build_workflow(recording, table=table)


EXPORT_FORMATS: Final = (
    ExportFormat("page", ".html", _build_page),
    ExportFormat("trace", ".json", _build_trace),
    ExportFormat("script", ".py", _build_script),
    ExportFormat("workflow", "-workflow.json", _build_workflow),
)


class SharePanel:
    """Buttons to save and open runs, and their handlers."""

    def __init__(
        self, agent: HuggingGPT, get_tab: Callable[[TabSession | None], TabSession], follower: RunFollower, uploads: Uploads
    ) -> None:
        self._agent = agent
        self._get_tab = get_tab
        self._follower = follower
        self._uploads = uploads
        self._buttons: dict[str, gr.Button] = {}

    def draw(self) -> tuple[gr.Column, gr.HTML]:
        """Draw the panel in the open Blocks context; return the column to share a run, which is hidden, and its link."""
        with gr.Column(visible=False, elem_id="share") as share:
            gr.Markdown(get_label("keep.title"))
            with gr.Row(elem_classes="buttons"):
                for export in EXPORT_FORMATS:
                    button = gr.Button(
                        get_label(f"keep.as_{export.name}"), size="sm", min_width=60, elem_id=f"save-{export.name}"
                    )
                    self._buttons[export.name] = button
            link = make_updatable(gr.HTML)("", elem_id="link", js_on_load=load_script("link"), apply_default_css=False)
        with gr.Row(elem_classes="buttons"):
            self._open = gr.UploadButton(
                get_label("keep.open"), file_types=[".json"], size="sm", min_width=60, elem_id="open-trace"
            )
            self._zip = gr.Button(get_label("keep.zip"), size="sm", min_width=60, elem_id="save-all")
            if is_space():  # elsewhere there is nothing to duplicate
                gr.DuplicateButton(size="sm", min_width=60)
        self._download = gr.DownloadButton(visible="hidden", elem_id="kept")  # False would leave nothing to click
        return share, link

    def wire(self, tab_state: gr.State, seen: list[Any]) -> None:
        """Connect the buttons' handlers, once all outputs of the page exist."""
        for export in EXPORT_FORMATS:
            saved = self._buttons[export.name].click(self._make_handler(export), tab_state, self._download, **PRIVATE)
            saved.success(None, js=_CLICK_SCRIPT, api_visibility="private")  # not `then`: nothing to fetch after an error
        saved = self._zip.click(self.export_all_files, tab_state, self._download, **PRIVATE)
        saved.success(None, js=_CLICK_SCRIPT, api_visibility="private")
        self._open.upload(self.replay, [self._open, tab_state], seen, **PRIVATE)

    def _make_handler(self, export: ExportFormat) -> Callable[[TabSession | None], Any]:
        async def save(tab: TabSession | None) -> str:
            tab = self._get_tab(tab)
            if (run := tab.displayed_run) is None:
                raise gr.Error(tab.words("keep.nothing"), print_exception=False)
            try:
                text = await asyncio.to_thread(export.build, run.recording, self._agent.table, tab.words)
            except HuggingGPTError as error:
                raise gr.Error(str(error), print_exception=False) from error
            return await _write_or_explain(lambda: _write_file(tab, f"{_FILE_STEM}{export.suffix}", text))

        return save

    async def export_all_files(self, tab: TabSession | None) -> str:
        """Return everything of this session as one file."""
        from hugginggpt.ui.export.zip_archive import write_zip

        tab = self._get_tab(tab)
        if not (resources := tab.session.workspace.resources):
            raise gr.Error(tab.words("keep.nothing"), print_exception=False)
        made_from = trace_lineage([run.recording for run in tab.runs], self._agent.table)
        size = sum(resource.path.stat().st_size for resource in resources if resource.path and resource.path.is_file())

        def write() -> Path:
            target = _make_path(tab, "hugginggpt-files.zip")
            with tab.session.workspace.files.rewrite(target, size) as part:
                write_zip(resources, part, made_from)
            return target

        return await _write_or_explain(write)

    async def replay(self, path: str, tab: TabSession | None) -> Views:
        """Read a trace and show it step by step, without any model."""
        from hugginggpt.ui.export.trace_reader import TRACE_BYTES, read_trace

        tab = self._get_tab(tab)
        settings = self._agent.settings

        def read() -> Recording:
            size = os.path.getsize(path)
            content = Path(path).read_bytes() if size <= TRACE_BYTES else b" " * (TRACE_BYTES + 1)  # refused in its words
            return read_trace(content, session.workspace, table=self._agent.table, max_pixels=settings.max_pixels)

        async with tab.claim() as claimed:
            if not claimed or not path:
                gr.Info(tab.words("page.busy"))
                yield View(tab=tab).to_outputs()
                return
            session = tab.session
            try:
                recording = await asyncio.to_thread(read)  # sees `session`, set above
            except HuggingGPTError as error:
                gr.Warning(str(error))
                yield View(tab=tab).to_outputs()
                return
            finally:
                await asyncio.to_thread(self._uploads.consume, path)
            if tab.session is not session:  # another conversation has begun meanwhile
                yield await self._follower.draw_idle(tab)
                return
            tab.start_run(BackgroundRun.from_recording(recording, previous_turns=tab.session.turns), replay(recording))
        async for view in self._follower.follow(tab):
            yield view


async def replay(recording: Recording) -> AsyncGenerator[Event, None]:
    """Yield the events of a recording at their pace, but for long waits."""
    before = 0.0
    for event, at in zip(recording.events, recording.times, strict=True):
        await asyncio.sleep(min(max(0.0, at - before), _MAX_WAIT_SECONDS))
        before = at
        yield event


def _make_path(tab: TabSession, name: str) -> Path:
    """Return a path in the session's folder, under a name that people read."""
    tab.session.workspace.files.make()
    folder = tab.session.workspace.folder / "shared"
    folder.mkdir(mode=0o700, exist_ok=True)  # others on this machine have no business in it
    return folder / name


def _write_file(tab: TabSession, name: str, text: str) -> Path:
    """Write a text to a file of the session, in place of the one before."""
    target, content = _make_path(tab, name), text.encode("utf-8")
    with tab.session.workspace.files.rewrite(target, len(content)) as part:
        part.write_bytes(content)
    return target


async def _write_or_explain(write: Callable[[], Path]) -> str:
    """Write a file in a thread; return its path, or raise the reason as Gradio shows it."""
    try:
        return str(await asyncio.to_thread(write))
    except HuggingGPTError as error:
        raise gr.Error(str(error), print_exception=False) from error
