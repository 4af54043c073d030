"""The part of the side bar about models: where they may run, on whose account, within which limits, and which ones."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, get_args

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.model_preferences import ModelPreferences, list_providers
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.markdown import escape
from hugginggpt.core.model_card import Placement
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import PRIVATE, PRIVATE_LATEST, Updates, get_words
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.settings_panel.endpoint_picker import EndpointPicker
from hugginggpt.ui.settings_panel.token_panel import TokenPanel

_MAX_CANDIDATES: Final = 10
_PreferenceUpdates = tuple[str, Any, Any, Any, TabSession]
_MIN_TASK_SECONDS: Final = 1.0  # the shortest deadline of a task that may be asked for, in seconds


class ModelsPanel:
    """The fields about models, and their handlers."""

    def __init__(
        self, agent: HuggingGPT, get_tab: Callable[[TabSession | None], TabSession], *, shared: SharedToken | None = None
    ) -> None:
        """Set up the panel.

        Args:
            agent: The agent, for its models and settings.
            get_tab: Returns the state of a tab, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._agent = agent
        self._get_tab = get_tab
        self._shared = shared
        self._settings = agent.settings
        self.token = TokenPanel(agent, get_tab, shared=shared)
        self._endpoints = EndpointPicker(self.token.addresses, get_tab)

    def draw(self, tab_state: gr.State) -> None:
        """Draw the fields in the open Blocks context."""
        gr.Markdown(get_label("models.about"))
        places = [(get_label(f"models.where_{place}"), place) for place in get_args(Placement)]
        self._placement = gr.Radio(places, value="anywhere", label=get_label("models.where"), show_label=False, elem_id="where")
        self._placement.input(self.set_placement, [self._placement, tab_state], tab_state, **PRIVATE_LATEST)
        self._fetch = gr.Checkbox(
            label=get_label("models.fetch"),
            value=self._settings.local == "download",
            visible=self._agent.expert("local") is not None,  # nothing else runs what is fetched
            elem_id="fetch",
        )
        self._fetch.input(self.set_fetching, [self._fetch, tab_state], tab_state, **PRIVATE_LATEST)
        self._ask_first = gr.Checkbox(label=get_label("models.ask_first"), value=False, elem_id="ask-first")
        self._ask_first.input(self.set_ask_first, [self._ask_first, tab_state], tab_state, **PRIVATE_LATEST)
        self.token.draw(tab_state)
        with gr.Accordion(get_label("models.limits"), open=False, elem_id="limits"):
            self._draw_limits(tab_state)
        with gr.Accordion(get_label("models.choose"), open=False, elem_id="wishes"):
            self._draw_preferences(tab_state)

    def _draw_limits(self, tab_state: gr.State) -> None:
        self._top_k = gr.Slider(
            1,
            _MAX_CANDIDATES,
            value=min(self._settings.top_k, _MAX_CANDIDATES),  # the deployment may take more than the slider has
            step=1,
            label=get_label("models.top_k"),
            info=get_label("models.top_k_info"),
            buttons=[],
            elem_id="top-k",
        )
        self._task_seconds = gr.Number(
            label=get_label("models.seconds"),
            value=self._settings.task_seconds,
            minimum=_MIN_TASK_SECONDS,
            maximum=self._settings.task_seconds,
            elem_id="task-seconds",
        )
        self._top_k.input(self.set_top_k, [self._top_k, tab_state], tab_state, **PRIVATE_LATEST)
        self._task_seconds.input(self.set_task_seconds, [self._task_seconds, tab_state], tab_state, **PRIVATE_LATEST)

    def _draw_preferences(self, tab_state: gr.State) -> None:
        tasks = [(row.name, row.name) for row in self._agent.table.values()]
        task = gr.Dropdown(tasks, value="text-to-image", label=get_label("models.task"), elem_id="wish-task")
        model = gr.Textbox(label=get_label("models.model"), placeholder="owner/name", elem_id="wish-model")
        self._endpoints.draw(task, model, tab_state)
        with gr.Row():
            pin = gr.Button(get_label("models.pin"), size="sm", min_width=60, elem_id="wish-pin")
            add = gr.Button(get_label("models.add"), size="sm", min_width=60, elem_id="wish-add")
            ban = gr.Button(get_label("models.ban"), size="sm", min_width=60, elem_id="wish-ban")
        self._summary = gr.Markdown("", elem_id="wish-status")  # read out: a script of `browser_storage` sees to it
        self._trusted = gr.CheckboxGroup(
            [], label=get_label("models.entrust"), info=get_label("models.entrust_info"), visible=False, elem_id="entrusted"
        )
        providers = [(get_label("models.provider_any"), ""), *((name, name) for name in sorted(list_providers()))]
        self._provider = gr.Dropdown(providers, value="", label=get_label("models.provider"), elem_id="provider")
        self._provider.input(self.set_provider, [self._provider, tab_state], tab_state, **PRIVATE_LATEST)
        self._clear_button = gr.Button(get_label("models.clear"), size="sm", visible=False, elem_id="wish-clear")
        self._trusted.input(self.set_trusted, [self._trusted, tab_state], tab_state, **PRIVATE)
        outputs = [self._summary, model, self._clear_button, self._trusted, tab_state]
        for button, handler in ((pin, self.pin), (add, self.add), (ban, self.ban)):
            button.click(
                handler, [task, model, tab_state], outputs, api_visibility="private"
            )  # not QUIET: it may take a look-up
        self._clear_button.click(self.clear, tab_state, outputs, **PRIVATE)

    @property
    def request_inputs(self) -> list[Any]:
        """The boxes for where models may run, and for whether a plan waits for approval."""
        return [self._placement, self._ask_first]

    @property
    def restored_components(self) -> list[Any]:
        """The components that `build_updates` sets."""
        own = [
            self._placement,
            self._fetch,
            self._ask_first,
            self._top_k,
            self._task_seconds,
            self._provider,
            self._summary,
            self._clear_button,
            self._trusted,
        ]
        return [*own, *self.token.restored_components]

    def build_updates(self, tab: TabSession, words: Words) -> Updates:
        """Return the updates that show a tab's choices in all fields."""
        settings, preferences = self._settings, tab.preferences
        return {
            self._placement: preferences.placement,
            self._fetch: settings.local == "download" if tab.may_fetch is None else tab.may_fetch,
            self._ask_first: tab.ask_first,
            self._top_k: min(tab.top_k or settings.top_k, _MAX_CANDIDATES),
            self._task_seconds: tab.task_seconds or settings.task_seconds,
            self._provider: preferences.provider,
            self._summary: _describe(preferences, words),
            self._clear_button: gr.update(visible=_has_any(preferences)),
            self._trusted: _build_trust_update(preferences),
            **self.token.build_updates(tab, words),
        }

    def set_placement(self, placement: Placement, tab: TabSession | None) -> TabSession:
        """Set where this visitor's models may run."""
        tab = self._get_tab(tab)
        tab.set_placement(placement)
        return tab

    def set_provider(self, provider: str, tab: TabSession | None) -> TabSession:
        """Set who runs this visitor's hosted models."""
        tab = self._get_tab(tab)
        tab.preferences = tab.preferences.restrict_to_provider(provider)
        return tab

    def set_fetching(self, fetch: bool, tab: TabSession | None) -> TabSession:
        """Set whether this visitor's requests may fetch models."""
        tab = self._get_tab(tab)
        tab.may_fetch = fetch
        return tab

    def set_ask_first(self, ask_first: bool, tab: TabSession | None) -> TabSession:
        """Set whether a plan is shown before it runs."""
        tab = self._get_tab(tab)
        tab.ask_first = ask_first
        return tab

    def set_top_k(self, count: float, tab: TabSession | None) -> TabSession:
        """Set how many candidates per task are chosen among; what is out of bounds is put at the bound."""
        tab = self._get_tab(tab)
        tab.top_k = min(max(int(count), 1), _MAX_CANDIDATES)  # whatever a client sends
        return tab

    def set_task_seconds(self, seconds: float | None, tab: TabSession | None) -> TabSession:
        """Set the deadline of a task, never beyond the owner's; without a number, theirs."""
        tab = self._get_tab(tab)
        tab.task_seconds = None if seconds is None else min(max(seconds, _MIN_TASK_SECONDS), self._settings.task_seconds)
        return tab

    async def set_trusted(self, addresses: list[str], tab: TabSession | None) -> TabSession:
        """Allow this visitor's token to be sent to these endpoints, besides those that are listed as their own."""
        tab = self._get_tab(tab)
        with suppress(HuggingGPTError):  # a box of an endpoint that has been cleared in another tab of this session
            await tab.change_preferences(self._agent, lambda preferences: preferences.trust(addresses), self._shared)
        return tab

    async def pin(self, task: str, model: str, tab: TabSession | None, request: gr.Request) -> _PreferenceUpdates:
        """Pin a model to a task."""
        return await self._change(tab, get_words(request), lambda preferences: preferences.pin(task, model or ""))

    async def add(self, task: str, model: str, tab: TabSession | None, request: gr.Request) -> _PreferenceUpdates:
        """Add a model to the candidates of a task."""
        return await self._change(tab, get_words(request), lambda preferences: preferences.add(task, model or ""))

    async def ban(self, _: str, model: str, tab: TabSession | None, request: gr.Request) -> _PreferenceUpdates:
        """Ban a model from all tasks."""
        return await self._change(tab, get_words(request), lambda preferences: preferences.ban(model or ""))

    async def clear(self, tab: TabSession | None, request: gr.Request) -> _PreferenceUpdates:
        """Clear the pinned, added and banned models."""
        words = get_words(request)
        return await self._change(tab, words, lambda old: ModelPreferences(placement=old.placement, provider=old.provider))

    async def _change(
        self, tab: TabSession | None, words: Words, change: Callable[[ModelPreferences], ModelPreferences]
    ) -> _PreferenceUpdates:
        """Change the preferences; where the models can't be used, the typed name stays in its box and the reason is shown."""
        tab = self._get_tab(tab)
        try:
            await tab.change_preferences(self._agent, change, self._shared)  # asks the Hub for what it names
        except HuggingGPTError as error:
            return f"{_describe(tab.preferences, words)}\n\n{escape(str(error))}".strip(), gr.skip(), gr.skip(), gr.skip(), tab
        preferences = tab.preferences
        return (
            _describe(preferences, words),
            "",
            gr.update(visible=_has_any(preferences)),
            _build_trust_update(preferences),
            tab,
        )


def _has_any(preferences: ModelPreferences) -> bool:
    return bool(preferences.pinned or preferences.added or preferences.banned)


def _build_trust_update(preferences: ModelPreferences) -> Any:
    """Return the update that shows which endpoints may have the token, and which do."""
    addresses = preferences.trustable_endpoints
    return gr.update(choices=list(addresses), value=sorted(preferences.trusted & {*addresses}), visible=bool(addresses))


def _describe(preferences: ModelPreferences, words: Words) -> str:
    lines = [words("models.line_pinned", task=task, model=_hide_query(model)) for task, model in preferences.pinned.items()]
    lines += [words("models.line_added", task=task, model=_hide_query(model)) for task, model in preferences.added]
    return "\n".join([*lines, *(words("models.line_banned", model=_hide_query(model)) for model in sorted(preferences.banned))])


def _hide_query(model: str) -> str:
    """Return an endpoint's address without its query, which may be secret."""
    return escape(model.partition("?")[0])
