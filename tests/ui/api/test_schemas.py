"""The API sends a run's results within bounds."""

from __future__ import annotations

from hugginggpt.core.events import Answered, Event, ModelRef, RequestStarted, TaskDone, TaskPlanned
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Origin
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.api.schemas import build_run_result
from hugginggpt.workspace.workspace import Workspace


def test_of_a_long_text_the_beginning_is_sent_and_what_a_task_made_has_a_file(workspace: Workspace) -> None:
    long = "word " * 40_000
    given = workspace.add_output(Kind.TEXT, Origin("upload", "book.txt"), text=long)
    made = workspace.add_output(Kind.TEXT, Origin("task", "summarization", 0), text=long, data={"sentences": [long]})
    events: list[Event] = [
        RequestStarted("Summarise it.", (given,), "somebody"),
        TaskPlanned(Task("summarization", 0)),
        TaskDone(0, ModelRef("model", "bundled"), (made,), 0.1),
        Answered("It is long."),
    ]
    sent_given, sent_made = build_run_result(events)["resources"]
    assert "file" not in sent_given
    assert sent_made["file"]["orig_name"] == "text-2.txt"
    for text in (sent_given["text"], sent_made["text"], sent_made["data"]["sentences"][0]):
        assert len(text) < 100_010
        assert text.endswith("word …")
