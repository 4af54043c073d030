"""Models that run elsewhere: at the Hub's inference providers, or at a dedicated endpoint.

Every call goes through huggingface_hub's asynchronous client, with the visitor's own token, in a thread with a loop of its
own, because parts of that client block. Each task is one function of a family's module, found through the table below,
and makes the same results as the local back end (`experts.outputs`).
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import httpx2

from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.threads import run_concurrently
from hugginggpt.experts.base import Call, Result, run_in_thread
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.memoized_client import MemoizedClient
from hugginggpt.experts.hosted.model_cards import describe_age, is_supported_by_client, make_hosted_card, make_shipped_card
from hugginggpt.experts.hosted.task_table import HOSTED_TASKS
from hugginggpt.hub.account import Endpoint, Visitor
from hugginggpt.hub.catalog import load_catalog
from hugginggpt.hub.client import FailedAtOnceError, HubContext, may_take_token, use_hub_context
from hugginggpt.hub.endpoints import EndpointDirectory
from hugginggpt.hub.errors import CalledServer, HubFault, build_fault_error, read_fault
from hugginggpt.hub.search import HubModel, HubSearch

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _HostedRun:
    """One run of one model, over all its attempts."""

    call: Call
    provider: str
    endpoint: Endpoint | None
    deadline: float
    """By `time.monotonic`."""
    seconds: float
    """Time that it may take, in seconds."""
    answers: dict[Any, Any] = field(default_factory=dict)
    """Replies so far, of several questions; see `MemoizedClient`."""


_MAX_PROVIDERS: Final = 2  # most providers that are offered for one model
_MAX_ATTEMPTS: Final = 3
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 10.0
"""Seconds before the second try, doubled for each further one, with jitter; and the longest pause that a server may ask for."""
_MIN_BLAMED_SECONDS: Final = 10.0  # least time, in seconds, that a provider must have been given to be blamed for a failure
_MAX_TIME_SHARE: Final = 0.5  # share of the remaining time that a model may take while there are others to fall back on
_RANDOM: Final = random.Random()  # noqa: S311 - pauses need no secret

_UNSUPPORTED: Final = re.compile(r"not supported (?:by|for)|doesn't support task|No provider mapping found")
"""Messages by which the client says that a provider doesn't serve a model for a task."""

Function = Callable[[Call, "AsyncInferenceClient"], Awaitable[Result]]
"""Function that does a task with a client which knows model and provider."""


class HostedExpert:
    """Back end of hosted models. The one that all sessions share has no visitor and lists no models; see `bind_visitor`."""

    backend = "hosted"

    def __init__(
        self,
        search: HubSearch,
        circuits: CircuitBreaker,
        visitor: Visitor | None = None,
        directory: EndpointDirectory | None = None,
    ) -> None:
        """Bind the expert to a visitor.

        Args:
            search: Search for models; shared.
            circuits: Circuit breaker of each provider; shared.
            visitor: Account that pays for the calls.
            directory: Tells whose an endpoint is; shared. By default one at the addresses of the search.
        """
        self.search = search
        self._circuits = circuits
        self._directory = directory or EndpointDirectory(search.addresses)
        self._visitor = visitor or Visitor()
        self._token = self._visitor.token

    def bind_visitor(self, visitor: Visitor) -> HostedExpert:
        """Return an expert that calls on a visitor's account; both share what is known of models and providers."""
        return HostedExpert(self.search, self._circuits, visitor, self._directory)

    def describe_condition(self, task: str) -> str:
        """Return the condition on which a hosted model would do a task ("with a token ..."); empty if there is none."""
        return "with a Hugging Face token a hosted one does it" if task in HOSTED_TASKS and not self._token else ""

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """List the models that the visitor has added, then those that the Hub's search finds; if it fails, the shipped list."""
        found = [self._make_endpoint_card(endpoint) for endpoint in self._visitor.endpoints]  # an endpoint may need no token
        if not self._token:
            return found
        wanted = [task for task in HOSTED_TASKS if tasks is None or task in tasks]
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
        return task in HOSTED_TASKS and bool(self._make_cards(model, task, ""))

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
        deadline = time.monotonic() + seconds
        provider = call.card.provider or self._find_provider(call)
        run = _HostedRun(call, provider, endpoint, deadline, seconds)
        faults: list[HubFault] = []
        with self._pass_circuit(provider, at_endpoint=endpoint is not None) as report:
            while True:  # without a limit: a loading model is waited for
                outcome = self._attempt(run)
                if isinstance(outcome, Result):
                    report(True)
                    return outcome
                if faults and outcome.timed_out:
                    break  # the try before it was told why, this one only that time was up
                faults.append(outcome)
                # a provider isn't to blame for being given little time
                report(False if outcome.scope == "provider" and seconds >= _MIN_BLAMED_SECONDS else None)
                pause = _compute_pause(outcome, len(faults) - 1)
                tried = len(faults) >= _MAX_ATTEMPTS and not outcome.loading
                if not outcome.retryable or tried or time.monotonic() + pause >= deadline:
                    break
                call.progress(_describe_wait(outcome, call.card, provider, pause), None)
                call.token.sleep(pause)
        raise build_fault_error(faults[-1])  # out here, so that no exception that quotes the token is its context

    def _find_endpoint(self, card: ModelCard) -> Endpoint | None:
        known = (each for each in self._visitor.endpoints if (each.display_url, each.task) == (card.id, card.task))
        return next(known, None)

    @contextmanager
    def _pass_circuit(self, provider: str, *, at_endpoint: bool) -> Iterator[Callable[[bool | None], None]]:
        """Pass a call through the provider's circuit, and count it; yield a function for its outcome: the last one counts."""
        if at_endpoint:
            yield lambda _: None  # a visitor's own endpoint: neither its failures nor its costs are ours
            return
        permit = self._circuits.request_permit(provider)
        if permit.wait:
            raise ExpertError(f"{provider} has failed again and again: it is left alone for another {permit.wait:.0f} s.")
        outcome: bool | None = None

        def report(succeeded: bool | None) -> None:
            nonlocal outcome
            outcome = succeeded

        try:
            self._visitor.count_call()  # behind the permit: a call that isn't made isn't counted
            yield report
        finally:
            self._circuits.record_outcome(provider, permit, succeeded=outcome)

    def _attempt(self, run: _HostedRun) -> Result | HubFault:
        """Make one attempt, and a second one if the client's cached provider mapping turns out to be too old."""
        outcome = self._attempt_once(run)
        if isinstance(outcome, Result) or not outcome.moved or run.endpoint:  # an endpoint isn't in the mapping
            return outcome
        clear_mapping_cache()
        return self._attempt_once(run)

    def _attempt_once(self, run: _HostedRun) -> Result | HubFault:
        call, endpoint = run.call, run.endpoint
        token = self._choose_token(run)
        context = HubContext(
            token,
            run.deadline,
            self.search.addresses,
            call.token.check,
            self._visitor.allowed,
            router_is_ours=endpoint is None,
            endpoint=endpoint.url if endpoint and token else "",
        )
        try:
            with use_hub_context(context):
                return asyncio.run(self._call(run, token, max(context.seconds_left, 0.001)))
        except HuggingGPTError:  # what our own reading of the input or the reply says
            raise
        except asyncio.CancelledError:
            call.token.check()  # a stop raises StoppedError, as everywhere
            raise
        except Exception as error:  # the seam to the client, which raises whatever a provider's reply leads to
            message = redact_key(f"{type(error).__name__}: {error}", self._token)  # for the log: a query may be secret, too
            message = message.replace(urlsplit(endpoint.url).query or endpoint.url, "[query]") if endpoint else message
            log.info("%s at %s failed", call.card.id, run.provider, exc_info=ServerFault(message))  # `error` holds the token
            if isinstance(error, ValueError) and _UNSUPPORTED.search(str(error)):
                sentence = f"{run.provider} does not serve {call.card.id} for {call.card.task} any more: choose another model."
                return HubFault(sentence, moved=True)
            server: CalledServer = "router"
            if endpoint:
                withheld = self._token and not self._visitor.shared and not token and self._may_take_token(endpoint)
                server = "unknown endpoint" if withheld else "endpoint"
            fault = read_fault(error, model=call.card.id, provider=run.provider, seconds=run.seconds, server=server)
            # once a job is accepted, a second try would be a second job, and be paid for
            return replace(fault, retryable=False) if isinstance(error, FailedAtOnceError) else fault

    def _choose_token(self, run: _HostedRun) -> str:
        """Return the token for a call; for an endpoint only if the account may use it, or the visitor has said so."""
        endpoint = run.endpoint
        if endpoint is None or not self._token:
            return self._token
        if self._visitor.shared or not self._may_take_token(endpoint):  # the owner's is lent for calls at providers alone
            return ""
        seconds = (run.deadline - time.monotonic()) / 2
        if endpoint.trusted or self._directory.is_listed(
            endpoint.url, self._token, seconds=seconds, check=run.call.token.check
        ):
            return self._token
        return ""

    def _may_take_token(self, endpoint: Endpoint) -> bool:
        return may_take_token(httpx2.URL(endpoint.url), self._visitor.allowed)

    async def _call(self, run: _HostedRun, token: str, seconds: float) -> Result:
        """Make one call, cancelled as soon as nobody waits for it."""
        from huggingface_hub import AsyncInferenceClient

        call, endpoint = run.call, run.endpoint
        function = _load_function(HOSTED_TASKS[call.card.task].function)
        client = AsyncInferenceClient(
            endpoint.url if endpoint else call.card.id,
            provider=None if endpoint else run.provider,  # type: ignore[arg-type]
            token=token or "none",  # None would be the token of whoever runs this program
            timeout=seconds,
        )
        loop = asyncio.get_running_loop()
        async with client:
            memoized = cast("AsyncInferenceClient", MemoizedClient(client, run.answers))
            work = asyncio.ensure_future(function(call, memoized))
            with call.token.call_on_cancel(lambda: _cancel_threadsafe(loop, work)):
                async with asyncio.timeout(seconds):
                    return await work

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


def _cancel_threadsafe(loop: asyncio.AbstractEventLoop, work: asyncio.Future[Result]) -> None:
    with suppress(RuntimeError):  # it has just ended
        loop.call_soon_threadsafe(work.cancel)


def clear_mapping_cache() -> None:
    """Clear the client's cached mappings from models to providers, so that it asks the Hub for them again."""
    from huggingface_hub.inference._providers import _common, hf_inference

    _common._fetch_inference_provider_mapping.cache_clear()  # entries have no age: they live as long as the process
    hf_inference._check_supported_task.cache_clear()


def _compute_pause(fault: HubFault, number: int) -> float:
    """Compute the pause before the next try, in seconds: what the server asks for, else exponential backoff with jitter."""
    if fault.loading:
        return min(max(fault.wait, _FIRST_PAUSE), _MAX_PAUSE)  # an estimate: it may be ready sooner
    if fault.wait:
        return fault.wait if fault.wait <= _MAX_PAUSE else float("inf")  # past any deadline: no further try
    return min(_FIRST_PAUSE * 2.0**number, _MAX_PAUSE) * _RANDOM.uniform(0.5, 1.5)


def _describe_wait(fault: HubFault, card: ModelCard, provider: str, pause: float) -> str:
    if fault.loading:
        eta = f", about {fault.wait:.0f} s more" if fault.wait >= 1 else ""
        return f"{card.id} is loading at {provider}{eta}"
    return f"{fault.sentence.partition(':')[0]}; trying again in {pause:.1f} s"


@functools.cache
def _load_function(path: str) -> Function:
    module, _, name = path.partition(":")
    found: Function = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return found
