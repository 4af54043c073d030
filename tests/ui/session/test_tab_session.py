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
from hugginggpt.ui.session.tab_registry import TabSessions
from hugginggpt.ui.session.tab_session import TabSession, close_tab
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import Planner, Quick
from tests.hosted_server import HostedServer

KEY = "sk-visitor-0815-secret"
KEY_OF_PAGE = "0123456789abcdef" * 3


def test_a_visit_never_prints_its_key(settings: Settings) -> None:
    tab = TabSession(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    assert KEY not in repr(tab)


def test_a_visit_that_is_closed_deletes_its_files(settings: Settings) -> None:
    workspace = Workspace.create(settings)
    close_tab(TabSession(Session(workspace)))
    assert not workspace.folder.exists()
    close_tab(None)  # a tab in which nothing was asked


def test_a_visit_that_is_dropped_deletes_its_files(settings: Settings) -> None:
    tab: TabSession | None = TabSession(Session(Workspace.create(settings)))
    assert tab
    folder = tab.session.workspace.folder
    tab = None
    gc.collect()
    assert not folder.exists()


async def endless(ended: list[bool]) -> AsyncGenerator[Event, None]:
    try:
        yield Notice("one")
        await asyncio.sleep(60)
    finally:
        ended.append(True)


async def test_a_new_conversation_has_the_planner_of_the_old_one_and_none_of_its_files(settings: Settings) -> None:
    tab = TabSession(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    ended: list[bool] = []
    tab.start_run(BackgroundRun("Do it."), endless(ended))
    await asyncio.sleep(0)
    old, model = tab.session.workspace.folder, tab.model
    await tab.start_conversation(Session(Workspace.create(settings)))
    assert tab.model is model
    assert not tab.runs
    assert ended == [True]
    assert not old.exists()
    assert tab.session.workspace.folder.exists()


def test_a_reloaded_page_finds_its_visit_and_nobody_else_does(settings: Settings) -> None:
    tabs = TabSessions()
    tab = tabs.get_for_page("page", lambda: make_tab(settings))
    assert tabs.get_for_page("page", lambda: make_tab(settings)) is tab  # whichever of its first events comes first
    tabs.register(tab, KEY_OF_PAGE)
    assert tabs.find(KEY_OF_PAGE) is tab
    assert tabs.get_for_page("another page", lambda: make_tab(settings)) is not tab
    tabs.register(tab, "guessable")
    assert tabs.find("guessable") is None
    assert tabs.find("") is None


def test_what_the_boxes_say_as_a_request_is_sent_counts_where_it_is_stricter(settings: Settings) -> None:
    tab = make_tab(settings)
    tab.restrict("here", ask_first=True)
    assert (tab.preferences.placement, tab.ask_first) == ("here", True)
    tab.restrict("anywhere", ask_first=False)  # a page that was opened again, before it shows what was chosen
    assert (tab.preferences.placement, tab.ask_first) == ("here", True)


async def test_one_request_begins_at_a_time(settings: Settings) -> None:
    tab, ended = make_tab(settings), list[bool]()
    async with tab.claim() as first:
        assert first
        assert tab.is_busy
        async with tab.claim() as second:
            assert not second
        assert tab.is_busy  # who was refused has freed nothing
        tab.start_run(BackgroundRun("Do it."), endless(ended))
    assert tab.is_busy
    assert tab.has_just_begun  # a second click in this moment is the same one
    await tab.stop()
    assert not tab.is_busy


async def test_what_is_sent_in_the_moment_of_a_clear_belongs_to_the_new_conversation(settings: Settings) -> None:
    tab, cleared = make_tab(settings), asyncio.Event()

    async def slow() -> AsyncGenerator[Event, None]:
        try:
            yield Notice("one")
            await asyncio.sleep(60)
        finally:
            await cleared.wait()

    tab.start_run(BackgroundRun("Do it."), slow())
    await asyncio.sleep(0.01)
    new = Session(Workspace.create(settings))
    renewing = asyncio.create_task(tab.start_conversation(new))
    await asyncio.sleep(0.01)

    async def send() -> Session:
        async with tab.claim() as mine:
            assert mine
            return tab.session

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.01)
    assert not sending.done()
    cleared.set()
    assert await sending is new
    await renewing


async def test_a_visit_that_is_closed_works_no_more(settings: Settings) -> None:
    tab, ended = make_tab(settings), list[bool]()
    work = tab.start_run(BackgroundRun("Do it."), endless(ended))
    await asyncio.sleep(0.01)
    close_tab(tab)
    async for _ in work.follow():
        pass
    assert ended == [True]


def test_a_visit_stays_while_one_of_its_pages_is_there(settings: Settings) -> None:
    tabs = TabSessions()
    tab = tabs.get_for_page("page", lambda: make_tab(settings))
    tabs.register(tab, KEY_OF_PAGE)
    tabs.add_page(tab, "page, reloaded")
    assert tabs.get_for_page("page, reloaded", lambda: make_tab(settings)) is tab
    close_tab(tab)  # the first page's hour is over
    assert tabs.find(KEY_OF_PAGE) is tab
    assert tab.session.workspace.folder.exists()
    close_tab(tab)
    assert tabs.find(KEY_OF_PAGE) is None
    assert not tab.session.workspace.folder.exists()


def test_a_visitor_may_narrow_the_limits_of_the_deployment(settings: Settings) -> None:
    tab = make_tab(settings)
    assert tab.narrow_settings(settings) == settings
    tab.top_k, tab.task_seconds = 2, 30.0
    assert (tab.narrow_settings(settings).top_k, tab.narrow_settings(settings).task_seconds) == (2, 30.0)
    assert tab.narrow_settings(settings).plan_seconds == settings.plan_seconds


def make_tab(settings: Settings) -> TabSession:
    return TabSession(Session(Workspace.create(settings)))


def test_hosted_models_run_on_the_visitors_own_token_or_on_that_of_their_brain(settings: Settings) -> None:
    tab = make_tab(settings)
    assert tab.build_visitor(None, "1.2.3.4").token == ""
    tab.model = LanguageModel("big", HUGGING_FACE_URL, "hf_brain")
    assert tab.build_visitor(None, "1.2.3.4").token == "hf_brain"
    tab.token = "hf_own"
    assert tab.build_visitor(None, "1.2.3.4").token == "hf_own"
    tab.token, tab.model = "", LanguageModel("gpt", OPENAI_URL, KEY)
    assert tab.build_visitor(None, "1.2.3.4").token == ""


def test_the_owners_token_serves_those_who_have_none_so_many_times(settings: Settings) -> None:
    shared, tab = SharedToken("hf_owner", 1), make_tab(settings)
    visitor = tab.build_visitor(shared, "1.2.3.4")
    assert visitor.token == "hf_owner"
    visitor.count_call()
    with pytest.raises(HuggingGPTError, match="This page gives each visitor 1 hosted calls an hour"):
        tab.build_visitor(shared, "1.2.3.4").count_call()
    make_tab(settings).build_visitor(shared, "5.6.7.8").count_call()
    tab.token = "hf_own"
    own = tab.build_visitor(shared, "1.2.3.4")
    own.count_call()
    assert own.token == "hf_own"


def test_a_visit_never_prints_its_token(settings: Settings) -> None:
    tab = make_tab(settings)
    tab.token = "hf_visitor4711"
    tab.account = tab.build_visitor(None, "")
    assert "4711" not in repr(tab)


async def test_wishes_are_settled_one_after_the_other_and_leave_the_place_alone(settings: Settings) -> None:
    agent, tab = HuggingGPT([Quick()], fallback=Planner(), settings=settings), make_tab(settings)
    changes = [lambda wishes, n=n: wishes.ban(f"a/{n}") for n in range(5)]
    working = [asyncio.create_task(tab.change_preferences(agent, change, None)) for change in changes]
    await asyncio.sleep(0)
    tab.set_placement("here")
    await asyncio.gather(*working)
    assert tab.preferences.banned == {f"a/{n}" for n in range(5)}
    assert tab.preferences.placement == "here"


async def test_the_owners_token_is_not_shown_to_an_endpoint_that_a_visitor_names(settings: Settings, tmp_path: Path) -> None:
    with HostedServer(HubCache(tmp_path / "cache")) as server:
        hosted = HostedExpert(HubSearch(tmp_path / "kept", HubAddresses(*["http://127.0.0.1:9"] * 3)), CircuitBreaker())
        agent, tab = HuggingGPT([hosted], fallback=Planner(), settings=settings), make_tab(settings)
        shared, own = SharedToken("hf_owner", 1), server.endpoint("text-classification", public=True)
        await tab.change_preferences(agent, lambda wishes: wishes.pin("text-classification", own), shared)
        plan = [{"task": "text-classification", "id": 0, "args": {"text": "A lovely day."}}]
        for _ in range(3):  # and it costs nothing of what the owner gives away
            stream = agent.run(
                "Do it.",
                tab.session,
                Planner([plan]),
                extra=[hosted.bind_visitor(tab.build_visitor(shared, "1.2.3.4"))],
                preferences=tab.preferences.to_ranking(),
            )
            events = [event async for event in stream]
            assert any(isinstance(event, TaskDone) for event in events)
        assert {asked.token for asked in server.asked} == {None}


def test_on_a_public_space_nothing_is_fetched_from_inside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = make_tab(settings)
    assert tab.build_visitor(None, "").allowed is None
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")
    allowed = tab.build_visitor(None, "").allowed
    assert allowed is not None
    assert not allowed("127.0.0.1")
