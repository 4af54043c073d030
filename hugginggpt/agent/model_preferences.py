"""A visitor's preferences among models: pinned, banned and added ones, and where models may run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import httpx2

from hugginggpt.core.errors import ExpertError, RequestError
from hugginggpt.core.model_card import Placement, Preferences
from hugginggpt.core.ssrf import AddressPolicy
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.experts.base import AccountExpert
from hugginggpt.hub.account import Endpoint, Visitor, is_url, parse_endpoint
from hugginggpt.hub.catalog import list_small_models
from hugginggpt.hub.client import may_take_token
from hugginggpt.hub.endpoints import ListedEndpoint
from hugginggpt.hub.tokens import parse_organization

if TYPE_CHECKING:
    from hugginggpt.agent.agent import HuggingGPT
    from hugginggpt.hub.search import HubModel

_TASKS_BY_TAG: Final = {
    "feature-extraction": "sentence-similarity",
    "sentence-embeddings": "sentence-similarity",
    "image-text-to-text": "visual-question-answering",
}
"""Tasks of endpoints whose tag on the Hub is the name of no task here."""
_UNSERVED: Final = {
    "video-classification": "No endpoint can be asked for video-classification: Hugging Face's container takes no videos.",
    "mask-generation": "No endpoint can be asked for mask-generation: Hugging Face's container can't send what it finds.",
}
"""Tasks of pipelines that can't be used over HTTP: huggingface/huggingface-inference-toolkit on GitHub knows no type of content
for videos, and its JSON writer refuses the tensor of scores that comes with masks."""
_ID: Final = re.compile(r"[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.-]*)?")  # owner and name; the oldest models have no owner
_MAX_ENTRIES: Final = 50


@dataclass(frozen=True, slots=True)
class ModelPreferences:
    """All preferences of a visitor, as they were typed."""

    pinned: Mapping[str, str] = field(default_factory=dict)
    """A model's id, or an endpoint's address, by task."""
    banned: frozenset[str] = frozenset()
    added: tuple[tuple[str, str], ...] = ()
    """Tasks with a model's id or an endpoint's address."""
    placement: Placement = "anywhere"
    provider: str = ""
    """The only provider to use; empty for whichever serves a model."""
    bill_to: str = ""
    """Organization on the Hub that pays for calls at providers; empty for the token's own account."""
    trusted: frozenset[str] = frozenset()
    """Endpoints that may have the visitor's token, whoever owns them; by their addresses without query."""

    def pin(self, task: str, model: str) -> ModelPreferences:
        """Pin a model for a task; it is no longer banned."""
        task, model = _parse_task(task), _parse_model(model)
        return replace(self._validate(), pinned={**self.pinned, task: model}, banned=self.banned - {model})  # last word wins

    def ban(self, model: str) -> ModelPreferences:
        """Ban a model, whatever the task; it is no longer pinned."""
        model = _parse_model(model)
        model = parse_endpoint("", model).display_url if is_url(model) else model  # without its query, as the ranking names it
        pinned = {task: other for task, other in self.pinned.items() if other.partition("?")[0].rstrip("/") != model}
        return replace(self._validate(), banned=self.banned | {model}, pinned=pinned)

    def add(self, task: str, model: str) -> ModelPreferences:
        """Add a model to choose from for a task; it is no longer banned."""
        entry = (_parse_task(task), _parse_model(model))
        return replace(self._validate(), added=(*(e for e in self.added if e != entry), entry), banned=self.banned - {entry[1]})

    def restrict_to_provider(self, provider: str) -> ModelPreferences:
        """Restrict hosted models to one provider; empty for whichever serves a model."""
        if provider and provider not in list_providers():
            raise RequestError(f"“{provider[:40]}” is no provider: these are {', '.join(sorted(list_providers()))}.")
        return replace(self, provider=provider)

    def charge(self, organization: str) -> ModelPreferences:
        """Have an organization on the Hub pay for calls at providers; empty for the token's own account.

        Raises:
            RequestError: No organization can have that name.
        """
        return replace(self, bill_to=parse_organization(organization))

    def trust(self, addresses: Iterable[str]) -> ModelPreferences:
        """Allow the visitor's token to be sent to these endpoints, besides those that are listed as the account's.

        Raises:
            RequestError: One of them can't be sent a token, or was neither pinned nor added.
        """
        trusted = frozenset(parse_endpoint("", address).display_url for address in addresses)
        if refused := min(trusted - set(self.trustable_endpoints), default=""):
            raise RequestError(
                f"No token can be sent to {refused}: name an endpoint at https://….endpoints.huggingface.cloud that was added."
            )
        return replace(self, trusted=trusted)

    @property
    def trustable_endpoints(self) -> Sequence[str]:
        """Endpoints that the visitor may be asked to trust: those that a token can be sent to at all."""
        named = (parse_endpoint(task, model) for task, model in (*self.added, *self.pinned.items()) if is_url(model))
        return list(dict.fromkeys(each.display_url for each in named if may_take_token(httpx2.URL(each.url), None)))

    def _validate(self) -> ModelPreferences:
        if len(self.pinned) + len(self.banned) + len(self.added) >= _MAX_ENTRIES:
            raise RequestError(f"That is more than {_MAX_ENTRIES} models that you have pinned, banned or added: clear some.")
        return self

    def to_ranking(self) -> Preferences:
        """Return the preferences in the form that the ranking uses."""
        shown = {
            task: parse_endpoint(task, model).display_url if is_url(model) else model for task, model in self.pinned.items()
        }
        return Preferences(self.placement, shown, self.banned)


def list_providers() -> frozenset[str]:
    """Return the inference providers that can be asked."""
    from hugginggpt.experts.hosted.model_cards import list_providers as known

    return known()


def choose_endpoint_task(endpoint: ListedEndpoint) -> str:
    """Return the task that an endpoint of the account's list does, by its tag; empty where the tag names none from here."""
    from hugginggpt.experts.hosted.task_table import TASKS

    task = _TASKS_BY_TAG.get(endpoint.task) or load_task_table().recognise(endpoint.task)
    return task if task in TASKS else ""


def parse_task_and_model(text: str) -> tuple[str, str]:
    """Parse "TASK=MODEL" as a person writes it.

    Raises:
        RequestError: It isn't of that form.
    """
    task, equals, model = text.partition("=")
    if not equals or not model.strip():
        raise RequestError(f"“{text[:80]}” is not of the form TASK=MODEL, such as text-to-image=owner/name.")
    return task, model


async def make_visitor(
    agent: HuggingGPT,
    token: str,
    preferences: ModelPreferences,
    *,
    known: Visitor | None = None,
    allowed: AddressPolicy | None = None,
) -> Visitor:
    """Return the account on which hosted models run; added or pinned models that aren't here are looked up on the Hub.

    Args:
        agent: Knows what is here.
        token: The visitor's; empty for none.
        preferences: As they were typed.
        known: Result of an earlier call; its models aren't looked up again.
        allowed: Which IP addresses endpoints may have; None: any.

    Raises:
        HuggingGPTError: A model doesn't exist, or nobody serves it for that task.
    """
    from hugginggpt.experts.hosted.task_table import TASKS

    requested = dict.fromkeys([*preferences.added, *preferences.pinned.items()])
    endpoints = tuple(_make_endpoint(task, model, preferences) for task, model in requested if is_url(model))
    if unsupported := next((endpoint.task for endpoint in endpoints if endpoint.task not in TASKS), None):
        raise RequestError(_UNSERVED.get(unsupported, f"An endpoint can't be asked for {unsupported} from here."))
    hosted = agent.expert("hosted")
    models: dict[str, tuple[HubModel, ...]] = {}
    known_models = {(task, model.id): model for task, several in (known.models if known else {}).items() for model in several}
    available = await run_in_daemon_thread(lambda: _list_available(agent)) if requested else set()  # asks disks and servers
    for task, model in requested:
        if is_url(model) or (task, model) in available or not isinstance(hosted, AccountExpert):
            continue
        hub_model = known_models.get((task, model)) or await _look_up(hosted, task, model, token)  # not at each change
        models[task] = (*models.get(task, ()), hub_model)
    return Visitor(token, preferences.provider, preferences.bill_to, models, endpoints, allowed)


def _make_endpoint(task: str, url: str, preferences: ModelPreferences) -> Endpoint:
    endpoint = parse_endpoint(task, url)
    return replace(endpoint, trusted=endpoint.display_url in preferences.trusted)


async def _look_up(hosted: AccountExpert, task: str, model: str, token: str) -> HubModel:
    if not token:
        raise ExpertError(f"{model} is not on this machine, and running it elsewhere takes a Hugging Face token.")
    found = await run_in_daemon_thread(lambda: hosted.look_up(model, token))
    if not hosted.serves(found, task):
        raise ExpertError(f"{model} is not on this machine, and no provider serves it for {task} now: choose another model.")
    return replace(found, id=model)  # as it was typed: the Hub knows a renamed model by both names


def _list_available(agent: HuggingGPT) -> set[tuple[str, str]]:
    """List what is on this machine and what can be fetched, as pairs of task and model."""
    cards = ((task, card.id) for task, ranking in agent.candidates().items() for card in ranking.cards)
    return {*cards, *((task, models[0]) for task, models in list_small_models().items())}


def _parse_task(name: str, table: TaskTable | None = None) -> str:
    found = (table or load_task_table()).recognise(name)
    if found is None:
        raise RequestError(f"“{name[:60]}” is no task: “python -m hugginggpt tasks” lists them.")
    return found


def _parse_model(text: str) -> str:
    text = text.strip()
    if is_url(text):
        return parse_endpoint("", text).url
    if not _ID.fullmatch(text) or len(text) > 200:
        raise RequestError(f"“{text[:60]}” is no model's id, which looks like owner/name, and no endpoint's address.")
    return text
