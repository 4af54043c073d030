"""Pages without text are read by the model that reads pictures, before the plan is made; what a file lacks is told."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.errors import ExpertError
from hugginggpt.core.events import Answered, Event, Notice, Planned, RequestProgress, RequestStarted
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.page_marks import join_pages, make_placeholder, split_pages
from hugginggpt.core.resources import FileFacts, Origin, Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.workspace.document_files import SCANNED_PAGE
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Planner, Quick, say


@dataclass
class Reader(Quick):
    """Reads what the picture is called; nothing on one called blank, and fails on one called torn."""

    backend: str = "bundled"

    def cards(self, tasks: Collection[str] | None = None) -> list[ModelCard]:
        return [replace(card, tags=("reading",)) for card in super().cards(tasks)]

    async def run(self, call: Call) -> Result:
        if call.card.task != "image-to-text":
            return await super().run(call)
        await asyncio.sleep(self.seconds)
        (picture,) = (value for value in call.inputs.values() if isinstance(value, Resource))
        if "torn" in picture.origin.label:
            raise ExpertError("It can't be read.")
        lines = [] if "blank" in picture.origin.label else [{"text": "x"}]
        return Result((Output(Kind.TEXT, text=f"Words of {picture.origin.label}", data={"lines": lines}),))


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return Session(workspace)


def add_scan(workspace: Workspace, names: dict[int, str], *, remarks: tuple[str, ...] = ()) -> Resource:
    """A document of which the named pages are pictures."""
    text = join_pages([(number, make_placeholder(number) if number in names else "Typed.") for number in (1, 2, 3)], "page", 3)
    path = workspace.new_path(".md")
    path.write_text(text)
    facts = FileFacts("PDF", 1, 3, remarks=remarks)
    document = workspace.add_resource(Resource("", Kind.TEXT, Origin("upload", "scan.pdf"), path, text, "3 pages", file=facts))
    for number, name in names.items():
        picture = workspace.new_path(".jpg")
        picture.write_bytes((MEDIA / "cat.jpg").read_bytes())
        origin, data = Origin("upload", name), {"page": number, SCANNED_PAGE: number}
        workspace.add_resource(Resource("", Kind.IMAGE, origin, picture, data=data, part_of=document.name))
    return document


async def run(session: Session, settings: Settings, document: Resource, reader: Quick) -> list[Event]:
    agent = HuggingGPT([reader], fallback=Planner(name="built in"), settings=settings)
    return [event async for event in agent.run("Sum it up.", session, Planner([[say(0, document.name)]]), [document])]


async def test_pages_that_are_pictures_are_read_once_and_before_the_plan(session: Session, settings: Settings) -> None:
    document = add_scan(session.workspace, {1: "front", 3: "blank"})
    events = await run(session, settings, document, Reader())
    told = [event for event in events if isinstance(event, Notice | RequestProgress | RequestStarted | Planned)]
    assert told[1:4] == [
        Notice("Pages 1 and 3 of “scan.pdf” are pictures; bundled/model reads them."),
        RequestProgress("bundled/model reads page 1 of “scan.pdf” (1 of 2)", 0.0),
        RequestProgress("bundled/model reads page 3 of “scan.pdf” (2 of 2)", 0.5),
    ]
    assert isinstance(told[0], RequestStarted)
    assert told[0].resources == (document,)  # the pages are no files of the person's
    assert isinstance(told[4], Planned)
    read = session.workspace.find(document.name)
    assert read is not None
    assert dict(split_pages(read.text or "")) == {
        "page 1": "Words of front", "page 2": "Typed.", "page 3": "[Page 3 is a picture without text.]",
    }  # fmt: skip
    again = await run(session, settings, document, Reader())
    assert not any(isinstance(event, RequestProgress) for event in again)
    assert any(isinstance(event, Answered) for event in again)


async def test_a_page_that_cannot_be_read_is_told_and_the_others_are_read(session: Session, settings: Settings) -> None:
    document = add_scan(session.workspace, {1: "torn", 2: "whole"}, remarks=("“scan.pdf”: Page 9 is damaged.",))
    events = await run(session, settings, document, Reader())
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == [
        "“scan.pdf”: Page 9 is damaged.",
        "Pages 1 and 2 of “scan.pdf” are pictures; bundled/model reads them.",
        "“scan.pdf”: page 1 could not be read.",
    ]
    read = session.workspace.find(document.name)
    assert read is not None
    assert "Words of whole" in (read.text or "")


async def test_without_a_model_that_reads_it_says_so(session: Session, settings: Settings) -> None:
    document = add_scan(session.workspace, {2: "front"})
    events = await run(session, settings, document, Quick())
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == ["Page 2 of “scan.pdf” is a picture, and no model that reads pictures is installed here."]


async def test_reading_stops_with_the_request_and_what_is_read_stays(session: Session, settings: Settings) -> None:
    document = add_scan(session.workspace, {1: "front", 2: "back"})
    agent = HuggingGPT([Slow()], fallback=Planner(name="built in"), settings=settings)
    stream = agent.run("Sum it up.", session, Planner([[say(0, document.name)]]), [document])
    async for event in stream:
        if isinstance(event, RequestProgress) and event.fraction:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    read = session.workspace.find(document.name)
    assert read is not None
    assert "Words of front" in (read.text or "")
    assert make_placeholder(2) in (read.text or "")


class Slow(Reader):
    """Never ends with the second page."""

    async def run(self, call: Call) -> Result:
        if any(isinstance(value, Resource) and value.origin.label == "back" for value in call.inputs.values()):
            await asyncio.Event().wait()
        return await super().run(call)


@pytest.mark.parametrize("text", ["", "One.", "## Not a page\n\nText."])
def test_a_text_without_marks_is_one_page_without_a_name(text: str) -> None:
    assert list(split_pages(text)) == ([("", text)] if text else [])


def test_a_path_is_never_told(session: Session, tmp_path: Path) -> None:
    document = add_scan(session.workspace, {1: "front"})
    assert str(session.workspace.folder) not in document.description
