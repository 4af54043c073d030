"""The form of the language model: each controller shows the fields that it needs."""

from __future__ import annotations

import gradio as gr
import pytest

from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.llm_choice import BUILT_IN, HUGGING_FACE, OPENAI, OTHER
from hugginggpt.ui.settings_panel.llm_form import LLMForm, can_sign_in

FIELDS = {"brain-fields", "base-url", "hf-token", "openai-key", "route"}


@pytest.mark.parametrize(
    ("controller", "visible"),
    [
        (BUILT_IN, set()),
        (HUGGING_FACE, {"brain-fields", "hf-token", "route"}),
        (OPENAI, {"brain-fields", "openai-key"}),
        (OTHER, {"brain-fields", "base-url", "openai-key"}),
    ],
)
async def test_a_controller_shows_the_fields_that_it_needs(controller: str, visible: set[str]) -> None:
    form = LLMForm()
    with gr.Blocks():
        form.draw()
    updates = {component.elem_id: update for component, update in form.show_fields(controller, None, Words()).items()}
    assert {name for name in FIELDS if updates[name]["visible"]} == visible


def test_nobody_signs_in_elsewhere_than_on_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert not can_sign_in()
