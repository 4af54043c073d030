"""Arguments that the page's event listeners share."""

from typing import Any, Final

import gradio as gr

from hugginggpt.ui.i18n import Words, choose_words

PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
"""For listeners that nobody calls from outside, and that need no sign of being at work."""
PRIVATE_MULTIPLE: Final[dict[str, Any]] = {**PRIVATE, "trigger_mode": "multiple"}
"""For what begins a request: Gradio drops an event in silence while the one before is still being followed."""
PRIVATE_LATEST: Final[dict[str, Any]] = {**PRIVATE, "trigger_mode": "always_last"}
"""For what is set in a field: what was set while the handler was still at work is handed to it afterwards, not dropped."""
NO_AUTOCORRECTION: Final = gr.InputHTMLAttributes(autocomplete="off", autocapitalize="off", spellcheck=False)
"""For boxes that take keys and addresses."""
Updates = dict[Any, Any]
"""New values and properties, by component."""


def build_key_box(text: Any, elem_id: str, info: Any = None) -> gr.Textbox:
    """Return a box for a key: what is typed can't be read over a shoulder, and the browser corrects nothing."""
    return gr.Textbox(label=text, info=info, type="password", html_attributes=NO_AUTOCORRECTION, elem_id=elem_id)


def build_remember_box(text: Any, elem_id: str, info: Any) -> gr.Checkbox:
    """Return a box that asks whether the browser shall keep a key; never ticked beforehand."""
    return gr.Checkbox(label=text, info=info, value=False, elem_id=elem_id)  # opt-in


def get_words(request: gr.Request) -> Words:
    """Return the phrases in the language of the browser that asks."""
    return choose_words(request.headers.get("accept-language"))
