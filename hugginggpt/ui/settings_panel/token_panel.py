"""The part of the side bar about the account on which hosted models run, and the token for it."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import HuggingGPTError, RequestError
from hugginggpt.core.markdown import escape
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.hub.token_check import check_token
from hugginggpt.hub.tokens import parse_token
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import PRIVATE, PRIVATE_LATEST, Updates, build_key_box, build_remember_box, get_words
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel import browser_storage


class TokenPanel:
    """The fields about the token, and their handlers."""

    def __init__(
        self, agent: HuggingGPT, get_tab: Callable[[TabSession | None], TabSession], *, shared: SharedToken | None = None
    ) -> None:
        """Set up the panel.

        Args:
            agent: The agent, for the Hub's addresses.
            get_tab: Returns the state of a tab, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._get_tab = get_tab
        self._shared = shared
        self.addresses = HubAddresses(agent.settings.hub, agent.settings.router, agent.settings.endpoints)

    def draw(self, tab_state: gr.State) -> None:
        """Draw the fields in the open Blocks context."""
        self._tab_state = tab_state
        self.account = gr.Markdown("" if self._shared else get_label("models.no_token"), elem_id="hosted-status")
        with gr.Accordion(get_label("models.token_title"), open=False, elem_id="hosted"):
            self._token = build_key_box(get_label("models.token"), "hosted-token", get_label("models.token_info"))
            self._remember = build_remember_box(
                get_label("models.token_remember"), "remember-token", get_label("models.token_remember_info")
            )
            self._bill_to = gr.Dropdown(
                [],
                value="",
                allow_custom_value=True,
                label=get_label("models.bill_to"),
                info=get_label("models.bill_to_info"),
                elem_id="bill-to",
            )
            with gr.Row():
                test = gr.Button(get_label("models.token_test"), size="sm", min_width=60, elem_id="test-token")
                use = gr.Button(get_label("models.token_use"), size="sm", min_width=60, elem_id="use-token")
            self._test_result = gr.Markdown("", elem_id="hosted-check")
            self._forget_button = gr.Button(get_label("models.token_forget"), size="sm", visible=False, elem_id="forget-token")
        self._to_store = gr.Textbox(visible=False)
        self._listen(tab_state, test, use)

    def _listen(self, tab_state: gr.State, test: gr.Button, use: gr.Button) -> None:
        token, remember = self._token, self._remember
        outputs = [token, self._test_result, self._forget_button, self._to_store, self.account, self._bill_to, tab_state]
        # the box is emptied in the same step: a value that stays in a box can be read by whoever shares the page
        for button, handler, inputs in ((test, self.test, [token, tab_state]), (use, self.use, [token, remember, tab_state])):
            button.click(
                handler, inputs, outputs, js=browser_storage.build_hold_script(browser_storage.HOSTED_ENTRY), **PRIVATE
            ).then(
                None,
                [self._to_store, remember],
                [token, remember],
                js=browser_storage.build_store_script(browser_storage.HOSTED_ENTRY, (0,)),
                **PRIVATE,
            )
        remember.input(
            self.stop_remembering,
            [remember, tab_state],
            outputs,
            js=browser_storage.build_untick_script(browser_storage.HOSTED_ENTRY),
            **PRIVATE_LATEST,
        )
        self._bill_to.input(self.set_bill_to, [self._bill_to, tab_state], [self._test_result, tab_state], **PRIVATE_LATEST)
        # a single value would not reach the handler in its place
        self._forget_button.click(
            self.forget,
            [token, tab_state],
            [*outputs, remember],
            js=browser_storage.build_forget_script(browser_storage.HOSTED_ENTRY),
            **PRIVATE,
        )

    @property
    def restored_components(self) -> list[Any]:
        """The components that `build_updates` sets."""
        return [self.account, self._forget_button, self._remember, self._test_result, self._bill_to]

    def build_updates(self, tab: TabSession, words: Words, message: str = "") -> Updates:
        """Return the updates that show what a tab holds, with a message."""
        return {
            self.account: self.describe_account(tab, words),
            self._forget_button: gr.update(visible=bool(tab.token) or tab.token_remembered),
            self._remember: tab.token_remembered,
            self._test_result: message,
            self._bill_to: gr.update(value=tab.preferences.bill_to),
        }

    def apply_stored(self, tab: TabSession, stored: Any) -> None:
        """Use the token that the browser has stored, if it is one."""
        try:
            token = parse_token(str(stored.get("key") or "")) if isinstance(stored, dict) else ""
        except HuggingGPTError:
            return  # somebody else has written into the browser's storage
        tab.token_remembered = bool(token)
        tab.token = tab.token or token  # one used in this tab comes first

    async def test(self, token: str, tab: TabSession | None, request: gr.Request) -> AsyncGenerator[Updates]:
        """Test a token for hosted models and show the result; it is not kept."""
        async for _, updates in self._test_token(token, tab, get_words(request)):
            yield updates

    async def use(self, token: str, remember: bool, tab: TabSession | None, request: gr.Request) -> AsyncGenerator[Updates]:
        """Test a token, and use it in this tab if it works."""
        tab, words = self._get_tab(tab), get_words(request)
        async for found, updates in self._test_token(token, tab, words):
            if not found:
                yield {self._tab_state: tab, **updates}
                continue
            tab.token, tab.token_remembered = found, remember
            shown = self.build_updates(tab, words, updates[self._test_result])
            del shown[self._remember]  # its script has yet to store the token, and may fail
            del shown[self._bill_to]  # which has its choices
            yield {self._tab_state: tab, **shown, self._to_store: browser_storage.encode_choice(0)}

    async def _test_token(self, token: str, tab: TabSession | None, words: Words) -> AsyncGenerator[tuple[str, Updates]]:
        """Yield messages while it is tested, and in the end; with the last, the token where it works."""
        yield "", {self._token: "", self._to_store: "", self._test_result: words("models.token_testing")}
        try:
            token = parse_token(token or "") or (tab.token if tab else "")  # an empty box tests the one in use
            if not token:
                raise RequestError(words("models.token_missing"))
            account = await check_token(token, self.addresses)
        except HuggingGPTError as error:
            yield "", {self._test_result: escape(str(error))}
            return
        kind = "unknown" if not account.name else "works" if account.may_call else "unsure"
        choices = gr.update(choices=[(words("models.bill_to_self"), ""), *((name, name) for name in account.organizations)])
        yield token, {self._test_result: words(f"models.token_{kind}", name=escape(account.name)), self._bill_to: choices}

    def set_bill_to(self, organization: str | None, tab: TabSession | None, request: gr.Request) -> Updates:
        """Set the organization that pays for this visitor's calls at Hugging Face."""
        tab = self._get_tab(tab)
        try:
            tab.charge(organization or "")
        except HuggingGPTError as error:
            return {self._tab_state: tab, self._test_result: escape(str(error))}
        payer = tab.preferences.bill_to
        message = get_words(request)("models.billed_to", name=escape(payer)) if payer else ""
        return {self._tab_state: tab, self._test_result: message}

    def stop_remembering(self, remember: bool, tab: TabSession | None, request: gr.Request) -> Updates:
        """Note that the browser has forgotten the token; the session keeps it."""
        if tab is None or remember:
            return {self._to_store: ""}
        tab.token_remembered = False
        return {self.account: self.describe_account(tab, get_words(request))}

    def forget(self, _: str, tab: TabSession | None, request: gr.Request) -> Updates:
        """Forget the token, and show the fields without it; the browser has forgotten it already."""
        words, tab = get_words(request), self._get_tab(tab)
        tab.token, tab.token_remembered = "", False
        return {self._tab_state: tab, self._token: "", **self.build_updates(tab, words)}

    def describe_account(self, tab: TabSession | None, words: Words) -> str:
        """Return the sentence on whose account hosted models run, and where the token is kept."""
        if tab is not None and tab.token:
            return words("models.own_remembered" if tab.token_remembered else "models.own_kept")
        if tab is not None and tab.hosted_token:
            return words("models.own")
        return words("models.shared", calls=self._shared.per_hour) if self._shared else words("models.no_token")
