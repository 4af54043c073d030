"""Calls of hosted models: attempts, deadlines, stops, and which token goes where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.ssrf import is_public
from hugginggpt.hub.account import parse_endpoint
from tests import hosted_server as at_server
from tests.experts.hosted.conftest import HostedBench
from tests.hosted_server import TOKEN, HostedServer

pytestmark = pytest.mark.slow

TEXT = "What a lovely day, I am so happy!"


async def test_a_provider_that_has_changed_is_found_by_asking_the_hub_again(hosted: HostedBench) -> None:
    """The client remembers who serves a model as long as the process lives."""
    hosted.server.serve("text-to-image", "o/moves", provider="nscale")
    assert (await hosted.run("text-to-image", "o/moves", text="a fox")).outputs
    hosted.server.models.clear()
    hosted.server.serve("text-to-image", "o/moves", provider="together")
    hosted.folder = hosted.folder.with_name("a-day-later")
    card = hosted.card("text-to-image", "o/moves")
    assert card.provider == "together"
    assert (await hosted.expert().run(hosted.call(card, {"text": "a fox"}))).outputs


async def test_an_organization_pays_at_providers_and_is_named_to_no_endpoint(hosted: HostedBench) -> None:
    hosted.server.serve("text-classification", "o/likes")
    own = hosted.server.endpoint("text-classification")
    expert = hosted.expert(bill_to="my-org", endpoints=(parse_endpoint("text-classification", own),))
    for card in expert.cards({"text-classification"}):
        await expert.run(hosted.call(card, {"text": TEXT}))
    asked = [(asked.path, asked.headers.get("x-hf-bill-to")) for asked in hosted.server.asked if asked.method == "POST"]
    assert {payer for path, payer in asked if path.startswith("/hf-inference")} == {"my-org"}
    assert {payer for path, payer in asked if not path.startswith("/hf-inference")} == {None}


async def test_a_queue_that_never_ends_is_left_at_the_deadline_and_polled_no_more(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-video", "o/endless", provider="fal-ai")
    hosted.server.router.polls = None
    begun = time.monotonic()
    with pytest.raises(ExpertError, match=r"o/endless at fal-ai did not answer within 1\.5 s"):
        await hosted.run("text-to-video", "o/endless", seconds=1.5, text="a fox runs")
    assert time.monotonic() - begun < 2.5
    await _silent(hosted)


async def test_a_stop_is_heard_at_once_and_ends_the_polling(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-video", "o/endless-too", provider="fal-ai")
    hosted.server.router.polls = None
    call = hosted.call(hosted.card("text-to-video", "o/endless-too"), {"text": "a fox"}, seconds=60)
    running = asyncio.create_task(hosted.expert().run(call))
    await _until(lambda: any(asked.path.endswith("/status") for asked in hosted.server.asked))
    begun = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - begun < 2
    await _silent(hosted)


async def test_a_stop_ends_a_call_that_waits_for_an_answer(hosted: HostedBench) -> None:
    hosted.server.serve("text-classification", "o/silent")
    call = hosted.call(hosted.card("text-classification", "o/silent"), {"text": TEXT}, seconds=60)
    hosted.server.faults["/hf-inference"].append(at_server.hang(60))
    running = asyncio.create_task(hosted.expert().run(call))
    await _until(lambda: len(hosted.server.asked) >= 3)
    running.cancel()
    begun = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("owner", "organisations", "trusted", "sent"),
    [
        ("tester", [], False, True),
        ("an-organisation", ["another", "an-organisation"], False, True),
        ("a-stranger", ["an-organisation"], False, False),
        ("a-stranger", [], True, True),
    ],
)
async def test_an_endpoint_gets_the_token_that_the_account_may_use_or_that_the_visitor_has_said_may_have_it(
    hosted: HostedBench, owner: str, organisations: list[str], trusted: bool, sent: bool
) -> None:
    hosted.server.organisations = organisations
    url = hosted.server.endpoint("text-classification", owner=owner, public=True)
    expert = hosted.expert(endpoints=(replace(parse_endpoint("text-classification", url), trusted=trusted),))
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    await expert.run(hosted.call(card, {"text": TEXT}))
    calls = [asked.token for asked in hosted.server.asked if asked.path.startswith("/endpoint")]
    assert calls == [TOKEN if sent else None]
    await expert.run(hosted.call(card, {"text": TEXT}))
    lists = [asked.path for asked in hosted.server.asked if asked.path.startswith("/v2/")]
    assert len(lists) == len(set(lists))  # asked once, and kept


async def test_an_endpoint_that_wants_the_token_of_somebody_else_says_how_to_allow_it(hosted: HostedBench) -> None:
    own = parse_endpoint("text-classification", hosted.server.endpoint("text-classification", owner="a-stranger"))
    expert = hosted.expert(endpoints=(own,))
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    with pytest.raises(
        ExpertError, match=r"does not list it as yours: if you trust .* allow it .* \(in the terminal: --token-to\)"
    ):
        await expert.run(hosted.call(card, {"text": TEXT}))


@pytest.mark.parametrize("fault", [at_server.status(500), at_server.no_json(), at_server.status(401)])
async def test_where_the_list_of_endpoints_can_not_be_had_no_token_is_sent(hosted: HostedBench, fault: at_server.Fault) -> None:
    own = parse_endpoint("text-classification", hosted.server.endpoint("text-classification", public=True))
    expert = hosted.expert(endpoints=(own,))
    hosted.server.faults["/v2/"].append(fault)
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    await expert.run(hosted.call(card, {"text": TEXT}))
    assert hosted.server.asked[-1].token is None


async def test_an_endpoints_redirect_does_not_take_the_token_along(hosted: HostedBench) -> None:
    with HostedServer(hosted.cache) as other:
        own = parse_endpoint("text-classification", hosted.server.endpoint("text-classification"))
        expert = hosted.expert(endpoints=(own,))
        hosted.server.faults["/endpoint"].append(at_server.status(302, headers={"Location": f"{other.url}/steal"}))
        card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
        with pytest.raises(ExpertError):
            await expert.run(hosted.call(card, {"text": TEXT}))
        assert other.asked == []


async def test_on_a_public_space_an_endpoint_may_not_lie_inside(hosted: HostedBench) -> None:
    own = parse_endpoint("text-classification", hosted.server.endpoint("text-classification", public=True))
    expert = hosted.expert(endpoints=(own,), allowed=is_public)
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    with pytest.raises(ExpertError, match="is a private address, which this server may not reach"):
        await expert.run(hosted.call(card, {"text": TEXT}))
    assert all(not asked.path.startswith("/endpoint") for asked in hosted.server.asked)


async def test_each_call_is_counted_before_it_is_made(hosted: HostedBench) -> None:
    def count_call() -> None:
        raise ExpertError("They are used up.")

    hosted.server.serve("text-classification")
    card = hosted.card("text-classification")
    with pytest.raises(ExpertError, match="They are used up"):
        await hosted.expert(count_call=count_call).run(hosted.call(card, {"text": TEXT}))
    assert all(asked.path == "/api/models" for asked in hosted.server.asked)


async def test_a_model_that_a_provider_calls_by_another_name_now_is_found(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image", "o/renamed", provider="nscale", provider_id="old/name")
    assert (await hosted.run("text-to-image", "o/renamed", text="a fox")).outputs
    hosted.server.router.served.clear()
    hosted.server.serve("text-to-image", "o/renamed", provider="fal-ai", provider_id="fal-ai/new")
    hosted.server.serve("text-to-image", "o/renamed", provider="fal-ai", provider_id="fal-ai/old")
    hosted.folder = hosted.folder.with_name("a-day-later")
    card = hosted.card("text-to-image", "o/renamed", provider="fal-ai")
    assert (await hosted.expert().run(hosted.call(card, {"text": "a fox"}))).outputs
    hosted.server.router.served.clear()
    hosted.server.serve("text-to-image", "o/renamed", provider="fal-ai", provider_id="fal-ai/new")
    assert (await hosted.expert().run(hosted.call(card, {"text": "a fox"}))).outputs


async def test_what_was_answered_already_is_not_asked_again(hosted: HostedBench) -> None:
    text = " ".join(f"Ines saw {number} cats in Paris." for number in range(100))
    hosted.server.serve("token-classification", "o/limits")
    passes, busy = at_server.passes(), at_server.busy("0.1")
    hosted.card("token-classification", "o/limits")
    hosted.server.faults["/hf-inference"] += [passes, passes, busy]
    await hosted.run("token-classification", "o/limits", text=text)
    sent = [asked.json["inputs"] for asked in hosted.server.asked if asked.method == "POST"]
    assert len(sent) == 4  # the third piece twice
    assert len(set(sent)) == 3


async def test_a_job_that_was_accepted_is_not_ordered_twice(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-video", "o/order", provider="fal-ai")
    hosted.server.router.polls = 5
    hosted.card("text-to-video", "o/order")
    hosted.server.faults["/fal-ai/"] += [at_server.passes(), at_server.status(503)]
    with pytest.raises(ExpertError, match="fal-ai is overloaded or down"):
        await hosted.run("text-to-video", "o/order", text="a fox runs")
    assert len([asked for asked in hosted.server.asked if asked.method == "POST"]) == 1


async def test_a_provider_that_was_given_little_time_is_not_said_to_fail(hosted: HostedBench) -> None:
    hosted.server.serve("text-classification", "o/hurried")
    card = hosted.card("text-classification", "o/hurried")
    hosted.server.faults["/hf-inference"].append(at_server.hang(60).forever())
    for _ in range(5):
        with pytest.raises(ExpertError, match=r"did not answer within 0\.2 s"):
            await hosted.expert().run(hosted.call(card, {"text": TEXT}, seconds=0.2))
    assert hosted.circuits.seconds_left("hf-inference") == 0


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 (the server runs in a thread of its own)
        await asyncio.sleep(0.02)


async def _silent(hosted: HostedBench) -> None:
    """Wait until nobody asks the server any more."""
    for _ in range(20):
        asked = len(hosted.server.asked)
        await asyncio.sleep(0.8)
        if len(hosted.server.asked) == asked:
            return
    raise AssertionError("the provider is still polled")
