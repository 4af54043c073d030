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
from hugginggpt.ui.listeners import LATEST, QUIET, Updates, build_key_box, build_remember_box, get_words
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel import browser_storage


class TokenPanel:
    """The fields about the token, and their handlers."""

    def __init__(
        self, agent: HuggingGPT, visit_of: Callable[[TabSession | None], TabSession], *, shared: SharedToken | None = None
    ) -> None:
        """Set up the panel.

        Args:
            agent: What knows where the Hub is.
            visit_of: Gives a tab's visit, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._visit = visit_of
        self._shared = shared
        self._places = HubAddresses(agent.settings.hub, agent.settings.router, agent.settings.endpoints)

    def draw(self, visit: gr.State) -> None:
        """Draw the fields in the open Blocks context."""
        self._state = visit
        self.account = gr.Markdown("" if self._shared else get_label("models.no_token"), elem_id="hosted-status")
        with gr.Accordion(get_label("models.token_title"), open=False, elem_id="hosted"):
            self._token = build_key_box(get_label("models.token"), "hosted-token", get_label("models.token_info"))
            self._remember = build_remember_box(
                get_label("models.token_remember"), "remember-token", get_label("models.token_remember_info")
            )
            with gr.Row():
                test = gr.Button(get_label("models.token_test"), size="sm", min_width=60, elem_id="test-token")
                use = gr.Button(get_label("models.token_use"), size="sm", min_width=60, elem_id="use-token")
            self._checked = gr.Markdown("", elem_id="hosted-check")
            self._forgets = gr.Button(get_label("models.token_forget"), size="sm", visible=False, elem_id="forget-token")
        self._kept = gr.Textbox(visible=False)
        self._listen(visit, test, use)

    def _listen(self, visit: gr.State, test: gr.Button, use: gr.Button) -> None:
        token, remember = self._token, self._remember
        outputs = [token, self._checked, self._forgets, self._kept, self.account, visit]
        # the box is emptied in the same step: a value that stays in a box can be read by whoever shares the page
        for button, handler, inputs in ((test, self.test, [token, visit]), (use, self.use, [token, remember, visit])):
            button.click(handler, inputs, outputs, js=browser_storage.hold_script(browser_storage.HOSTED), **QUIET).then(
                None,
                [self._kept, remember],
                [token, remember],
                js=browser_storage.keep_script(browser_storage.HOSTED, (0,)),
                **QUIET,
            )
        remember.input(
            self.remember_no_more,
            [remember, visit],
            outputs,
            js=browser_storage.untick_script(browser_storage.HOSTED),
            **LATEST,
        )
        # a single value would not reach the handler in its place
        self._forgets.click(
            self.forget, [token, visit], [*outputs, remember], js=browser_storage.forget_script(browser_storage.HOSTED), **QUIET
        )

    @property
    def shows(self) -> list[Any]:
        """The components that `shown` sets."""
        return [self.account, self._forgets, self._remember, self._checked]

    def shown(self, visit: TabSession, words: Words, said: str = "") -> Updates:
        """Return the updates that show what a visit holds, with a message."""
        return {
            self.account: self.on_whose_account(visit, words),
            self._forgets: gr.update(visible=bool(visit.token) or visit.token_remembered),
            self._remember: visit.token_remembered,
            self._checked: said,
        }

    def remembered(self, visit: TabSession, kept: Any) -> None:
        """Take what the browser has kept, where it is a token."""
        try:
            token = parse_token(str(kept.get("key") or "")) if isinstance(kept, dict) else ""
        except HuggingGPTError:
            return  # somebody else has written into the browser's storage
        visit.token_remembered = bool(token)
        visit.token = visit.token or token  # one used in this tab comes first

    async def test(self, token: str, visit: TabSession | None, request: gr.Request) -> AsyncGenerator[Updates]:
        """Say whether a token works for hosted models; it is not kept."""
        async for _, updates in self._test_token(token, visit, get_words(request)):
            yield updates

    async def use(self, token: str, remember: bool, visit: TabSession | None, request: gr.Request) -> AsyncGenerator[Updates]:
        """Test a token, and keep one that works in this tab's session."""
        visit, words = self._visit(visit), get_words(request)
        async for found, updates in self._test_token(token, visit, words):
            if not found:
                yield {self._state: visit, **updates}
                continue
            visit.token, visit.token_remembered = found, remember
            shown = self.shown(visit, words, updates[self._checked])
            del shown[self._remember]  # its script has yet to store the token, and may fail
            yield {self._state: visit, **shown, self._kept: browser_storage.to_keep(0)}

    async def _test_token(self, token: str, visit: TabSession | None, words: Words) -> AsyncGenerator[tuple[str, Updates]]:
        """Yield messages while it is tested, and in the end; with the last, the token where it works."""
        yield "", {self._token: "", self._kept: "", self._checked: words("models.token_testing")}
        try:
            token = parse_token(token or "") or (visit.token if visit else "")  # an empty box tests the one in use
            if not token:
                raise RequestError(words("models.token_missing"))
            account = await check_token(token, self._places)
        except HuggingGPTError as error:
            yield "", {self._checked: escape(str(error))}
            return
        kind = "unknown" if not account.name else "works" if account.may_call else "unsure"
        yield token, {self._checked: words(f"models.token_{kind}", name=escape(account.name))}

    def remember_no_more(self, remember: bool, visit: TabSession | None, request: gr.Request) -> Updates:
        """Note that the browser has forgotten the token; the session keeps it."""
        if visit is None or remember:
            return {self._kept: ""}
        visit.token_remembered = False
        return {self.account: self.on_whose_account(visit, get_words(request))}

    def forget(self, _: str, visit: TabSession | None, request: gr.Request) -> Updates:
        """Forget the token, and show the fields without it; the browser has forgotten it already."""
        words, visit = get_words(request), self._visit(visit)
        visit.token, visit.token_remembered = "", False
        return {self._state: visit, self._token: "", **self.shown(visit, words)}

    def on_whose_account(self, visit: TabSession | None, words: Words) -> str:
        """Return who pays for hosted models, and where that token is."""
        if visit is not None and visit.token:
            return words("models.own_remembered" if visit.token_remembered else "models.own_kept")
        if visit is not None and visit.hosted_token:
            return words("models.own")
        return words("models.shared", calls=self._shared.per_hour) if self._shared else words("models.no_token")
