"""A visitor's preferences among models: which one for a task, which never, which besides, and where they may run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from hugginggpt.core.errors import ExpertError, RequestError
from hugginggpt.core.model_card import Preferences, Where
from hugginggpt.core.ssrf import AddressPolicy
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.experts.base import AccountExpert
from hugginggpt.hub.account import Visitor, is_url, parse_endpoint
from hugginggpt.hub.catalog import list_small_models

if TYPE_CHECKING:
    from hugginggpt.agent.agent import HuggingGPT
    from hugginggpt.hub.search import HubModel

_ID: Final = re.compile(r"[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.-]*)?")
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class ModelPreferences:
    """All of it, as it was typed."""

    pinned: Mapping[str, str] = field(default_factory=dict)
    """A model's id, or an endpoint's address, by task."""
    banned: frozenset[str] = frozenset()
    added: tuple[tuple[str, str], ...] = ()
    """Tasks with a model's id or an endpoint's address."""
    where: Where = "anywhere"
    provider: str = ""
    """The only provider to use; empty for whichever serves a model."""

    def pin(self, task: str, model: str) -> ModelPreferences:
        """Return them with that model for a task."""
        task, model = _task(task), _model(model)
        return replace(self._bounded(), pinned={**self.pinned, task: model}, banned=self.banned - {model})

    def ban(self, model: str) -> ModelPreferences:
        """Return them without that model, whatever the task."""
        model = _model(model)
        model = parse_endpoint("", model).display_url if is_url(model) else model
        pinned = {task: other for task, other in self.pinned.items() if other.partition("?")[0].rstrip("/") != model}
        return replace(self._bounded(), banned=self.banned | {model}, pinned=pinned)

    def add(self, task: str, model: str) -> ModelPreferences:
        """Return them with that model to choose from, too."""
        entry = (_task(task), _model(model))
        return replace(self._bounded(), added=(*(e for e in self.added if e != entry), entry), banned=self.banned - {entry[1]})

    def only(self, provider: str) -> ModelPreferences:
        """Return them with that provider alone; empty for whichever serves a model."""
        if provider and provider not in list_providers():
            raise RequestError(f"“{provider[:40]}” is no provider: these are {', '.join(sorted(list_providers()))}.")
        return replace(self, provider=provider)

    def _bounded(self) -> ModelPreferences:
        if len(self.pinned) + len(self.banned) + len(self.added) >= _MOST:
            raise RequestError(f"That is more than {_MOST} models that you have pinned, banned or added: clear some.")
        return self

    def preferences(self) -> Preferences:
        """Return what the ranking goes by."""
        shown = {
            task: parse_endpoint(task, model).display_url if is_url(model) else model for task, model in self.pinned.items()
        }
        return Preferences(self.where, shown, self.banned)


def list_providers() -> frozenset[str]:
    """Return the inference providers that can be asked."""
    from hugginggpt.experts.hosted.model_cards import list_providers as known

    return known()


def read_pair(text: str) -> tuple[str, str]:
    """Return a task and a model that somebody has written as "TASK=MODEL".

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
    wishes: ModelPreferences,
    *,
    known: Visitor | None = None,
    allowed: AddressPolicy | None = None,
) -> Visitor:
    """Return the account on which hosted models run; what was added or pinned and isn't here is looked up on the Hub.

    Args:
        agent: Knows what is here.
        token: The visitor's; empty for none.
        wishes: What was typed.
        known: What was found out before, and isn't asked for again.
        allowed: Which IP addresses endpoints may have; None: any.

    Raises:
        HuggingGPTError: A model doesn't exist, or nobody serves it for that task.
    """
    from hugginggpt.experts.hosted.task_table import TASKS

    wanted = dict.fromkeys([*wishes.added, *wishes.pinned.items()])
    endpoints = tuple(parse_endpoint(task, model) for task, model in wanted if is_url(model))
    if odd := next((each.task for each in endpoints if each.task not in TASKS), None):
        raise RequestError(f"An endpoint can't be asked for {odd} from here.")
    hosted = agent.expert("hosted")
    models: dict[str, tuple[HubModel, ...]] = {}
    before = {(task, model.id): model for task, several in (known.models if known else {}).items() for model in several}
    here = await run_in_daemon_thread(lambda: _here(agent)) if wanted else set()
    for task, model in wanted:
        if is_url(model) or (task, model) in here or not isinstance(hosted, AccountExpert):
            continue
        found = before.get((task, model)) or await _looked_up(hosted, task, model, token)
        models[task] = (*models.get(task, ()), found)
    return Visitor(token, wishes.provider, models, endpoints, allowed)


async def _looked_up(hosted: AccountExpert, task: str, model: str, token: str) -> HubModel:
    if not token:
        raise ExpertError(f"{model} is not on this machine, and running it elsewhere takes a Hugging Face token.")
    found = await run_in_daemon_thread(lambda: hosted.look_up(model, token))
    if not hosted.serves(found, task):
        raise ExpertError(f"{model} is not on this machine, and no provider serves it for {task} now: choose another model.")
    return replace(found, id=model)  # as it was typed: the Hub knows a renamed model by both names


def _here(agent: HuggingGPT) -> set[tuple[str, str]]:
    """Return what is on this machine, and what can be fetched."""
    cards = ((task, card.id) for task, ranking in agent.candidates().items() for card in ranking.cards)
    return {*cards, *((task, models[0]) for task, models in list_small_models().items())}


def _task(name: str, table: TaskTable | None = None) -> str:
    found = (table or load_task_table()).recognise(name)
    if found is None:
        raise RequestError(f"“{name[:60]}” is no task: “python -m hugginggpt tasks” lists them.")
    return found


def _model(text: str) -> str:
    text = text.strip()
    if is_url(text):
        return parse_endpoint("", text).url
    if not _ID.fullmatch(text) or len(text) > 200:
        raise RequestError(f"“{text[:60]}” is no model's id, which looks like owner/name, and no endpoint's address.")
    return text
