"""One visitor's side of the page: the planner of their choice, and files that go when they go."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.events import Event, Notice, TaskDone
from hugginggpt.core.settings import Settings
from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.llm.client import HUGGING_FACE_URL, LanguageModel
from hugginggpt.llm.connection import OPENAI_URL
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession, TabSessions, close_visit
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import Planner, Quick
from tests.hosted_server import HostedServer

KEY = "sk-visitor-0815-secret"
KEY_OF_PAGE = "0123456789abcdef" * 3


def test_a_visit_never_prints_its_key(settings: Settings) -> None:
    visit = TabSession(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    assert KEY not in repr(visit)


def test_a_visit_that_is_closed_deletes_its_files(settings: Settings) -> None:
    workspace = Workspace.create(settings)
    close_visit(TabSession(Session(workspace)))
    assert not workspace.folder.exists()
    close_visit(None)  # a tab in which nothing was asked


def test_a_visit_that_is_dropped_deletes_its_files(settings: Settings) -> None:
    visit: TabSession | None = TabSession(Session(Workspace.create(settings)))
    assert visit
    folder = visit.session.workspace.folder
    visit = None
    gc.collect()
    assert not folder.exists()


async def endless(ended: list[bool]) -> AsyncGenerator[Event, None]:
    try:
        yield Notice("one")
        await asyncio.sleep(60)
    finally:
        ended.append(True)


async def test_a_new_conversation_has_the_planner_of_the_old_one_and_none_of_its_files(settings: Settings) -> None:
    visit = TabSession(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    ended: list[bool] = []
    visit.begin(BackgroundRun("Do it."), endless(ended))
    await asyncio.sleep(0)
    old, model = visit.session.workspace.folder, visit.model
    await visit.renew(Session(Workspace.create(settings)))
    assert visit.model is model
    assert not visit.runs
    assert ended == [True]
    assert not old.exists()
    assert visit.session.workspace.folder.exists()


def test_a_reloaded_page_finds_its_visit_and_nobody_else_does(settings: Settings) -> None:
    visits = TabSessions()
    visit = visits.of_page("page", lambda: visit_of(settings))
    assert visits.of_page("page", lambda: visit_of(settings)) is visit  # whichever of its first events comes first
    visits.keep(visit, KEY_OF_PAGE)
    assert visits.found(KEY_OF_PAGE) is visit
    assert visits.of_page("another page", lambda: visit_of(settings)) is not visit
    visits.keep(visit, "guessable")
    assert visits.found("guessable") is None
    assert visits.found("") is None


def test_what_the_boxes_say_as_a_request_is_sent_counts_where_it_is_stricter(settings: Settings) -> None:
    visit = visit_of(settings)
    visit.tighten("here", ask_first=True)
    assert (visit.wishes.placement, visit.ask_first) == ("here", True)
    visit.tighten("anywhere", ask_first=False)  # a page that was opened again, before it shows what was chosen
    assert (visit.wishes.placement, visit.ask_first) == ("here", True)


async def test_one_request_begins_at_a_time(settings: Settings) -> None:
    visit, ended = visit_of(settings), list[bool]()
    async with visit.claim() as first:
        assert first
        assert visit.busy
        async with visit.claim() as second:
            assert not second
        assert visit.busy  # who was refused has freed nothing
        visit.begin(BackgroundRun("Do it."), endless(ended))
    assert visit.busy
    assert visit.just_begun  # a second click in this moment is the same one
    await visit.stop()
    assert not visit.busy


async def test_what_is_sent_in_the_moment_of_a_clear_belongs_to_the_new_conversation(settings: Settings) -> None:
    visit, cleared = visit_of(settings), asyncio.Event()

    async def slow() -> AsyncGenerator[Event, None]:
        try:
            yield Notice("one")
            await asyncio.sleep(60)
        finally:
            await cleared.wait()

    visit.begin(BackgroundRun("Do it."), slow())
    await asyncio.sleep(0.01)
    new = Session(Workspace.create(settings))
    renewing = asyncio.create_task(visit.renew(new))
    await asyncio.sleep(0.01)

    async def send() -> Session:
        async with visit.claim() as mine:
            assert mine
            return visit.session

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.01)
    assert not sending.done()
    cleared.set()
    assert await sending is new
    await renewing


async def test_a_visit_that_is_closed_works_no_more(settings: Settings) -> None:
    visit, ended = visit_of(settings), list[bool]()
    work = visit.begin(BackgroundRun("Do it."), endless(ended))
    await asyncio.sleep(0.01)
    close_visit(visit)
    async for _ in work.follow():
        pass
    assert ended == [True]


def test_a_visit_stays_while_one_of_its_pages_is_there(settings: Settings) -> None:
    visits = TabSessions()
    visit = visits.of_page("page", lambda: visit_of(settings))
    visits.keep(visit, KEY_OF_PAGE)
    visits.again(visit, "page, reloaded")
    assert visits.of_page("page, reloaded", lambda: visit_of(settings)) is visit
    close_visit(visit)  # the first page's hour is over
    assert visits.found(KEY_OF_PAGE) is visit
    assert visit.session.workspace.folder.exists()
    close_visit(visit)
    assert visits.found(KEY_OF_PAGE) is None
    assert not visit.session.workspace.folder.exists()


def test_a_visitor_may_narrow_the_limits_of_the_deployment(settings: Settings) -> None:
    visit = visit_of(settings)
    assert visit.limits(settings) == settings
    visit.top_k, visit.task_seconds = 2, 30.0
    assert (visit.limits(settings).top_k, visit.limits(settings).task_seconds) == (2, 30.0)
    assert visit.limits(settings).plan_seconds == settings.plan_seconds


def visit_of(settings: Settings) -> TabSession:
    return TabSession(Session(Workspace.create(settings)))


def test_hosted_models_run_on_the_visitors_own_token_or_on_that_of_their_brain(settings: Settings) -> None:
    visit = visit_of(settings)
    assert visit.visitor(None, "1.2.3.4").token == ""
    visit.model = LanguageModel("big", HUGGING_FACE_URL, "hf_brain")
    assert visit.visitor(None, "1.2.3.4").token == "hf_brain"
    visit.token = "hf_own"
    assert visit.visitor(None, "1.2.3.4").token == "hf_own"
    visit.token, visit.model = "", LanguageModel("gpt", OPENAI_URL, KEY)
    assert visit.visitor(None, "1.2.3.4").token == ""


def test_the_owners_token_serves_those_who_have_none_so_many_times(settings: Settings) -> None:
    shared, visit = SharedToken("hf_owner", 1), visit_of(settings)
    visitor = visit.visitor(shared, "1.2.3.4")
    assert visitor.token == "hf_owner"
    visitor.count_call()
    with pytest.raises(HuggingGPTError, match="This page gives each visitor 1 hosted calls an hour"):
        visit.visitor(shared, "1.2.3.4").count_call()
    visit_of(settings).visitor(shared, "5.6.7.8").count_call()
    visit.token = "hf_own"
    own = visit.visitor(shared, "1.2.3.4")
    own.count_call()
    assert own.token == "hf_own"


def test_a_visit_never_prints_its_token(settings: Settings) -> None:
    visit = visit_of(settings)
    visit.token = "hf_visitor4711"
    visit.models = visit.visitor(None, "")
    assert "4711" not in repr(visit)


async def test_wishes_are_settled_one_after_the_other_and_leave_the_place_alone(settings: Settings) -> None:
    agent, visit = HuggingGPT([Quick()], fallback=Planner(), settings=settings), visit_of(settings)
    changes = [lambda wishes, n=n: wishes.ban(f"a/{n}") for n in range(5)]
    working = [asyncio.create_task(visit.settle(agent, change, None)) for change in changes]
    await asyncio.sleep(0)
    visit.place("here")
    await asyncio.gather(*working)
    assert visit.wishes.banned == {f"a/{n}" for n in range(5)}
    assert visit.wishes.placement == "here"


async def test_the_owners_token_is_not_shown_to_an_endpoint_that_a_visitor_names(settings: Settings, tmp_path: Path) -> None:
    with HostedServer(HubCache(tmp_path / "cache")) as server:
        hosted = HostedExpert(HubSearch(tmp_path / "kept", HubAddresses(*["http://127.0.0.1:9"] * 3)), CircuitBreaker())
        agent, visit = HuggingGPT([hosted], fallback=Planner(), settings=settings), visit_of(settings)
        shared, own = SharedToken("hf_owner", 1), server.endpoint("text-classification", public=True)
        await visit.settle(agent, lambda wishes: wishes.pin("text-classification", own), shared)
        plan = [{"task": "text-classification", "id": 0, "args": {"text": "A lovely day."}}]
        for _ in range(3):  # and it costs nothing of what the owner gives away
            stream = agent.run(
                "Do it.",
                visit.session,
                Planner([plan]),
                extra=[hosted.bind_visitor(visit.visitor(shared, "1.2.3.4"))],
                preferences=visit.wishes.preferences(),
            )
            events = [event async for event in stream]
            assert any(isinstance(event, TaskDone) for event in events)
        assert {asked.token for asked in server.asked} == {None}


def test_on_a_public_space_nothing_is_fetched_from_inside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = visit_of(settings)
    assert visit.visitor(None, "").allowed is None
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")
    allowed = visit.visitor(None, "").allowed
    assert allowed is not None
    assert not allowed("127.0.0.1")
