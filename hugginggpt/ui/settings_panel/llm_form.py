"""The form of the language model: which controller, its key and its model, and which of these fields it needs."""

import os
from collections.abc import Sequence
from typing import Any, Final

import gradio as gr
from gradio.utils import get_space

from hugginggpt.llm.model_list import ROUTER_POLICIES, split_route
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import NO_AUTOCORRECTION, Updates, build_key_box, build_remember_box
from hugginggpt.ui.session.llm_choice import BUILT_IN, CONTROLLERS, DEFAULT_MODELS, HUGGING_FACE, OPENAI, OTHER
from hugginggpt.ui.session.tab_session import TabSession

_OAUTH_VARIABLES: Final = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
"""Variables of a Space whose README says hf_oauth."""


class LLMForm:
    """The form's components; `LLMPanel` has their handlers."""

    def draw(self) -> None:
        """Draw the fields in the open Blocks context."""
        gr.Markdown(get_label("brain.about"))
        if can_sign_in():  # elsewhere Gradio only pretends to sign in
            gr.LoginButton(size="md", elem_id="sign-in")
        choices = [(get_label(f"brain.who_{name}"), name) for name in CONTROLLERS]
        self.controller = gr.Radio(choices, value=BUILT_IN, label=get_label("brain.which"), show_label=False, elem_id="brain")
        with gr.Column(visible=False, elem_id="brain-fields") as self.fields:
            self.base_url = gr.Textbox(
                label=get_label("brain.base_url"),
                info=get_label("brain.base_url_info"),
                placeholder="http://127.0.0.1:11434/v1",  # where Ollama listens
                html_attributes=NO_AUTOCORRECTION,
                elem_id="base-url",
            )
            self.hf_token = build_key_box(get_label("brain.hf_token"), "hf-token", get_label("brain.hf_token_info"))
            self.openai_key = build_key_box(get_label("brain.openai_key"), "openai-key")
            self.model = gr.Dropdown([], label=get_label("brain.model"), value=None, allow_custom_value=True, elem_id="model")
            self.route = gr.Dropdown(
                [(get_label("brain.route_any"), ""), *((get_label(f"brain.route_{name}"), name) for name in ROUTER_POLICIES)],
                value="",
                allow_custom_value=True,
                visible=False,
                label=get_label("brain.route"),
                info=get_label("brain.route_info"),
                elem_id="route",
            )
            use_llm_for_text = gr.Checkbox(label=get_label("brain.writes"), value=True, elem_id="writes")
            show_images = gr.Checkbox(label=get_label("brain.looks"), value=False, elem_id="looks")
            self.remember = build_remember_box(get_label("brain.remember"), "remember", get_label("brain.remember_info"))
            with gr.Row():
                self.test_button = gr.Button(get_label("brain.test"), min_width=80, elem_id="test-brain")
                self.use_button = gr.Button(get_label("brain.use"), variant="primary", min_width=80, elem_id="use-brain")
        self.status = gr.Markdown(get_label("brain.status_built_in"), elem_id="brain-status")
        self.forget_button = gr.Button(get_label("brain.forget"), size="sm", visible=False, elem_id="forget-brain")
        self.to_store, self.stored = gr.Textbox(visible=False), gr.Textbox(visible=False)  # for the browser's scripts
        self.role_boxes = (use_llm_for_text, show_images)

    @property
    def outputs(self) -> list[Any]:
        """The components that handlers of the form set."""
        fields = [self.fields, self.base_url, self.hf_token, self.openai_key, self.model, self.route]
        return [self.controller, *fields, self.status, self.forget_button]

    def show_fields(self, controller: str, tab: TabSession | None, words: Words) -> Updates:
        """Return the updates that show the fields that a controller needs."""
        in_use = tab.model.model if tab is not None and tab.model and tab.controller == controller else None
        default = DEFAULT_MODELS.get(controller)
        info = words("brain.model_usual", model=default) if default else words("brain.model_other")
        at_openai, route = controller == OPENAI, ""
        if controller == HUGGING_FACE and in_use:
            in_use, route = split_route(in_use)
        return {
            self.fields: gr.update(visible=controller != BUILT_IN),
            self.base_url: gr.update(visible=controller == OTHER),
            self.hf_token: gr.update(visible=controller == HUGGING_FACE),
            self.openai_key: gr.update(
                visible=controller in {OPENAI, OTHER},
                label=words("brain.openai_key" if at_openai else "brain.other_key"),
                info=words("brain.openai_key_info") if at_openai else None,
            ),
            self.model: gr.update(choices=[in_use] if in_use else [], value=in_use, info=info),
            self.route: gr.update(choices=list_routes(words), value=route, visible=controller == HUGGING_FACE),
        }


def list_routes(words: Words, providers: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the choices of who runs a model at Hugging Face's router: its policies, then providers."""
    policies = [(words(f"brain.route_{name}"), name) for name in ROUTER_POLICIES]
    return [(words("brain.route_any"), ""), *policies, *((name, name) for name in providers)]


def can_sign_in() -> bool:
    """Return whether this is a Space on which signing in is set up."""
    return get_space() is not None and all(os.environ.get(name) for name in _OAUTH_VARIABLES)
