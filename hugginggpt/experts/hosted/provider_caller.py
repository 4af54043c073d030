"""Calls of hosted models: attempts, circuit breaker, token and deadline of each.

Every call goes through huggingface_hub's asynchronous client, with the visitor's own token, in a thread with a loop of its
own, because parts of that client block.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import httpx2

from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.memoized_client import MemoizedClient
from hugginggpt.experts.hosted.provider_mapping import clear_mapping_cache, read_mapping
from hugginggpt.experts.hosted.task_table import HOSTED_TASKS
from hugginggpt.hub.account import Endpoint, Visitor
from hugginggpt.hub.client import FailedAtOnceError, HubAddresses, HubContext, may_take_token, use_hub_context
from hugginggpt.hub.endpoint_state import StartingFault, read_endpoint_fault
from hugginggpt.hub.endpoints import EndpointDirectory
from hugginggpt.hub.errors import CalledServer, build_fault_error, read_fault, read_hub_refusal
from hugginggpt.hub.faults import HubFault
from hugginggpt.hub.replies import check_reply, is_hub_api

if TYPE_CHECKING:
    from hugginggpt.experts.hosted.pipeline_client import PipelineClient

log = logging.getLogger(__name__)

_MAX_ATTEMPTS: Final = 3
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 10.0
"""Seconds before the second try, doubled for each further one, with jitter; and the longest pause that a server may ask for."""
_HF_INFERENCE: Final = "hf-inference"
_MIN_BLAMED_SECONDS: Final = 10.0  # least time, in seconds, that a provider must have been given to be blamed for a failure
_RANDOM: Final = random.Random()  # noqa: S311 - pauses need no secret

_UNSUPPORTED: Final = re.compile(r"not supported (?:by|for)|doesn't support task|No provider mapping found")
"""Messages by which the client says that a provider doesn't serve a model for a task."""

Function = Callable[[Call, "PipelineClient"], Awaitable[Result]]
"""Function that does a task with a client which knows model and provider."""


@dataclass(frozen=True, slots=True)
class HostedRun:
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


@dataclass(frozen=True, slots=True)
class ProviderCaller:
    """Caller of hosted models on a visitor's account."""

    addresses: HubAddresses
    circuits: CircuitBreaker
    """Circuit breaker of each provider; shared by all sessions."""
    directory: EndpointDirectory
    """Tells whose an endpoint is; shared by all sessions."""
    visitor: Visitor
    start_seconds: float = 0.0
    """Longest wait for a dedicated endpoint that is asleep, in seconds."""

    def run(self, run: HostedRun) -> Result:
        """Call the model, again where that may help, until the deadline.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model, the provider, the account or the network failed; the message says which, and what to do.
        """
        call, provider = run.call, run.provider
        faults: list[HubFault] = []
        asleep_since: float | None = None  # by `time.monotonic`
        with self._pass_circuit(provider, at_endpoint=run.endpoint is not None) as report:
            while True:  # without a limit: a loading model is waited for
                outcome = self._attempt(run)
                if isinstance(outcome, Result):
                    report(True)
                    return outcome
                if faults and outcome.timed_out:
                    break  # the try before it was told why, this one only that time was up
                faults.append(outcome)
                # a provider isn't to blame for being given little time
                report(False if outcome.outage and run.seconds >= _MIN_BLAMED_SECONDS else None)
                pause = _compute_pause(outcome, len(faults) - 1)
                tried = len(faults) >= _MAX_ATTEMPTS and not outcome.loading
                deadline = run.deadline
                if isinstance(outcome, StartingFault):
                    if asleep_since is None:
                        asleep_since, run = time.monotonic(), self._extend_deadline(run)
                    deadline = min(run.deadline, asleep_since + self.start_seconds)
                if not outcome.retryable or tried or time.monotonic() + pause >= deadline:
                    break
                call.progress(_describe_wait(outcome, call.card, provider, pause), None)
                call.token.sleep(pause)
        raise build_fault_error(faults[-1])  # out here, so that no exception that quotes the token is its context

    def _extend_deadline(self, run: HostedRun) -> HostedRun:
        """Add the time that an endpoint takes to start, which isn't the model's; not where another model can step in."""
        if run.call.has_fallback:
            return run
        run.call.extend_deadline(self.start_seconds)
        return replace(run, deadline=run.deadline + self.start_seconds)

    @contextmanager
    def _pass_circuit(self, provider: str, *, at_endpoint: bool) -> Iterator[Callable[[bool | None], None]]:
        """Pass a call through the provider's circuit, and count it; yield a function for its outcome: the last one counts."""
        if at_endpoint:
            yield lambda _: None  # a visitor's own endpoint: neither its failures nor its costs are ours
            return
        permit = self.circuits.request_permit(provider)
        if permit.wait:
            raise ExpertError(f"{provider} has failed again and again: it is left alone for another {permit.wait:.0f} s.")
        outcome: bool | None = None

        def report(succeeded: bool | None) -> None:
            nonlocal outcome
            outcome = succeeded

        try:
            self.visitor.count_call()  # behind the permit: a call that isn't made isn't counted
            yield report
        finally:
            self.circuits.record_outcome(provider, permit, succeeded=outcome)

    def _attempt(self, run: HostedRun) -> Result | HubFault:
        """Make one attempt, and a second one if the client's cached provider mapping turns out to be too old."""
        outcome = self._attempt_once(run)
        if isinstance(outcome, Result) or not outcome.moved or run.endpoint:  # an endpoint isn't in the mapping
            return outcome
        return self._attempt_once(run) if self._refresh_mapping(run) else outcome

    def _refresh_mapping(self, run: HostedRun) -> bool:
        """Have the client ask the Hub for its mappings again; return whether the provider serves the model otherwise now."""
        if run.provider == _HF_INFERENCE:  # it knows models by the Hub's own ids
            return False
        with use_hub_context(self._build_context(run, self.visitor.token)):
            known = read_mapping(run.call.card.id, run.provider)
            clear_mapping_cache()
            return read_mapping(run.call.card.id, run.provider) != known

    def _attempt_once(self, run: HostedRun) -> Result | HubFault:
        call, endpoint = run.call, run.endpoint
        token = self._choose_token(run)
        context = self._build_context(run, token)
        try:
            with use_hub_context(context):
                return asyncio.run(self._call(run, token, max(context.seconds_left, 0.001)))
        except HuggingGPTError:  # what our own reading of the input or the reply says
            raise
        except asyncio.CancelledError:
            call.token.check()  # a stop raises StoppedError, as everywhere
            raise
        except Exception as error:  # the seam to the client, which raises whatever a provider's reply leads to
            message = redact_key(f"{type(error).__name__}: {error}", self.visitor.token)
            # for the log: a query may be secret, too
            message = message.replace(urlsplit(endpoint.url).query or endpoint.url, "[query]") if endpoint else message
            log.info("%s at %s failed", call.card.id, run.provider, exc_info=ServerFault(message))  # `error` holds the token
            if isinstance(error, ValueError) and read_hub_refusal(error) is None and _UNSUPPORTED.search(str(error)):
                sentence = f"{run.provider} does not serve {call.card.id} for {call.card.task} any more: choose another model."
                return HubFault(sentence, moved=True)
            server = self._find_server(error)
            if endpoint:
                withheld = self.visitor.token and not self.visitor.shared and not token and self._may_take_token(endpoint)
                server = "unknown endpoint" if withheld else "endpoint"
            if endpoint and (found := self._read_endpoint_fault(run, error, token)):
                return found
            fault = read_fault(error, model=call.card.id, provider=run.provider, seconds=run.seconds, server=server)
            # once a job is accepted, a second try would be a second job, and be paid for
            return replace(fault, retryable=False) if isinstance(error, FailedAtOnceError) else fault

    def _build_context(self, run: HostedRun, token: str) -> HubContext:
        endpoint = run.endpoint
        return HubContext(
            token,
            run.deadline,
            self.addresses,
            run.call.token.check,
            self.visitor.allowed,
            router_is_ours=endpoint is None,
            endpoint=endpoint.url if endpoint and token else "",
            check_reply=check_reply,
        )

    def _find_server(self, error: Exception) -> CalledServer:
        """Return where a failure happened: the client polls for jobs, and fetches results from a provider's own server."""
        request = getattr(error.__cause__, "_request", None) if isinstance(error, FailedAtOnceError) else None
        if not isinstance(request, httpx2.Request) or is_hub_api(request.url):
            return "router"
        return "job" if self.addresses.covers(request.url) else "files"

    def _read_endpoint_fault(self, run: HostedRun, error: Exception, token: str) -> HubFault | None:
        """Return what a failed call says about an endpoint's state; the account is asked only for its own endpoints."""
        endpoint = run.endpoint
        assert endpoint is not None  # noqa: S101 - for the type checker
        left = max(run.deadline - time.monotonic(), 0.0)

        def find_listed_state() -> str:
            return self.directory.find_state(endpoint.url, token, seconds=left, check=run.call.token.check) if token else ""

        return read_endpoint_fault(error, endpoint.host, find_listed_state)

    def _choose_token(self, run: HostedRun) -> str:
        """Return the token for a call; for an endpoint only if the account may use it, or the visitor has said so."""
        endpoint = run.endpoint
        if endpoint is None or not self.visitor.token:
            return self.visitor.token
        if self.visitor.shared or not self._may_take_token(endpoint):  # the owner's is lent for calls at providers alone
            return ""
        seconds = (run.deadline - time.monotonic()) / 2
        if endpoint.trusted or self.directory.is_listed(
            endpoint.url, self.visitor.token, seconds=seconds, check=run.call.token.check
        ):
            return self.visitor.token
        return ""

    def _may_take_token(self, endpoint: Endpoint) -> bool:
        return may_take_token(httpx2.URL(endpoint.url), self.visitor.allowed)

    async def _call(self, run: HostedRun, token: str, seconds: float) -> Result:
        """Make one call, cancelled as soon as nobody waits for it."""
        from hugginggpt.experts.hosted.pipeline_client import PipelineClient

        call, endpoint = run.call, run.endpoint
        function = _load_function(HOSTED_TASKS[call.card.task].function)
        client = PipelineClient(
            endpoint.url if endpoint else call.card.id,
            provider=None if endpoint else run.provider,  # type: ignore[arg-type]
            token=token or "none",  # None would be the token of whoever runs this program
            timeout=seconds,
            bill_to=None if endpoint else self.visitor.bill_to or None,
        )
        loop = asyncio.get_running_loop()
        async with client:
            memoized = cast("PipelineClient", MemoizedClient(client, run.answers))
            work = asyncio.ensure_future(function(call, memoized))
            with call.token.call_on_cancel(lambda: _cancel_threadsafe(loop, work)):
                async with asyncio.timeout(seconds):
                    return await work


def _cancel_threadsafe(loop: asyncio.AbstractEventLoop, work: asyncio.Future[Result]) -> None:
    with suppress(RuntimeError):  # it has just ended
        loop.call_soon_threadsafe(work.cancel)


def _compute_pause(fault: HubFault, number: int) -> float:
    """Compute the pause before the next try, in seconds: what the server asks for, else exponential backoff with jitter."""
    if fault.loading:
        return min(max(fault.wait, _FIRST_PAUSE), _MAX_PAUSE)  # an estimate: it may be ready sooner
    if fault.wait:
        return fault.wait if fault.wait <= _MAX_PAUSE else float("inf")  # past any deadline: no further try
    return min(_FIRST_PAUSE * 2.0**number, _MAX_PAUSE) * _RANDOM.uniform(0.5, 1.5)


def _describe_wait(fault: HubFault, card: ModelCard, provider: str, pause: float) -> str:
    if isinstance(fault, StartingFault):
        return "The endpoint is starting…"
    if fault.loading:
        eta = f", about {fault.wait:.0f} s more" if fault.wait >= 1 else ""
        return f"{card.id} is loading at {provider}{eta}"
    return f"{fault.sentence.partition(':')[0]}; trying again in {pause:.1f} s"


@functools.cache
def _load_function(path: str) -> Function:
    module, _, name = path.partition(":")
    found: Function = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return found
