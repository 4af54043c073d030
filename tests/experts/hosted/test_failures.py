"""Whatever goes wrong elsewhere, a request goes on with the next model, or ends in time with a sentence that helps."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.events import AttemptFailed, Event, TaskDone, TaskFailed, TaskProgress
from hugginggpt.core.model_card import Preferences
from hugginggpt.core.settings import Settings
from hugginggpt.core.trace import trace_json
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.hub.account import Visitor
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from hugginggpt.workspace.workspace import Workspace
from tests import hosted_server as at_server
from tests.conftest import Planner
from tests.hosted_server import HostedServer

pytestmark = pytest.mark.slow

TOKEN = "hf_visitorsOwn4711verySecret"
MODEL = "owner/text-classification"
PLAN = [{"task": "text-classification", "id": 0, "args": {"text": "What a lovely day, I am so happy!"}}]
SECONDS = 3.0
"""What a task may take where something goes wrong, at least."""
TIMES = 8
"""How many times what a request takes that goes well: a machine that has other work is slow at all of them."""


@dataclass
class Case:
    """A visitor's request, with a model of theirs pinned."""

    server: HostedServer
    folder: Path
    circuits: CircuitBreaker
    seconds: float = 60.0

    async def ask(self, *, fallback: bool, token: str = TOKEN, router: str = "", **about: Any) -> list[Event]:
        settings = Settings(sessions=self.folder / "sessions", task_seconds=self.seconds)
        places = HubAddresses(self.server.url, router or self.server.url, self.server.url)
        shared = HostedExpert(HubSearch(self.folder / "catalogue", places), self.circuits)
        experts = [BundledExpert()] if fallback else []
        agent = HuggingGPT(experts, fallback=Planner(), settings=settings)
        with Workspace.create(settings) as workspace:
            stream = agent.run(
                "Do it.",
                Session(workspace),
                Planner([PLAN]),
                extra=[shared.bind_visitor(Visitor(token, **about))],
                preferences=Preferences(pinned={"text-classification": MODEL}),
            )
            return [event async for event in stream]


@pytest.fixture
def case(server: HostedServer, tmp_path: Path) -> Case:
    server.accounts.add(TOKEN)
    server.serve("text-classification")
    return Case(server, tmp_path, CircuitBreaker())


def only(events: list[Event], kind: type) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


Fault = Callable[[], at_server.Fault]

FAULTS: dict[str, tuple[Fault, str]] = {
    "401": (lambda: at_server.status(401), "Hugging Face refused the token: check it, or make a new one at"),
    "402": (at_server.no_credit, "The token's account has no inference credit left: top it up at"),
    "403": (lambda: at_server.status(403), "The token may not call hf-inference: give it the permission “Make calls to"),
    "gated": (at_server.gated, f"{MODEL} asks for consent: accept its terms at https://huggingface.co/{MODEL} with"),
    "404": (lambda: at_server.status(404), f"{MODEL} is not served by hf-inference any more: choose another model."),
    "410": (lambda: at_server.status(410), f"{MODEL} is not served by hf-inference any more: choose another model."),
    "400": (lambda: at_server.status(400), f"{MODEL} at hf-inference did not accept this input: change it, or"),
    "413": (lambda: at_server.status(413), f"The input is too large for {MODEL} at hf-inference: make it smaller"),
    "429": (at_server.busy, "hf-inference is over its rate limit: wait a minute, or choose another model."),
    "429 for an hour": (lambda: at_server.busy("3600"), "hf-inference is over its rate limit: wait 60 minutes, or"),
    "500": (lambda: at_server.status(500), "hf-inference has trouble of its own (status 500): try again in a minute"),
    "503": (lambda: at_server.status(503), "hf-inference is overloaded or down: try again in a minute"),
    "loading": (lambda: at_server.loading(0.5, MODEL), f"{MODEL} was still loading at hf-inference when the time was up"),
    "a body that is cut": (at_server.cut_body, "hf-inference broke off in the middle of its answer"),
    "a page": (at_server.wrong_type, "hf-inference answered something that can't be used"),
    "other JSON": (at_server.wrong_json, "hf-inference answered something that can't be used"),
    "no JSON": (at_server.no_json, "hf-inference answered something that can't be used"),
    "silence": (lambda: at_server.hang(60), f"{MODEL} at hf-inference did not answer within"),
    "an endless body": (at_server.drip, f"{MODEL} at hf-inference did not answer within"),
    "a connection reset": (at_server.reset, "hf-inference broke off in the middle of its answer"),
}


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.fixture(params=FAULTS)
async def broken(case: Case, request: pytest.FixtureRequest, everything_logged: pytest.LogCaptureFixture) -> Any:
    """Asks where one thing goes wrong again and again; gives what happened, the sentence for it, and that of the deadline.

    Whatever it is, it ends in time and the token turns up nowhere.
    """
    fault, said = FAULTS[request.param]
    begun = time.monotonic()
    assert only(await case.ask(fallback=False), TaskDone)
    case.seconds = max(SECONDS, round(TIMES * (time.monotonic() - begun), 1))
    case.server.faults["/hf-inference"].append(fault().forever())

    async def ask(*, fallback: bool) -> tuple[list[Event], str, str]:
        begun = time.monotonic()
        events = await case.ask(fallback=fallback)
        assert time.monotonic() - begun < case.seconds * 2
        for place in (everything_logged.text, repr(events), json.dumps(trace_json(events))):
            assert TOKEN not in place
        return events, said, f"{MODEL} took longer than the {case.seconds:g} s"

    return ask


async def test_the_next_model_does_it_and_it_is_told_why(broken: Any) -> None:
    events, said, _ = await broken(fallback=True)
    failed = only(events, AttemptFailed)
    assert (failed.model.id, failed.model.location) == (MODEL, "hosted by hf-inference")
    assert failed.error.startswith(said)
    assert only(events, TaskDone).model.id == "vader"


async def test_without_another_model_the_request_ends_with_the_sentence(broken: Any) -> None:
    events, said, or_else = await broken(fallback=False)
    assert only(events, TaskFailed).error.startswith((said, or_else))


async def test_a_try_that_runs_out_of_time_does_not_hide_what_the_one_before_was_told(case: Case) -> None:
    assert only(await case.ask(fallback=False), TaskDone)
    case.seconds = 3.0
    case.server.faults["/hf-inference"] += [at_server.status(503), at_server.hang(60).forever()]
    failed = only(await case.ask(fallback=True), AttemptFailed)
    assert failed.error.startswith("hf-inference is overloaded or down: try again in a minute")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (at_server.busy, "hf-inference is over its rate limit; trying again in"),
        (lambda: at_server.busy("0.2"), "hf-inference is over its rate limit; trying again in 0.2 s"),
        (lambda: at_server.status(503), "hf-inference is overloaded or down; trying again in"),
        (lambda: at_server.loading(1.0, MODEL), f"{MODEL} is loading at hf-inference, about 1 s more"),
        (at_server.cut_body, "hf-inference broke off in the middle of its answer; trying again in"),
        (at_server.reset, "hf-inference broke off in the middle of its answer; trying again in"),
    ],
)
async def test_what_passes_is_waited_for_visibly(case: Case, fault: Fault, expected: str) -> None:
    case.server.faults["/hf-inference"].append(fault())
    events = await case.ask(fallback=False)
    assert only(events, TaskDone).model.id == MODEL
    assert next(e.message for e in events if isinstance(e, TaskProgress)).startswith(expected)


async def test_a_server_that_asks_for_a_pause_gets_it(case: Case) -> None:
    case.server.faults["/hf-inference"].append(at_server.busy("1"))
    begun = time.monotonic()
    assert only(await case.ask(fallback=False), TaskDone)
    assert time.monotonic() - begun >= 1.0


async def test_no_network_is_said_and_costs_no_time(case: Case) -> None:
    await case.ask(fallback=False)  # the Hub was there when the models were listed
    case.server.asked.clear()
    begun = time.monotonic()
    events = await case.ask(fallback=True, router=at_server.refused_url())
    assert only(events, AttemptFailed).error.startswith("hf-inference can't be reached: check the network; models that run")
    assert only(events, TaskDone).model.id == "vader"
    assert time.monotonic() - begun < case.seconds + 2


async def test_a_proxy_that_blocks_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    await case.ask(fallback=False)
    with at_server.blocking_proxy() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        events = await case.ask(fallback=True, router="https://router.example.org")
    assert proxy.asked
    assert only(events, AttemptFailed).error.startswith("A proxy on this network blocks the way to hf-inference")
    assert only(events, TaskDone).model.id == "vader"


async def test_a_provider_that_keeps_failing_is_left_alone_then_tried_again(case: Case) -> None:
    now = [0.0]
    case.circuits = CircuitBreaker(failures=2, seconds=60, clock=lambda: now[0])
    case.server.faults["/hf-inference"].append(at_server.status(500).forever())
    for _ in range(2):
        await case.ask(fallback=True)
    asked = len(case.server.asked)
    events = await case.ask(fallback=True)
    assert only(events, AttemptFailed).error == "hf-inference has failed again and again: it is left alone for another 60 s."
    assert len(case.server.asked) == asked
    now[0] = 61
    case.server.faults.clear()
    assert only(await case.ask(fallback=True), TaskDone).model.id == MODEL


async def test_when_the_token_is_refused_no_other_hosted_model_is_tried(case: Case) -> None:
    for number in range(3):
        case.server.serve("text-classification", f"owner/other-{number}")
    await case.ask(fallback=True)
    case.server.accounts.remove(TOKEN)
    case.server.asked.clear()
    events = await case.ask(fallback=True)
    assert only(events, AttemptFailed).model.id == MODEL
    assert len([asked for asked in case.server.asked if asked.path.startswith("/hf-inference")]) == 1
    assert only(events, TaskDone).model.id == "vader"


async def test_the_owners_token_is_never_used_for_a_visitor(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_theOwners")
    assert only(await case.ask(fallback=False), TaskDone)
    await case.ask(fallback=True, token="")
    assert set(case.server.tokens) <= {f"Bearer {TOKEN}", None}
