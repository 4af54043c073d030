"""Selection of the pages that a request names, from the request to the plan and the answer."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.agent.page_selection import select_pages
from hugginggpt.controllers.base import PlanRequest, Turn
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.events import Answered, Event, Planned, RequestFailed, ResourcesFetched
from hugginggpt.core.page_marks import join_pages
from hugginggpt.core.resources import FileFacts, Origin, Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import Quick

PAGES = ["The rent is 850 pounds.", "Pets are not allowed.\nThe deposit is 1,200 pounds.", "Signed in Norwich."]


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return Session(workspace)


@pytest.fixture
def lease(workspace: Workspace) -> Resource:
    return add(workspace, "lease.pdf", "page")


def add(workspace: Workspace, label: str, unit: str) -> Resource:
    text = join_pages(list(enumerate(PAGES, 1)), unit, len(PAGES))
    path: Path = workspace.new_path(".md")
    path.write_text(text, encoding="utf-8")
    facts = FileFacts("PDF", 1, len(PAGES), unit)  # type: ignore[arg-type]
    return workspace.add_resource(Resource("", Kind.TEXT, Origin("upload", label), path, text, file=facts))


async def ask(session: Session, settings: Settings, request: str, *files: Resource) -> list[Event]:
    agent = HuggingGPT([Quick(backend="bundled")], fallback=RulesController(), settings=settings)
    events: AsyncIterator[Event] = agent.run(request, session, RulesController(), files)
    return [event async for event in events]


def texts_of(events: Sequence[Event], session: Session) -> list[str]:
    """List the names of the texts that the plan's tasks take."""
    (plan,) = (event.plan for event in events if isinstance(event, Planned))
    names = [name for task in plan.tasks for name in [task.args["text"]]]
    flat = [each for name in names for each in ([name] if isinstance(name, str) else name)]
    return [found.origin.label if (found := session.workspace.find(name)) else name for name in flat]


@pytest.mark.parametrize(
    ("request_", "labels"),
    [
        ("Read page 3 aloud", ["lease.pdf, page 3"]),
        ("Translate the second page into German", ["lease.pdf, page 2"]),
        ("On page 2, how much is the deposit?", ["lease.pdf, page 2"]),
        ("How much is the deposit on the last page?", ["lease.pdf, page 3"]),
        ("Sum up pages 1 to 2", ["lease.pdf, page 1", "lease.pdf, page 2"]),
        ("Translate the lease into German and read page 3 aloud", ["lease.pdf", "lease.pdf, page 3"]),
        ("Translate it into German", ["lease.pdf"]),
    ],
)
async def test_a_step_works_on_the_pages_that_its_words_name(
    session: Session, settings: Settings, lease: Resource, request_: str, labels: list[str]
) -> None:
    assert texts_of(await ask(session, settings, request_, lease), session) == labels


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("What does page 1 say?", "**lease.pdf, page 1**\n\n> The rent is 850 pounds."),
        ("Show me the last page, please.", "**lease.pdf, page 3**\n\n> Signed in Norwich."),
        ("What is written on page two?", "**lease.pdf, page 2**\n\n> Pets are not allowed.  \n> The deposit is 1,200 pounds."),
    ],
)
async def test_what_a_page_says_is_quoted_without_a_task(
    session: Session, settings: Settings, lease: Resource, request_: str, answer: str
) -> None:
    events = await ask(session, settings, request_, lease)
    assert [event.answer for event in events if isinstance(event, Answered)] == [answer]
    assert [len(event.resources) for event in events if isinstance(event, ResourcesFetched)] == [1], "exports know it"


async def test_a_page_that_is_not_there_is_refused_with_their_number(
    session: Session, settings: Settings, lease: Resource
) -> None:
    events = await ask(session, settings, "Read page 9 aloud", lease)
    (failed,) = (event for event in events if isinstance(event, RequestFailed))
    assert failed.error == "“lease.pdf” has 3 pages: there is no page 9 in it."


async def test_a_page_is_asked_for_later_and_does_not_take_the_documents_place(
    session: Session, settings: Settings, lease: Resource
) -> None:
    await ask(session, settings, "What does page 1 say?", lease)
    events = await ask(session, settings, "And what does page 3 say?")
    assert [event.answer for event in events if isinstance(event, Answered)] == [
        "**lease.pdf, page 3**\n\n> Signed in Norwich."
    ]
    await ask(session, settings, "What does page 1 say?", lease)
    assert texts_of(await ask(session, settings, "Translate it into German"), session) == ["lease.pdf"]
    assert len(session.workspace.resources) == 1 + 2 + 1, "a page is made once"


def test_units_are_told_apart(workspace: Workspace) -> None:
    talk = add(workspace, "talk.pptx", "slide")
    assert [page.text for page in select_pages(PlanRequest("Slide 2 and page 3", (talk,)), workspace)] == [PAGES[1]]
    later = PlanRequest("Read slide 3", (), (Turn("Sum it up.", "", (talk,)),))
    assert [page.origin.label for page in select_pages(later, workspace)] == ["talk.pptx, slide 3"]
    assert select_pages(PlanRequest("Read it", (talk,)), workspace) == ()
