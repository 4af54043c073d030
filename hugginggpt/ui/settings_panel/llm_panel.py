"""Handlers of the side bar: the choice of the controller, its key and its test; below them the settings of models."""

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any, Final

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.markdown import escape
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.llm.client import HUGGING_FACE_MODEL, LanguageModel
from hugginggpt.llm.model_list import join_route, split_route
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.listeners import PRIVATE, PRIVATE_LATEST, Updates, get_words
from hugginggpt.ui.session.llm_choice import BUILT_IN, HUGGING_FACE, OTHER, LLMFields, make_model
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel import browser_storage
from hugginggpt.ui.settings_panel.key_test import KeyTestResult, check_fields, describe_status, fill_in_key
from hugginggpt.ui.settings_panel.llm_form import LLMForm, list_routes
from hugginggpt.ui.settings_panel.models_panel import ModelsPanel

_SECRET_PARTS: Final = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
"""Name and password, query and fragment of a base URL, where people paste keys."""


class LLMPanel:
    """The side bar's handlers, over the form of the language model and the fields about models."""

    def __init__(
        self, agent: HuggingGPT, get_tab: Callable[[TabSession | None], TabSession], *, shared: SharedToken | None = None
    ) -> None:
        """Set up the panel.

        Args:
            agent: The agent, for its models and settings.
            get_tab: Returns the state of a tab, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._get_tab = get_tab
        self._addresses = HubAddresses(agent.settings.hub, agent.settings.router, agent.settings.endpoints)
        self._router = f"{agent.settings.router.rstrip('/')}/v1"  # one form: it is compared with a model's base URL
        self._form = LLMForm()
        self._models = ModelsPanel(agent, get_tab, shared=shared)

    def draw(self, tab_state: gr.State) -> None:
        """Draw the fields in the open Blocks context, inside a side bar."""
        with gr.Column(elem_id="side", min_width=0):
            self._form.draw()
            self._models.draw(tab_state)
        self._tab_state = tab_state
        self._listen(tab_state)

    @property
    def request_inputs(self) -> list[Any]:
        """The boxes whose values go with every request: where models may run, and whether the plan waits for approval."""
        return self._models.request_inputs

    def _listen(self, tab_state: gr.State) -> None:
        form, entry = self._form, browser_storage.LLM_ENTRY
        outputs = [*form.outputs, form.to_store, self._models.token.account, tab_state]
        form.controller.input(self.choose_controller, [form.controller, tab_state], outputs, **PRIVATE_LATEST)
        for box in form.role_boxes:
            box.input(self.set_roles, [*form.role_boxes, tab_state], tab_state, **PRIVATE_LATEST)
        inputs = [form.controller, form.openai_key, form.hf_token, form.base_url, form.model, form.route, tab_state]
        keys = [form.openai_key, form.hf_token, form.remember]  # in the order of what `build_store_script` returns
        # the boxes are emptied in the same step: a value that stays in a box can be read by whoever shares the page
        for button, handler, arguments in (
            (form.test_button, self.test, inputs),
            (form.use_button, self.use, [*inputs[:-1], form.remember, tab_state]),
        ):
            button.click(handler, arguments, outputs, js=browser_storage.build_hold_script(entry), **PRIVATE).then(
                None, [form.to_store, form.remember], keys, js=browser_storage.build_store_script(entry, (1, 2)), **PRIVATE
            )
        untick, forget = browser_storage.build_untick_script(entry), browser_storage.build_forget_script(entry)
        form.remember.input(self.stop_remembering, [form.remember, tab_state], outputs, js=untick, **PRIVATE_LATEST)
        form.forget_button.click(self.forget, [tab_state], [*outputs, form.remember], js=forget, **PRIVATE)

    def restore_on(self, listen: Callable[..., Any], tab_state: gr.State) -> Any:
        """Have the side bar show what the tab holds, who has signed in, and what the browser remembers.

        Args:
            listen: Registers a listener: ``page.load``, or the ``then`` of what must come first.
            tab_state: The component that holds the tab's state.
        """
        form = self._form
        shown = [*form.outputs, *form.role_boxes, form.remember, *self._models.restored_components]
        return listen(
            self.restore_choices,
            [form.stored, tab_state],
            [form.stored, tab_state, *shown],
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
            return {self._form.stored: "", self._models.token.account: self._models.token.describe_account(tab, words)}
        typed = LLMFields.from_stored(choices.get(browser_storage.LLM_ENTRY))
        tab.key_remembered = typed is not None
        if typed is not None and tab.model is None:  # what this tab has chosen comes first
            try:
                self._set_model(tab, typed.controller, await make_model(typed, router_url=self._router))
            except HuggingGPTError as error:
                message = escape(str(error))
        self._models.token.apply_stored(tab, choices.get(browser_storage.HOSTED_ENTRY))
        self.apply_sign_in(tab, token, profile)
        use_llm_for_text, show_images = self._form.role_boxes
        return {
            self._form.stored: "",
            self._tab_state: tab,
            self._form.controller: tab.controller,
            self._form.remember: tab.key_remembered,
            use_llm_for_text: tab.use_llm_for_text,
            show_images: tab.show_images,
            **self._form.show_fields(tab.controller, tab, words),
            **self._show_status(tab, words, message),
            **self._models.build_updates(tab, words),
        }

    def choose_controller(self, controller: str, tab: TabSession | None, request: gr.Request) -> Updates:
        """Show the fields that a controller needs; choosing the built-in planner forgets the key."""
        words = get_words(request)
        if controller == BUILT_IN and tab is not None:  # other choices wait until they are tested and used
            self._set_model(tab, BUILT_IN, None)
        return {**self._form.show_fields(controller, tab, words), **self._show_status(tab, words)}

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
        route: str,
        tab: TabSession | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates]:
        """Test the typed fields and show the result; nothing of them is kept."""
        typed = fill_in_key(LLMFields(controller, openai_key, hf_token, base_url, model, route), tab)
        async for _, updates in self._test_fields(typed, tab, get_words(request)):
            yield updates

    async def use(
        self,
        controller: str,
        openai_key: str,
        hf_token: str,
        base_url: str,
        model: str,
        route: str,
        remember: bool,
        tab: TabSession | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates]:
        """Test the typed fields, and use the model in this tab if it works."""
        tab, words = self._get_tab(tab), get_words(request)
        typed = fill_in_key(LLMFields(controller, openai_key, hf_token, base_url, model, route), tab)
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
            yield {
                self._tab_state: tab,
                **updates,
                **shown,
                self._form.to_store: choice,
                **({self._form.base_url: url} if url else {}),
            }

    async def _test_fields(
        self, typed: LLMFields, tab: TabSession | None, words: Words
    ) -> AsyncGenerator[tuple[KeyTestResult | None, Updates]]:
        emptied = {
            self._form.openai_key: "",
            self._form.hf_token: "",
            self._form.to_store: "",
            self._form.status: words("brain.testing"),
        }
        if _SECRET_PARTS.search(typed.base_url):  # refused below; left in its box, Gradio would hand it out as it does keys
            emptied[self._form.base_url] = _SECRET_PARTS.sub("", typed.base_url)
        yield None, emptied
        try:
            found = await check_fields(typed, addresses=self._addresses, router_url=self._router, words=words)
        except HuggingGPTError as error:
            yield None, self._show_status(tab, words, escape(str(error)))
            return
        name = typed.model or (found.model.model if found.model else None)
        route = typed.route
        if typed.controller == HUGGING_FACE and name:
            name, route = split_route(join_route(name, route))
        yield (
            found,
            {
                self._form.model: gr.update(choices=list(found.models), value=name),
                self._form.route: gr.update(choices=list_routes(words, found.providers), value=route),
                **self._show_status(tab, words, found.sentence),
            },
        )

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
            self._form.controller: BUILT_IN,
            self._form.remember: False,
            self._form.openai_key: "",
            self._form.hf_token: "",
            **self._form.show_fields(BUILT_IN, tab, words),
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
        tab.router = self._router
        tab.set_model(controller, model)

    def _show_status(self, tab: TabSession | None, words: Words, message: str = "") -> Updates:
        """Return the updates of the status: a message, who plans, and on whose account hosted models run."""
        kept = tab is not None and (tab.key_remembered or bool(tab.model and tab.model.key != tab.oauth_token))
        return {
            self._form.status: "\n\n".join(filter(None, (message, describe_status(tab, words)))),
            self._form.forget_button: gr.update(visible=kept),
            self._models.token.account: self._models.token.describe_account(tab, words),
        }
