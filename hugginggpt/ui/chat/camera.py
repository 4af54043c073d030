"""Camera: a picture is taken in the browser and attached to the next request.

On a phone the box's own button offers the camera, too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr
from starlette.exceptions import HTTPException

from hugginggpt.ui.i18n import get_label
from hugginggpt.ui.listeners import PRIVATE
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.ui.uploads import Uploads

ICON: Final = Path(__file__).parents[1] / "assets" / "camera.svg"


@dataclass(frozen=True, slots=True)
class Camera:
    """Components of the camera; the panel is hidden until the button opens it."""

    panel: gr.Column
    photo: gr.Image
    close_button: gr.Button

    def add_button(self, box: gr.MultimodalTextbox, uploads: Uploads) -> None:
        """Add the button that opens the camera to the current Blocks context.

        Args:
            box: Gets the picture that is taken, beside what it holds.
            uploads: Gets the picture as a file.
        """
        button = gr.Button(get_label("page.camera"), size="sm", icon=str(ICON), elem_id="open-camera")
        button.click(lambda: gr.Column(visible=True), None, self.panel, **PRIVATE)
        self.close_button.click(_close, None, [self.panel, self.photo], **PRIVATE)

        async def take(path: str | None, value: dict[str, Any] | None, request: gr.Request) -> tuple[Any, Any, Any]:
            if not path:  # the person has cleared it
                return gr.skip(), gr.skip(), gr.skip()
            value = value or {}
            try:
                taken = uploads.add_file(Path(path), read_visitor(request))
            except HTTPException as refused:
                raise gr.Error(str(refused.detail), print_exception=False) from refused
            return {"text": value.get("text") or "", "files": [*(value.get("files") or []), str(taken)]}, *_close()

        self.photo.input(take, [self.photo, box], [box, self.panel, self.photo], **PRIVATE)


def build_camera() -> Camera:
    """Return a closed camera in the current Blocks context."""
    with gr.Column(visible=False, elem_id="camera") as panel:  # unmounted: the browser asks for no camera yet
        photo = gr.Image(
            label=get_label("page.camera"),
            sources=["webcam"],
            type="filepath",
            format="png",
            height=280,
            elem_id="camera-picture",
        )
        close_button = gr.Button(get_label("page.camera_shut"), size="sm", elem_id="camera-shut")
    return Camera(panel, photo, close_button)


def _close() -> tuple[Any, Any]:
    return gr.Column(visible=False), gr.Image(value=None)
