"""The account's dedicated endpoints on the side bar, to choose from where an address is entered."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import gradio as gr

from hugginggpt.agent.model_preferences import choose_endpoint_task
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.markdown import escape
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.endpoints import ListedEndpoint, list_endpoints
from hugginggpt.ui.i18n import Words, get_label
from hugginggpt.ui.listeners import PRIVATE, Updates, get_words
from hugginggpt.ui.session.tab_session import TabSession

_KNOWN_STATES: Final = frozenset(
    {"pending", "initializing", "updating", "updateFailed", "running", "paused", "failed", "scaledToZero"}
)


class EndpointPicker:
    """A button that lists the account's endpoints, the list, and their handlers."""

    def __init__(self, addresses: HubAddresses, get_tab: Callable[[TabSession | None], TabSession]) -> None:
        """Set up the picker.

        Args:
            addresses: Base URLs of the Hub and of the service that lists endpoints.
            get_tab: Returns the state of a tab, a new one where there is none yet.
        """
        self._addresses = addresses
        self._get_tab = get_tab

    def draw(self, task: gr.Dropdown, model: gr.Textbox, tab_state: gr.State) -> None:
        """Draw the fields in the open Blocks context.

        Args:
            task: Is set to the task of the endpoint that is chosen.
            model: Is set to its address.
            tab_state: State of the tab.
        """
        self._button = gr.Button(get_label("models.endpoints_list"), size="sm", elem_id="list-endpoints")
        self._choice = gr.Dropdown([], label=get_label("models.endpoints"), visible=False, elem_id="endpoints")
        self._message = gr.Markdown("", elem_id="endpoints-status")
        self._button.click(self.list_endpoints, tab_state, [self._choice, self._message], api_visibility="private")
        self._choice.input(self.choose, self._choice, [task, model], **PRIVATE)

    async def list_endpoints(self, tab: TabSession | None, request: gr.Request) -> Updates:
        """List the endpoints of the account whose token the tab holds; never the page's owner's."""
        words, token = get_words(request), self._get_tab(tab).hosted_token
        if not token:
            return self._show((), words, words("models.token_missing"))
        try:
            found = await list_endpoints(token, self._addresses)
        except HuggingGPTError as error:
            return self._show((), words, escape(str(error)))
        return self._show(found, words, "" if found else words("models.endpoints_none"))

    def _show(self, found: Sequence[ListedEndpoint], words: Words, message: str) -> Updates:
        choices = [
            (describe_endpoint(endpoint, words), f"{choose_endpoint_task(endpoint)} {endpoint.url}")
            for endpoint in found
            if endpoint.url
        ]
        return {self._choice: gr.update(choices=choices, value=None, visible=bool(choices)), self._message: message}

    def choose(self, choice: str | None) -> tuple[Any, Any]:
        """Fill in the task, where it is known, and the address of an endpoint."""
        task, _, url = (choice or "").partition(" ")
        return task or gr.skip(), url or gr.skip()


def describe_endpoint(endpoint: ListedEndpoint, words: Words) -> str:
    """Return an endpoint's name, model, task and state, as the list shows them."""
    state = words(f"models.state_{endpoint.state}") if endpoint.state in _KNOWN_STATES else endpoint.state
    return " · ".join(filter(None, (endpoint.name, endpoint.model, endpoint.task, state)))
