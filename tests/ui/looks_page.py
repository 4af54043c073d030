"""A small Gradio page with the plan, the shelf and the welcome, for tests: ``python -m tests.ui.looks_page PORT``."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import quote

import gradio as gr

from hugginggpt.events import Step
from hugginggpt.plan import Task
from hugginggpt.resources import EXAMPLE_MEDIA, Origin, Resource
from hugginggpt.tasks import Kind, task_table
from hugginggpt.ui import graph, shelf, welcome
from hugginggpt.ui.looks import style

HERE = {"image-to-text", "text-to-speech"}
TASKS = [
    Task("image-to-text", 0, (), {"image": "image-1"}),
    Task("text-to-speech", 1, (0,), {"text": "<resource>-0"}),
    Task("automatic-speech-recognition", 2, (), {"audio": "audio-1"}),
]
PHOTO = Resource("image-1", Kind.IMAGE, Origin("example", "cat.jpg"), EXAMPLE_MEDIA / "cat.jpg", measure="451 × 300")
TEXT = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="BEACH CLOSED")


def address(path: Path | None) -> str:
    return f"gradio_api/file={quote(str(path))}"


def drawn(done: int) -> tuple[str, str]:
    """Plan and shelf when that many tasks are done."""
    steps = [Step(task, "done" if n < done else "pending") for n, task in enumerate(TASKS)]
    made = [PHOTO, TEXT] if done else [PHOTO]
    return graph.picture(steps, task_table()), shelf.shelf(made, lambda r: address(r.path), {"text-1": ("image-1",)})


def said(event: gr.EventData) -> str:
    return str(event._data)


def main(port: int) -> None:
    """Serve it; a button says that the first task is done."""
    gr.set_static_paths(EXAMPLE_MEDIA)
    with gr.Blocks(analytics_enabled=False) as page:
        plan, cards = drawn(0)
        begin = gr.HTML(welcome.welcome(HERE.__contains__, address), js_on_load=welcome.ON_LOAD, apply_default_css=False)
        heard = gr.Textbox(label="Heard")
        shown = gr.HTML(plan, js_on_load=None, apply_default_css=False)
        kept = gr.HTML(cards, js_on_load=shelf.ON_LOAD, apply_default_css=False)
        begin.select(said, None, heard)
        kept.select(said, None, heard)
        gr.Button("Go on").click(lambda: drawn(1), None, [shown, kept])
    page.launch(css=style("graph", "shelf", "welcome"), server_name="127.0.0.1", server_port=port, ssr_mode=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
