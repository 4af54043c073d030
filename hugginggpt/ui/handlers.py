"""What handlers of the page share."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from hugginggpt.ui.words import Words, words_for

QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
"""For listeners that nobody calls from outside, and that need no sign of being at work."""
PLAIN: Final = gr.InputHTMLAttributes(autocomplete="off", autocapitalize="off", spellcheck=False)
"""For boxes that take keys and addresses."""
Updates = dict[Any, Any]
"""New values and properties, by component."""


def words_of(request: gr.Request) -> Words:
    """The phrases in the language of the browser that asks."""
    return words_for(request.headers.get("accept-language"))
