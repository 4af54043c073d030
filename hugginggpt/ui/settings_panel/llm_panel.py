"""The side bar: who plans and answers, with which key; below it, what is settled about models."""

import os
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any, Final

import gradio as gr
from gradio.utils import get_space

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.markdown import escape
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.llm.client import HUGGING_FACE_MODEL, LanguageModel
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import (
    NO_AUTOCORRECTION,
    PRIVATE,
    PRIVATE_LATEST,
    Updates,
    build_key_box,
    build_remember_box,
    get_words,
)
from hugginggpt.ui.session.llm_choice import (
    BUILT_IN,
    CONTROLLERS,
    DEFAULT_MODELS,
    HUGGING_FACE,
    OPENAI,
    OTHER,
    LLMFields,
    make_model,
)
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel import browser_storage
from hugginggpt.ui.settings_panel.key_test import KeyTestResult, check_fields, describe_status, fill_in_key
from hugginggpt.ui.settings_panel.models_panel import ModelsPanel

_OAUTH_VARIABLES: Final = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
"""Variables of a Space whose README says hf_oauth."""
_SECRET_PARTS: Final = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
"""Name and password, query and fragment of a base URL, where people paste keys."""


class LLMPanel:
    """The side bar's fields and their handlers."""

    def __init__(
        self, agent: HuggingGPT, get_tab: Callable[[TabSession | None], TabSession], *, shared: SharedToken | None = None
    ) -> None:
        """Set up the panel.

        Args:
            agent: What knows the models and the deployment's settings.
            get_tab: Returns the state of a tab, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._get_tab = get_tab
        self._addresses = HubAddresses(agent.settings.hub, agent.settings.router, agent.settings.endpoints)
        self._router = f"{agent.settings.router.rstrip('/')}/v1"  # one form: it is compared with a model's base URL
        self._models = ModelsPanel(agent, get_tab, shared=shared)

    def draw(self, tab_state: gr.State) -> None:
        """Draw the fields in the open Blocks context, inside a side bar."""
        with gr.Column(elem_id="side", min_width=0):
            self._draw_fields()
            self._models.draw(tab_state)
        self._tab_state = tab_state
        self._listen(tab_state)

    @property
    def request_inputs(self) -> list[Any]:
        """The boxes whose values go with every request: where models may run, and whether the plan waits for approval."""
        return self._models.request_inputs

    def _draw_fields(self) -> None:
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
            use_llm_for_text = gr.Checkbox(label=get_label("brain.writes"), value=True, elem_id="writes")
            show_images = gr.Checkbox(label=get_label("brain.looks"), value=False, elem_id="looks")
            self.remember = build_remember_box(get_label("brain.remember"), "remember", get_label("brain.remember_info"))
            with gr.Row():
                self._test_button = gr.Button(get_label("brain.test"), min_width=80, elem_id="test-brain")
                self._use_button = gr.Button(get_label("brain.use"), variant="primary", min_width=80, elem_id="use-brain")
        self.status = gr.Markdown(get_label("brain.status_built_in"), elem_id="brain-status")
        self.forget_button = gr.Button(get_label("brain.forget"), size="sm", visible=False, elem_id="forget-brain")
        self._to_store, self._stored = gr.Textbox(visible=False), gr.Textbox(visible=False)  # for the browser's scripts
        self._role_boxes = (use_llm_for_text, show_images)

    def _listen(self, tab_state: gr.State) -> None:
        outputs = [
            self.controller,
            *self._field_boxes,
            self.status,
            self.forget_button,
            self._to_store,
            self._models.token.account,
            tab_state,
        ]
        self.controller.input(self.choose_controller, [self.controller, tab_state], outputs, **PRIVATE_LATEST)
        for box in self._role_boxes:
            box.input(self.set_roles, [*self._role_boxes, tab_state], tab_state, **PRIVATE_LATEST)
        inputs = [self.controller, self.openai_key, self.hf_token, self.base_url, self.model, tab_state]
        keys = [self.openai_key, self.hf_token, self.remember]  # in the order of what `build_store_script` returns
        # the boxes are emptied in the same step: a value that stays in a box can be read by whoever shares the page
        for button, handler, arguments in (
            (self._test_button, self.test, inputs),
            (self._use_button, self.use, [*inputs[:-1], self.remember, tab_state]),
        ):
            button.click(
                handler, arguments, outputs, js=browser_storage.build_hold_script(browser_storage.LLM_ENTRY), **PRIVATE
            ).then(
                None,
                [self._to_store, self.remember],
                keys,
                js=browser_storage.build_store_script(browser_storage.LLM_ENTRY, (1, 2)),
                **PRIVATE,
            )
        self.remember.input(
            self.stop_remembering,
            [self.remember, tab_state],
            outputs,
            js=browser_storage.build_untick_script(browser_storage.LLM_ENTRY),
            **PRIVATE_LATEST,
        )
        self.forget_button.click(
            self.forget,
            [tab_state],
            [*outputs, self.remember],
            js=browser_storage.build_forget_script(browser_storage.LLM_ENTRY),
            **PRIVATE,
        )

    @property
    def _field_boxes(self) -> list[Any]:
        return [self.fields, self.base_url, self.hf_token, self.openai_key, self.model]

    def restore_on(self, listen: Callable[..., Any], tab_state: gr.State) -> Any:
        """Have the side bar show what the tab holds, who has signed in, and what the browser remembers.

        Args:
            listen: Registers a listener: ``page.load``, or the ``then`` of what must come first.
            tab_state: The component that holds the tab's state.
        """
        shown = [
            self.controller,
            *self._field_boxes,
            *self._role_boxes,
            self.remember,
            self.status,
            self.forget_button,
            *self._models.restored_components,
        ]
        return listen(
            self.restore_choices,
            [self._stored, tab_state],
            [self._stored, tab_state, *shown],
            js=browser_storage.READ_SCRIPT,
            **PRIVATE,
        )

    async def restore_choices(
        self,
        stored: str,
        tab: TabSession | None,
        request: gr.Request,
        token: gr.OAuthToken | None,
        profile: gr.OAuthProfile | None,
    ) -> Updates:
        """Take what the browser remembers, and who is signed in; the box that brought it is emptied in the same step."""
        words, message, choices = get_words(request), "", browser_storage.read_stored(stored)
        if choices or token is not None:
            tab = self._get_tab(tab)
        if tab is None or not (choices or token is not None or tab.page_count > 1):
            # nothing is known before: what the person has set meanwhile stays as it is
            return {self._stored: "", self._models.token.account: self._models.token.describe_account(tab, words)}
        typed = LLMFields.from_stored(choices.get(browser_storage.LLM_ENTRY))
        tab.key_remembered = typed is not None
        if typed is not None and tab.model is None:  # what this tab has chosen comes first
            try:
                self._set_model(tab, typed.controller, await make_model(typed, router_url=self._router))
            except HuggingGPTError as error:
                message = escape(str(error))
        self._models.token.apply_stored(tab, choices.get(browser_storage.HOSTED_ENTRY))
        self.apply_sign_in(tab, token, profile)
        use_llm_for_text, show_images = self._role_boxes
        return {
            self._stored: "",
            self._tab_state: tab,
            self.controller: tab.controller,
            self.remember: tab.key_remembered,
            use_llm_for_text: tab.use_llm_for_text,
            show_images: tab.show_images,
            **self._show_fields(tab.controller, tab, words),
            **self._show_status(tab, words, message),
            **self._models.build_updates(tab, words),
        }

    def choose_controller(self, controller: str, tab: TabSession | None, request: gr.Request) -> Updates:
        """Show what a brain needs; choosing the built-in planner forgets the key."""
        words = get_words(request)
        if controller == BUILT_IN and tab is not None:  # other choices wait until they are tested and used
            self._set_model(tab, BUILT_IN, None)
        return {**self._show_fields(controller, tab, words), **self._show_status(tab, words)}

    def set_roles(self, use_llm_for_text: bool, show_images: bool, tab: TabSession | None) -> TabSession:
        """Set what the language model does beside planning."""
        tab = self._get_tab(tab)
        tab.use_llm_for_text, tab.show_images = use_llm_for_text, show_images
        return tab

    async def test(
        self,
        controller: str,
        openai_key: str,
        hf_token: str,
        base_url: str,
        model: str,
        tab: TabSession | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates]:
        """Say whether what was typed works, and for what; nothing of it is kept."""
        typed = fill_in_key(LLMFields(controller, openai_key, hf_token, base_url, model), tab)
        async for _, updates in self._test_fields(typed, tab, get_words(request)):
            yield updates

    async def use(
        self,
        controller: str,
        openai_key: str,
        hf_token: str,
        base_url: str,
        model: str,
        remember: bool,
        tab: TabSession | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates]:
        """Test what was typed, and keep what works in this tab's session."""
        tab, words = self._get_tab(tab), get_words(request)
        typed = fill_in_key(LLMFields(controller, openai_key, hf_token, base_url, model), tab)
        async for found, updates in self._test_fields(typed, tab, words):
            if found is None or found.model is None:
                yield {self._tab_state: tab, **updates}
                continue
            tab.key_remembered = remember
            self._set_model(tab, controller, found.model)
            url = found.model.base_url if controller == OTHER else ""  # the other servers have fixed addresses
            choice = browser_storage.encode_choice(
                int(controller == HUGGING_FACE), brain=controller, base_url=url, model=found.model.model
            )
            shown = self._show_status(tab, words, found.sentence)
            yield {self._tab_state: tab, **updates, **shown, self._to_store: choice, **({self.base_url: url} if url else {})}

    async def _test_fields(
        self, typed: LLMFields, tab: TabSession | None, words: Words
    ) -> AsyncGenerator[tuple[KeyTestResult | None, Updates]]:
        emptied = {self.openai_key: "", self.hf_token: "", self._to_store: "", self.status: words("brain.testing")}
        if _SECRET_PARTS.search(typed.base_url):  # refused below; left in its box, Gradio would hand it out as it does keys
            emptied[self.base_url] = _SECRET_PARTS.sub("", typed.base_url)
        yield None, emptied
        try:
            found = await check_fields(typed, addresses=self._addresses, router_url=self._router, words=words)
        except HuggingGPTError as error:
            yield None, self._show_status(tab, words, escape(str(error)))
            return
        name = typed.model or (found.model.model if found.model else None)
        choices = gr.update(choices=list(found.models), value=name)
        yield found, {self.model: choices, **self._show_status(tab, words, found.sentence)}

    def stop_remembering(self, remember: bool, tab: TabSession | None, request: gr.Request) -> Updates:
        """Note that the browser has forgotten the key; the session keeps it."""
        if tab is not None and not remember:
            tab.key_remembered = False
        return self._show_status(tab, get_words(request))

    def forget(self, tab: TabSession | None, request: gr.Request) -> Updates:
        """Go back to the built-in planner, without the key; the browser has forgotten it already."""
        words = get_words(request)
        if tab is not None:
            tab.key_remembered = False
            self._set_model(tab, BUILT_IN, None)
        return {
            self.controller: BUILT_IN,
            self.remember: False,
            self.openai_key: "",
            self.hf_token: "",
            **self._show_fields(BUILT_IN, tab, words),
            **self._show_status(tab, words),
        }

    def apply_sign_in(self, tab: TabSession, token: gr.OAuthToken | None, profile: gr.OAuthProfile | None = None) -> None:
        """Take the token of who has signed in, for the router and for hosted models; without one, forget the one before."""
        tab.router = self._router
        before, tab.oauth_token = tab.oauth_token, token.token if token else ""
        tab.user_name = (profile.username if profile else tab.user_name) if token else ""
        if before == tab.oauth_token:  # nothing new: what was chosen since then stays
            return
        if tab.model is not None and before and tab.model.key == before:
            model = replace(tab.model, key=tab.oauth_token) if token else None
            self._set_model(tab, HUGGING_FACE if token else BUILT_IN, model)
        elif tab.model is None and token:
            self._set_model(tab, HUGGING_FACE, LanguageModel(HUGGING_FACE_MODEL, self._router, tab.oauth_token))

    def _set_model(self, tab: TabSession, controller: str, model: LanguageModel | None) -> None:
        tab.controller, tab.model, tab.router = controller, model, self._router

    def _show_status(self, tab: TabSession | None, words: Words, message: str = "") -> Updates:
        """Return the updates that tell who plans, after a message, and on whose account hosted models run."""
        kept = tab is not None and (tab.key_remembered or bool(tab.model and tab.model.key != tab.oauth_token))
        return {
            self.status: "\n\n".join(filter(None, (message, describe_status(tab, words)))),
            self.forget_button: gr.update(visible=kept),
            self._models.token.account: self._models.token.describe_account(tab, words),
        }

    def _show_fields(self, controller: str, tab: TabSession | None, words: Words) -> Updates:
        """Return the updates that show the fields which a brain needs."""
        in_use = tab.model.model if tab is not None and tab.model and tab.controller == controller else None
        default = DEFAULT_MODELS.get(controller)
        info = words("brain.model_usual", model=default) if default else words("brain.model_other")
        at_openai = controller == OPENAI
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
        }


def can_sign_in() -> bool:
    """Return whether this is a Space on which signing in is set up."""
    return get_space() is not None and all(os.environ.get(name) for name in _OAUTH_VARIABLES)
