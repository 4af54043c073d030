"""Models that run elsewhere: at the Hub's inference providers, or at a dedicated endpoint.

Which models there are is found here, how one is called in `provider_caller`. Each task is one function of a family's module,
found through `task_table`, and makes the same results as the local back end (`experts.outputs`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Collection, Sequence
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.threads import run_concurrently
from hugginggpt.experts.base import Call, Result, run_in_thread
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.model_cards import describe_age, is_supported_by_client, make_hosted_card, make_shipped_card
from hugginggpt.experts.hosted.provider_caller import HostedRun, ProviderCaller
from hugginggpt.experts.hosted.task_table import HOSTED_TASKS, PROVIDER_TASKS
from hugginggpt.hub.account import Endpoint, Visitor
from hugginggpt.hub.catalog import load_catalog
from hugginggpt.hub.endpoints import EndpointDirectory
from hugginggpt.hub.search import HubModel, HubSearch

_MAX_PROVIDERS: Final = 2  # most providers that are offered for one model
_MAX_TIME_SHARE: Final = 0.5  # share of the remaining time that a model may take while there are others to fall back on


class HostedExpert:
    """Back end of hosted models. The one that all sessions share has no visitor and lists no models; see `bind_visitor`."""

    backend = "hosted"

    def __init__(
        self,
        search: HubSearch,
        circuits: CircuitBreaker,
        visitor: Visitor | None = None,
        directory: EndpointDirectory | None = None,
        *,
        start_seconds: float = 0.0,
    ) -> None:
        """Bind the expert to a visitor.

        Args:
            search: Search for models; shared.
            circuits: Circuit breaker of each provider; shared.
            visitor: Account that pays for the calls.
            directory: Tells whose an endpoint is; shared. By default one at the addresses of the search.
            start_seconds: Longest wait for a dedicated endpoint that is asleep, in seconds.
        """
        self.search = search
        self._circuits = circuits
        self._directory = directory or EndpointDirectory(search.addresses)
        self._start_seconds = start_seconds
        self._visitor = visitor or Visitor()
        self._token = self._visitor.token

    def bind_visitor(self, visitor: Visitor) -> HostedExpert:
        """Return an expert that calls on a visitor's account; both share what is known of models and providers."""
        return HostedExpert(self.search, self._circuits, visitor, self._directory, start_seconds=self._start_seconds)

    def describe_condition(self, task: str) -> str:
        """Return the condition on which a hosted model would do a task ("with a token ..."); empty if there is none."""
        return "with a Hugging Face token a hosted one does it" if task in PROVIDER_TASKS and not self._token else ""

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """List the models that the visitor has added, then those that the Hub's search finds; if it fails, the shipped list."""
        found = [self._make_endpoint_card(endpoint) for endpoint in self._visitor.endpoints]  # an endpoint may need no token
        if not self._token:
            return found
        wanted = [task for task, row in HOSTED_TASKS.items() if not row.only_endpoints and (tasks is None or task in tasks)]
        listed = run_concurrently([functools.partial(self._list_cards, task) for task in wanted])  # each may wait for the Hub
        unique: dict[tuple[str, str, str], ModelCard] = {}
        for card in (card for cards in listed for card in cards):
            unique.setdefault((card.task, card.id, card.provider), card)  # what was added may be listed, too
        return [*found, *unique.values()]

    def _list_cards(self, task: str) -> list[ModelCard]:
        row = HOSTED_TASKS[task]
        added = [card for model in self._visitor.models.get(task, ()) for card in self._make_cards(model, task, "you")]
        listing = self.search.find(row.tag or row.provider_task or task, self._token)
        if listing.problem:
            problem = listing.problem.rstrip(".")
            return added + [
                make_shipped_card(entry, task, f"the shipped list ({problem})") for entry in load_catalog().get(task, ())
            ]
        source = f"the Hub's search, {describe_age(time.time() - listing.asked)}"
        return added + [card for model in listing.models for card in self._make_cards(model, task, source)]

    def look_up(self, model: str, token: str) -> HubModel:
        """Return the Hub's entry for a model. Blocks.

        Raises:
            ExpertError: There is no such model, or the Hub can't be asked.
        """
        return self.search.look_up(model, token)

    def serves(self, model: HubModel, task: str) -> bool:
        """Return whether any provider serves a model for a task now."""
        return task in PROVIDER_TASKS and bool(self._make_cards(model, task, ""))

    def _make_cards(self, model: HubModel, task: str, source: str) -> list[ModelCard]:
        """Make a card for each of the first providers that serve the model for this very task."""
        provider_task = HOSTED_TASKS[task].provider_task or task
        providers = [
            each.provider
            for each in model.served
            if each.task == provider_task and is_supported_by_client(each.provider, provider_task)
        ]
        if self._visitor.provider:
            providers = [name for name in providers if name == self._visitor.provider]
        providers.sort(key=lambda name: self._circuits.seconds_left(name) > 0)  # the rest in the Hub's own order
        return [make_hosted_card(model, task, name, source) for name in providers[:_MAX_PROVIDERS]]

    def _make_endpoint_card(self, endpoint: Endpoint) -> ModelCard:
        description = f"A dedicated endpoint at {endpoint.host}, added by you."
        return ModelCard(endpoint.display_url, endpoint.task, self.backend, description, provider=endpoint.host, source="you")

    async def run(self, call: Call) -> Result:
        """Call a model at its provider, again where that may help, until its share of the time is up.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model, the provider, the account or the network failed; the message says which, and what to do.
        """
        return await run_in_thread(self._run, call)

    def _run(self, call: Call) -> Result:
        endpoint = self._find_endpoint(call.card)
        seconds = call.seconds * _MAX_TIME_SHARE if call.has_fallback else call.seconds
        deadline = time.monotonic() + seconds  # before the provider is looked for, which takes time of the call's
        provider = call.card.provider or self._find_provider(call)
        caller = ProviderCaller(self.search.addresses, self._circuits, self._directory, self._visitor, self._start_seconds)
        return caller.run(HostedRun(call, provider, endpoint, deadline, seconds))

    def _find_endpoint(self, card: ModelCard) -> Endpoint | None:
        known = (each for each in self._visitor.endpoints if (each.display_url, each.task) == (card.id, card.task))
        return next(known, None)

    def _find_provider(self, call: Call) -> str:
        """Find a provider that serves a model of the shipped list now.

        Raises:
            ExpertError: There is none, or the Hub can't be asked.
        """
        task = call.card.task
        model = self.search.look_up(call.card.id, self._token, call.token.check)
        served = self._make_cards(model, task, "")
        if not served:
            raise ExpertError(f"No provider serves {call.card.id} for {task} now: choose another model.")
        return served[0].provider
