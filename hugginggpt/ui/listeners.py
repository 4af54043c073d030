"""Arguments that the page's event listeners share."""

from typing import Any, Final

import gradio as gr

from hugginggpt.ui.i18n import Words, choose_words

PRIVATE: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
"""Options of listeners that are no endpoints and show no progress."""
PRIVATE_MULTIPLE: Final[dict[str, Any]] = {**PRIVATE, "trigger_mode": "multiple"}
"""Options of listeners that begin a request: by default Gradio drops an event while the one before is still followed."""
PRIVATE_LATEST: Final[dict[str, Any]] = {**PRIVATE, "trigger_mode": "always_last"}
"""Options of fields: a value that is set while the handler is at work is handed to it afterwards, not dropped."""
NO_AUTOCORRECTION: Final = gr.InputHTMLAttributes(autocomplete="off", autocapitalize="off", spellcheck=False)
"""Attributes of boxes that take keys and addresses."""
Updates = dict[Any, Any]
"""New values and properties, by component."""


def build_key_box(text: Any, elem_id: str, info: Any = None) -> gr.Textbox:
    """Return a box for a key: what is typed can't be read over a shoulder, and the browser corrects nothing."""
    return gr.Textbox(label=text, info=info, type="password", html_attributes=NO_AUTOCORRECTION, elem_id=elem_id)


def build_remember_box(text: Any, elem_id: str, info: Any) -> gr.Checkbox:
    """Return a checkbox for whether the browser keeps a key; never ticked beforehand."""
    return gr.Checkbox(label=text, info=info, value=False, elem_id=elem_id)  # opt-in


def get_words(request: gr.Request) -> Words:
    """Return the phrases in the language of the browser that asks."""
    return choose_words(request.headers.get("accept-language"))
