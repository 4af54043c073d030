"""One visitor's side of the page: the planner of their choice, and files that go when they go."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hugginggpt.agent import HuggingGPT, Session
from hugginggpt.catalog.hub import HubSearch
from hugginggpt.errors import HuggingGPTError
from hugginggpt.events import Event, Notice, TaskDone
from hugginggpt.experts.hosted import HostedExpert
from hugginggpt.experts.hosted.circuits import Circuits
from hugginggpt.hub_client import Places
from hugginggpt.language_model import HUGGING_FACE_URL, OPENAI_URL, LanguageModel
from hugginggpt.resources import Workspace
from hugginggpt.settings import Settings
from hugginggpt.shared_token import SharedToken
from hugginggpt.ui.chat import error_message
from hugginggpt.ui.visit import BUILT_IN, HUGGING_FACE, OPENAI, OTHER, Visit, close_visit, language_model
from tests.checkpoints import HubCache
from tests.conftest import Planner, Quick
from tests.hosted_server import HostedServer

KEY = "sk-visitor-0815-secret"


async def chosen(brain: str, key: str = "", token: str = "", url: str = "", model: str = "") -> LanguageModel | None:
    return await language_model(brain, key, token, url, model)


async def test_the_built_in_planner_needs_nothing_and_takes_nothing() -> None:
    assert await chosen(BUILT_IN, KEY, KEY, "http://127.0.0.1", "tiny") is None


async def test_each_brain_has_its_server_and_its_usual_model() -> None:
    openai, hugging_face = await chosen(OPENAI, KEY), await chosen(HUGGING_FACE, token=KEY)
    assert openai
    assert hugging_face
    assert (openai.server, openai.key) == ("api.openai.com", KEY)
    assert (hugging_face.server, hugging_face.key) == ("router.huggingface.co", KEY)
    assert openai.model
    assert hugging_face.model


async def test_a_key_is_sent_only_to_the_server_that_it_was_entered_for() -> None:
    hugging_face = await chosen(HUGGING_FACE, key=KEY, token="hf_1")
    assert hugging_face
    assert hugging_face.key == "hf_1"


async def test_blanks_around_what_was_pasted_are_taken_off() -> None:
    model = await chosen(OTHER, f" {KEY}\n", url=" http://127.0.0.1:11434/v1/ ", model=" tiny ")
    assert model == LanguageModel("tiny", "http://127.0.0.1:11434/v1", KEY)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"brain": OPENAI}, "Enter an OpenAI key first"),
        ({"brain": HUGGING_FACE, "key": KEY}, "Enter a Hugging Face token first"),
        ({"brain": OTHER, "model": "tiny"}, "Enter the server's base URL first"),
        ({"brain": OTHER, "model": "tiny", "url": "file:///etc/passwd"}, "The base URL is not valid"),
        ({"brain": OTHER, "model": "tiny", "url": "http://[/v1"}, "The base URL is not valid"),
        ({"brain": OPENAI, "key": "sk-1 2"}, "copy it again"),
        ({"brain": OTHER, "url": "http://127.0.0.1/v1"}, "Enter the name of the model"),
    ],
)
async def test_what_is_missing_is_asked_for(fields: dict[str, str], said: str) -> None:
    with pytest.raises(HuggingGPTError, match=said):
        await chosen(**fields)


async def test_on_a_public_space_a_private_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")
    for url in ("http://127.0.0.1:8000/v1", "http://169.254.169.254/v1", "http://[::1]/v1", "http://localhost/v1"):
        with pytest.raises(HuggingGPTError, match="private address"):
            await chosen(OTHER, url=url, model="tiny")


def test_a_visit_never_prints_its_key(settings: Settings) -> None:
    visit = Visit(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    assert KEY not in repr(visit)


def test_a_visit_that_is_closed_deletes_its_files(settings: Settings) -> None:
    workspace = Workspace.create(settings)
    close_visit(Visit(Session(workspace)))
    assert not workspace.folder.exists()
    close_visit(None)  # a tab in which nothing was asked


def test_a_visit_that_is_dropped_deletes_its_files(settings: Settings) -> None:
    visit: Visit | None = Visit(Session(Workspace.create(settings)))
    assert visit
    folder = visit.session.workspace.folder
    visit = None
    gc.collect()
    assert not folder.exists()


async def test_a_new_conversation_has_the_planner_of_the_old_one_and_none_of_its_files(settings: Settings) -> None:
    visit = Visit(Session(Workspace.create(settings)), LanguageModel("tiny", "http://127.0.0.1/v1", KEY))
    visit.transcript.append(error_message("Before."))
    old, model = visit.session.workspace.folder, visit.model
    await visit.renew(Session(Workspace.create(settings)))
    assert visit.model is model
    assert not visit.transcript
    assert not old.exists()
    assert visit.session.workspace.folder.exists()


async def test_a_stopped_visit_ends_the_stream_that_it_reads(settings: Settings) -> None:
    ended = []

    async def endless() -> AsyncGenerator[Event, None]:
        try:
            yield Notice("one")
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    visit, seen = Visit(Session(Workspace.create(settings))), []
    with visit.working():
        async for event in visit.until_stopped(endless()):
            seen.append(event)
            visit.stopping.set()
    assert seen == [Notice("one")]
    assert ended == [True]


async def test_a_new_conversation_waits_until_the_old_one_has_stopped(settings: Settings) -> None:
    visit = Visit(Session(Workspace.create(settings)))
    folder = visit.session.workspace.folder
    with visit.working():
        renewing = asyncio.create_task(visit.renew(Session(Workspace.create(settings))))
        await visit.stopping.wait()
        assert folder.exists()
    await renewing
    assert not folder.exists()


def visit_of(settings: Settings) -> Visit:
    return Visit(Session(Workspace.create(settings)))


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
    visitor.spend()
    with pytest.raises(HuggingGPTError, match="This page gives each visitor 1 hosted calls an hour"):
        visit.visitor(shared, "1.2.3.4").spend()
    visit_of(settings).visitor(shared, "5.6.7.8").spend()
    visit.token = "hf_own"
    own = visit.visitor(shared, "1.2.3.4")
    own.spend()
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
    assert visit.wishes.where == "here"


async def test_the_owners_token_is_not_shown_to_an_endpoint_that_a_visitor_names(settings: Settings, tmp_path: Path) -> None:
    with HostedServer(HubCache(tmp_path / "cache")) as server:
        hosted = HostedExpert(HubSearch(tmp_path / "kept", Places("http://127.0.0.1:9", "http://127.0.0.1:9")), Circuits())
        agent, visit = HuggingGPT([hosted], fallback=Planner(), settings=settings), visit_of(settings)
        shared, own = SharedToken("hf_owner", 1), server.endpoint("text-classification", public=True)
        await visit.settle(agent, lambda wishes: wishes.pin("text-classification", own), shared)
        plan = [{"task": "text-classification", "id": 0, "args": {"text": "A lovely day."}}]
        for _ in range(3):  # and it costs nothing of what the owner gives away
            stream = agent.run(
                "Do it.",
                visit.session,
                Planner([plan]),
                extra=[hosted.on_behalf(visit.visitor(shared, "1.2.3.4"))],
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
