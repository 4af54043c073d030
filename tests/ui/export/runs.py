"""Recordings to share: a real run, and one in which everything that can happen has happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.controllers.base import Controller
from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    AttemptFailed,
    Event,
    ModelRef,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestProgress,
    RequestStarted,
    ResourcesFetched,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
    Usage,
)
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.workspace import Workspace

FIRST = ModelRef("lab/first", "local")
SECOND = ModelRef("lab/second", "hosted", "fal-ai")
NASTY = """It's "quoted" — '''three''' \\ back\\nslash, <b>&amp;</b> {braces} </script><script>alert(1)</script>
\"\"\"second line\"\"\" 你好 \u2028 %s `code` image-1"""


def recorded(events: Sequence[Event], *, stopped: bool = False) -> Recording:
    """Events, one each quarter of a second."""
    return Recording(tuple(events), tuple(number / 4 for number in range(len(events))), stopped)


async def record(
    agent: HuggingGPT, session: Session, controller: Controller, text: str, attached: Sequence[Resource] = ()
) -> Recording:
    """A run of an agent."""
    return recorded([event async for event in agent.run(text, session, controller, attached)])


def everything(workspace: Workspace, folder: Path) -> Recording:
    """One of every kind of event, with one of every kind of resource that is easy to make, and words that hurt."""
    picture = folder / 'a <cat> & "dog".png'
    Image.new("RGB", (8, 6), "navy").save(picture)
    (folder / "notes.md").write_text(NASTY, encoding="utf-8")
    (folder / "people.csv").write_text("name,age\nAda,36\n<b>Bob</b>,41\n", encoding="utf-8")
    image, notes, people = (workspace.add_file(path) for path in (picture, folder / "notes.md", folder / "people.csv"))
    boxes = workspace.new_path(".png")
    Image.new("RGB", (4, 4), "red").save(boxes)
    origin = Origin("task", "object-detection", 0)
    marked = workspace.add_output(Kind.IMAGE, origin, path=boxes, data={"boxes": [[0, 1.5, 2, 3]], "counts": {"cat": 1}})
    said = workspace.add_output(Kind.TEXT, origin, text=NASTY)
    tasks = (
        Task("object-detection", 0, (), {"image": image.name}),
        Task("text-to-speech", 1, (0,), {"text": "<resource>-0"}),
        Task("summarization", 2, (1,), {"text": ("text-1", "text-2")}),
    )
    events: list[Event] = [
        RequestStarted(NASTY, (image, notes), "built-in planner"),
        TaskPlanned(tasks[0]),
        Planned(Plan(tasks[:2], ("Task 1: dep lacked 0.",)), 0.01),
        ApprovalAsked({0: (FIRST, SECOND)}, {1: "No model is here."}),
        ApprovalGiven(),
        ModelSelected(0, FIRST, "It is <quick>.", (FIRST, SECOND), "the shipped list"),
        TaskStarted(0, FIRST),
        TaskProgress(0, "half of image-1", 0.5),
        AttemptFailed(0, FIRST, "Out of memory."),
        TaskStarted(0, SECOND),
        TaskDone(0, SECOND, (marked, said), 1.25, "Boxes below 0.5 are left out."),
        TaskFailed(1, "No voice speaks <Klingon>.", 0.5),
        Planned(Plan(tasks), 0.02, "Task 1 failed."),
        TaskSkipped(2, "I could not clean the recording, because nothing was read aloud.", 1),
        ResourcesFetched((people,)),
        Notice("The rest of the plan is missing."),
        RequestProgress("PP-OCR reads page 2 of “a.pdf” (2 of 3)", 0.5),
        AnswerDelta("Wro", restarts=True),
        AnswerDelta("There is **a cat**", restarts=True),
        AnswerDelta(" in image-1."),
        Answered(
            f"There is **a cat** in image-1.\n\n{NASTY}\n\n![x](http://evil.example/x.png) [y](javascript:alert(1))", False
        ),
        RequestFailed("The disk is full."),
        RequestDone(2.5, (Usage("plan", 1, 100, 10, 0.5, 0.0123), Usage("work", 2, 5, 6))),
    ]
    return recorded(events, stopped=True)
