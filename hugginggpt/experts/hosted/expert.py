"""Models that run elsewhere: at the Hub's inference providers, or at a dedicated endpoint.

Every call goes through huggingface_hub's asynchronous client, with the visitor's own token, in a thread with a loop of its
own, because parts of that client block. Each task is one function of a family's module, found through the table below,
and makes the same results as the local back end (`experts.outputs`).
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import itertools
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.threads import run_concurrently
from hugginggpt.experts.base import Call, Result, run_in_thread
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.memoized_client import MemoizedClient
from hugginggpt.experts.hosted.model_cards import describe_age, is_known_to, make_hosted_card, make_shipped_card
from hugginggpt.experts.hosted.task_table import HOSTED_TASKS
from hugginggpt.hub.account import Endpoint, Visitor
from hugginggpt.hub.catalog import load_catalog
from hugginggpt.hub.client import FailedAtOnceError, HubContext, use_hub_context
from hugginggpt.hub.errors import CalledServer, HubFault, build_fault_error, read_fault
from hugginggpt.hub.search import HubModel, HubSearch

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One run of one model, over all its tries."""

    call: Call
    provider: str
    endpoint: Endpoint | None
    ends: float
    """By `time.monotonic`."""
    seconds: float
    """Time that it was given, in seconds."""
    answered: dict[Any, Any] = field(default_factory=dict)
    """Replies so far, of several questions; see `MemoizedClient`."""


_PROVIDERS_EACH: Final = 2
"""Most providers of one model that are offered."""
_TRIES: Final = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a second try; doubled with each further one, spread by chance, and what a server may ask for at most."""
_FAIR: Final = 10.0
"""A provider that was given less, in seconds, isn't said to have failed."""
_SHARE: Final = 0.5
"""Share of the time left that a model may take while others wait for their turn."""
_MIX: Final = random.Random()

_UNSUPPORTED: Final = re.compile(r"not supported (?:by|for)|doesn't support task|No provider mapping found")
"""Messages by which the client says that a provider doesn't serve a model for a task."""

Function = Callable[[Call, "AsyncInferenceClient"], Awaitable[Result]]
"""Does a task with a client that knows model and provider."""


class HostedExpert:
    """Runs hosted models. The one that all sessions share has no visitor and offers nothing; see `on_behalf`."""

    backend = "hosted"

    def __init__(self, search: HubSearch, circuits: CircuitBreaker, visitor: Visitor | None = None) -> None:
        """Make one.

        Args:
            search: Knows which models there are; shared.
            circuits: Knows which providers keep failing; shared.
            visitor: Whose calls they are.
        """
        self.search = search
        self._circuits = circuits
        self._visitor = visitor or Visitor()
        self._token = self._visitor.token

    def on_behalf(self, visitor: Visitor) -> HostedExpert:
        """Return one for a visitor, that shares what is known of models and providers."""
        return HostedExpert(self.search, self._circuits, visitor)

    def offers(self, task: str) -> str:
        """Return what would make a hosted model do a task that nothing here does; empty where that is no question."""
        return "with a Hugging Face token a hosted one does it" if task in HOSTED_TASKS and not self._token else ""

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return what the visitor has added, then what the Hub's search finds; where it can't be asked, the shipped list."""
        found = [self._endpoint_card(endpoint) for endpoint in self._visitor.endpoints]
        if not self._token:
            return found
        wanted = [task for task in HOSTED_TASKS if tasks is None or task in tasks]
        listed = run_concurrently([functools.partial(self._cards_for, task) for task in wanted])
        unique: dict[tuple[str, str, str], ModelCard] = {}
        for card in (card for cards in listed for card in cards):
            unique.setdefault((card.task, card.id, card.provider), card)  # what was added may be listed, too
        return [*found, *unique.values()]

    def _cards_for(self, task: str) -> list[ModelCard]:
        way = HOSTED_TASKS[task]
        mine = [card for model in self._visitor.models.get(task, ()) for card in self._served(model, task, "you")]
        listing = self.search.find(way.tag or way.does or task, self._token)
        if listing.problem:
            why = listing.problem.rstrip(".")
            return mine + [
                make_shipped_card(entry, task, f"the shipped list ({why})") for entry in load_catalog().get(task, ())
            ]
        source = f"the Hub's search, {describe_age(time.time() - listing.asked)}"
        return mine + [card for model in listing.models for card in self._served(model, task, source)]

    def look_up(self, model: str, token: str) -> HubModel:
        """Return what the Hub knows of a model. Blocks.

        Raises:
            ExpertError: There is no such model, or the Hub can't be asked.
        """
        return self.search.look_up(model, token)

    def serves(self, model: HubModel, task: str) -> bool:
        """Return whether anybody serves a model for a task now."""
        return task in HOSTED_TASKS and bool(self._served(model, task, ""))

    def _served(self, model: HubModel, task: str, source: str) -> list[ModelCard]:
        """Return a card for each of the first providers that serve the model for this very task."""
        does = HOSTED_TASKS[task].does or task
        providers = [each.provider for each in model.served if each.task == does and is_known_to(each.provider, does)]
        if self._visitor.provider:
            providers = [name for name in providers if name == self._visitor.provider]
        providers.sort(key=lambda name: self._circuits.left(name) > 0)  # the rest in the Hub's own order
        return [make_hosted_card(model, task, name, source) for name in providers[:_PROVIDERS_EACH]]

    def _endpoint_card(self, endpoint: Endpoint) -> ModelCard:
        said = f"A dedicated endpoint at {endpoint.host}, added by you."
        return ModelCard(endpoint.display_url, endpoint.task, self.backend, said, provider=endpoint.host, source="you")

    async def run(self, call: Call) -> Result:
        """Call a model at its provider, again where that may help, until its share of the time is up.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model, the provider, the account or the network failed; the message says which, and what to do.
        """
        return await run_in_thread(self._run, call)

    def _run(self, call: Call) -> Result:
        own = self._endpoint(call.card)
        seconds = call.seconds * _SHARE if call.others else call.seconds
        ends = time.monotonic() + seconds
        provider = call.card.provider or self._find_provider(call)
        asking = _Asking(call, provider, own, ends, seconds)
        with self._through(provider, at_endpoint=own is not None) as tell:
            for number in itertools.count():
                outcome = self._try(asking)
                if isinstance(outcome, Result):
                    tell(True)
                    return outcome
                fault = outcome
                # a provider isn't to blame for being given little time
                tell(False if fault.scope == "provider" and seconds >= _FAIR else None)
                pause = _pause(fault, number)
                tried = number + 1 >= _TRIES and not fault.loading
                if not fault.retryable or tried or time.monotonic() + pause >= ends:
                    break
                call.progress(_waiting(fault, call.card, provider, pause), None)
                call.token.sleep(pause)
        raise build_fault_error(fault)  # out here, so that no exception that quotes the token is its context

    def _endpoint(self, card: ModelCard) -> Endpoint | None:
        known = (each for each in self._visitor.endpoints if (each.display_url, each.task) == (card.id, card.task))
        return next(known, None)

    @contextmanager
    def _through(self, provider: str, *, at_endpoint: bool) -> Iterator[Callable[[bool | None], None]]:
        """A call through the provider's circuit, counted where it is the page's owner who pays; what is told last counts."""
        if at_endpoint:
            yield lambda _: None
            return
        entry = self._circuits.enter(provider)
        if entry.wait:
            raise ExpertError(f"{provider} has failed again and again: it is left alone for another {entry.wait:.0f} s.")
        last: bool | None = None

        def tell(well: bool | None) -> None:
            nonlocal last
            last = well

        try:
            self._visitor.spend()
            yield tell
        finally:
            self._circuits.leave(provider, entry, well=last)

    def _try(self, asking: _Asking) -> Result | HubFault:
        """Return one try, and another one where what the client remembers of the Hub turns out to be too old."""
        outcome = self._try_once(asking)
        if isinstance(outcome, Result) or not outcome.gone or asking.endpoint:
            return outcome
        forget_mappings()
        return self._try_once(asking)

    def _try_once(self, asking: _Asking) -> Result | HubFault:
        call, own = asking.call, asking.endpoint
        # the owner's token is lent for calls at providers, not for whatever address a visitor names
        token = "" if own and self._visitor.shared else self._token
        allowed = self._visitor.allowed
        errand = HubContext(token, asking.ends, self.search.addresses, call.token.check, allowed)
        try:
            with use_hub_context(errand):
                return asyncio.run(self._call(asking, token, max(errand.seconds_left, 0.001)))
        except HuggingGPTError:  # what our own reading of the input or the reply says
            raise
        except asyncio.CancelledError:
            call.token.check()
            raise
        except Exception as error:  # the seam to the client, which raises whatever a provider's reply leads to
            said = redact_key(f"{type(error).__name__}: {error}", self._token)
            said = said.replace(urlsplit(own.url).query or own.url, "[query]") if own else said
            log.info("%s at %s failed", call.card.id, asking.provider, exc_info=ServerFault(said))
            if isinstance(error, ValueError) and _UNSUPPORTED.search(str(error)):
                gone = f"{asking.provider} does not serve {call.card.id} for {call.card.task} any more: choose another model."
                return HubFault(gone, gone=True)
            at: CalledServer = "endpoint" if own else "router"
            fault = read_fault(error, model=call.card.id, provider=asking.provider, seconds=asking.seconds, server=at)
            # once a job is accepted, a second try would be a second job, and be paid for
            return replace(fault, retryable=False) if isinstance(error, FailedAtOnceError) else fault

    async def _call(self, asking: _Asking, token: str, seconds: float) -> Result:
        """Return one call, cancelled as soon as nobody waits for it."""
        from huggingface_hub import AsyncInferenceClient

        call, own = asking.call, asking.endpoint
        function = _function(HOSTED_TASKS[call.card.task].function)
        client = AsyncInferenceClient(
            own.url if own else call.card.id,
            provider=None if own else asking.provider,  # type: ignore[arg-type]
            token=token or "none",  # None would be the token of whoever runs this program
            timeout=seconds,
        )
        loop = asyncio.get_running_loop()
        async with client:
            remembering = cast("AsyncInferenceClient", MemoizedClient(client, asking.answered))
            work = asyncio.ensure_future(function(call, remembering))
            with call.token.telling(lambda: _from_outside(loop, work)):
                async with asyncio.timeout(seconds):
                    return await work

    def _find_provider(self, call: Call) -> str:
        """Return who serves a model of the shipped list now.

        Raises:
            ExpertError: Nobody does, or the Hub can't be asked.
        """
        task = call.card.task
        model = self.search.look_up(call.card.id, self._token, call.token.check)
        served = self._served(model, task, "")
        if not served:
            raise ExpertError(f"No provider serves {call.card.id} for {task} now: choose another model.")
        return served[0].provider


def _from_outside(loop: asyncio.AbstractEventLoop, work: asyncio.Future[Result]) -> None:
    with suppress(RuntimeError):  # it has just ended
        loop.call_soon_threadsafe(work.cancel)


def forget_mappings() -> None:
    """Have the client ask the Hub again who serves what."""
    from huggingface_hub.inference._providers import _common, hf_inference

    _common._fetch_inference_provider_mapping.cache_clear()
    hf_inference._check_supported_task.cache_clear()


def _pause(fault: HubFault, number: int) -> float:
    """Return how long to wait before the next try, in seconds: what the server asks for, else longer each time, by chance."""
    if fault.loading:
        return min(max(fault.wait, _FIRST_PAUSE), _LONGEST_PAUSE)
    if fault.wait:
        return fault.wait if fault.wait <= _LONGEST_PAUSE else float("inf")
    return min(_FIRST_PAUSE * 2.0**number, _LONGEST_PAUSE) * _MIX.uniform(0.5, 1.5)


def _waiting(fault: HubFault, card: ModelCard, provider: str, pause: float) -> str:
    if fault.loading:
        told = f", about {fault.wait:.0f} s more" if fault.wait >= 1 else ""
        return f"{card.id} is loading at {provider}{told}"
    return f"{fault.sentence.partition(':')[0]}; trying again in {pause:.1f} s"


@functools.cache
def _function(path: str) -> Function:
    module, _, name = path.partition(":")
    found: Function = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return found
