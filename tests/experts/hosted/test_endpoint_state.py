"""Dedicated endpoints that are asleep are woken and waited for; paused and failed ones are named, and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.experts.base import Call
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.hub.account import parse_endpoint
from hugginggpt.hub.endpoint_state import read_endpoint_fault
from tests import hosted_server as at_server
from tests.experts.hosted.conftest import HostedBench
from tests.hosted.faults import sends
from tests.hosted.wire import Answer

TASK, PATH = "text-classification", "/endpoint/mine"
STARTING = "The endpoint at 127.0.0.1 was still starting when the time was up: try again in a few minutes."
PAUSED = "The endpoint at 127.0.0.1 is paused: its owner resumes it at https://endpoints.huggingface.co, then try again."
FAILED = "The endpoint at 127.0.0.1 failed to start: its logs at https://endpoints.huggingface.co tell why."
BUSY = "127.0.0.1 is overloaded or down: try again in a minute, or choose another model."
SLEEPS = at_server.status(503, {"error": "503 Service Unavailable"}, {"Retry-After": "0.01"})


def prepare(hosted: HostedBench, *faults: at_server.Fault, state: str = "scaledToZero") -> tuple[HostedExpert, Call]:
    """The account's own endpoint, and a call of it."""
    url = hosted.server.endpoint(TASK, path="mine")
    hosted.server.states[PATH] = state
    hosted.server.faults[PATH] = list(faults)
    expert = hosted.expert(endpoints=(parse_endpoint(TASK, url),))
    card = next(card for card in expert.cards(()) if card.source == "you")
    return expert, hosted.call(card, {"text": "What a lovely day!"})


async def test_an_endpoint_that_sleeps_is_woken_and_waited_for(hosted: HostedBench) -> None:
    hosted.start_seconds = 60
    extended: list[float] = []
    expert, call = prepare(hosted, SLEEPS, SLEEPS)
    result = await expert.run(replace(call, extend_deadline=extended.append))
    assert "%" in (result.outputs[0].text or "")
    assert hosted.progress == ["The endpoint is starting…"] * 2
    assert extended == [60]
    assert len([asked for asked in hosted.server.asked if asked.path == PATH]) == 3


async def test_where_another_model_can_do_it_the_deadline_stays(hosted: HostedBench) -> None:
    hosted.start_seconds = 60
    extended: list[float] = []
    expert, call = prepare(hosted, SLEEPS.forever())
    with pytest.raises(ExpertError, match="still starting"):
        await expert.run(replace(call, extend_deadline=extended.append, has_fallback=True, seconds=1.5))
    assert extended == []


async def test_a_stop_ends_the_wait(hosted: HostedBench) -> None:
    hosted.start_seconds = 600
    expert, call = prepare(hosted, at_server.status(503, {"error": "Service Unavailable"}).forever())
    with pytest.raises(StoppedError):
        await expert.run(replace(call, progress=lambda *_: call.token.cancel()))


@pytest.mark.parametrize(
    ("state", "status", "body", "said"),
    [
        ("scaledToZero", 503, b"", STARTING),
        ("scaledToZero", 502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", STARTING),
        ("initializing", 503, b'{"error": "503 Service Unavailable"}', STARTING),
        ("pending", 503, b"upstream connect error", STARTING),
        ("running", 400, b'{"error": "Bad Request: Endpoint is scaled to zero"}', STARTING),
        ("running", 503, b"no healthy upstream", STARTING),
        ("running", 503, b'{"error": "Endpoint is initializing"}', STARTING),
        ("running", 504, b"The replica is not ready", STARTING),
        ("running", 400, b"Bad Request: Invalid state", PAUSED),
        ("running", 400, b'{"error": "Bad Request: The endpoint is paused, ask a maintainer to restart it"}', PAUSED),
        ("paused", 503, b'{"error": "503 Service Unavailable"}', PAUSED),
        ("updating", 503, b"", STARTING),
        ("scaledToZero", 500, b"Internal Server Error", STARTING),
        ("paused", 400, b"Bad Request", PAUSED),
        ("paused", 404, b"Not Found", PAUSED),
        ("failed", 503, b"", FAILED),
        ("failed", 502, b"Bad Gateway", FAILED),
    ],
)
async def test_the_state_is_read_off_the_refusal_and_the_accounts_list(
    hosted: HostedBench, state: str, status: int, body: bytes, said: str
) -> None:
    expert, call = prepare(hosted, sends("a refusal", Answer(body, status, "text/plain")).forever(), state=state)
    with pytest.raises(ExpertError) as caught:
        await expert.run(call)
    assert str(caught.value) == said
    assert len([asked for asked in hosted.server.asked if asked.path == PATH]) <= 2  # a bare 400 may mean the question


@pytest.mark.parametrize(
    ("state", "status", "body", "said"),
    [
        ("running", 503, {"error": "Model is overloaded", "error_type": "overloaded"}, BUSY),
        ("scaledToZero", 503, {"error": "Model is overloaded", "error_type": "overloaded"}, BUSY),  # the list lags behind
        ("running", 503, {"error": "503"}, BUSY),
        ("updating", 400, {"error": "inputs: too long"}, "did not accept this input"),
    ],
)
async def test_an_endpoint_that_runs_does_not_start(
    hosted: HostedBench, state: str, status: int, body: object, said: str
) -> None:
    expert, call = prepare(hosted, at_server.status(status, body, {"Retry-After": "60"}).forever(), state=state)
    with pytest.raises(ExpertError) as caught:
        await expert.run(call)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("host", "starts"), [("abc.us-east-1.aws.endpoints.huggingface.cloud", True), ("models.example.com", False)]
)
def test_somebody_elses_endpoint_starts_where_hugging_faces_proxy_says_so(host: str, starts: bool) -> None:
    """It isn't in the account's list."""
    import httpx2

    error = httpx2.HTTPStatusError("", request=httpx2.Request("POST", f"https://{host}"), response=httpx2.Response(503))
    assert (read_endpoint_fault(error, host, lambda: "") is not None) is starts
