"""Whatever somebody sends as a trace: it opens, or one sentence says why it doesn't, and nothing is left behind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.recording import Recording
from hugginggpt.core.tasks import load_task_table
from hugginggpt.core.trace import fold_steps, trace_json
from hugginggpt.ui.export.trace_reader import TRACE_BYTES, read_trace
from hugginggpt.ui.export.trace_writer import write_trace
from hugginggpt.workspace.workspace import Workspace

Change = Callable[[dict[str, Any]], object]


def refusal(trace: str | bytes, reader: Workspace) -> str:
    """Why a trace is refused: one sentence, and the workspace is empty."""
    with pytest.raises(HuggingGPTError) as refused:
        read_trace(trace, reader)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert reader.resources == ()
    assert [path for path in reader.folder.rglob("*") if path.is_file()] == []
    return sentence


@pytest.mark.parametrize(
    ("trace", "because"),
    [
        ("", "isn't JSON"),
        (b"\xff\xfe\x00", "isn't JSON"),
        ("{", "isn't JSON"),
        ("[]", "no trace"),
        ("12", "no trace"),
        ('{"format": "other"}', "no trace"),
        ('{"format": "hugginggpt-trace"}', "version another"),
        ('{"format": "hugginggpt-trace", "version": 2}', "version 2"),
        ('{"format": "hugginggpt-trace", "version": true}', "version True"),
        ('{"format": "hugginggpt-trace", "version": NaN}', "isn't JSON"),
        ("[" * 200_000, "isn't JSON"),
        ('{"format": "hugginggpt-trace", "version": 1, "events": ' + "[" * 500 + "]" * 500 + "}", "too deeply"),
        ('{"format": "hugginggpt-trace", "version": ' + "9" * 5_000 + "}", "isn't JSON"),
        ('{"format": "hugginggpt-trace", "version": 1}', "lacks events"),
        ('{"format": "hugginggpt-trace", "version": 1, "events": [], "resources": {}}', "begin with a request"),
    ],
)
def test_what_is_no_trace_is_refused(trace: str | bytes, because: str, reader: Workspace) -> None:
    assert because in refusal(trace, reader)


def test_a_trace_of_100_mb_is_refused_before_it_is_read(reader: Workspace) -> None:
    assert "larger than" in refusal("[" * (TRACE_BYTES + 1), reader)


def event(name: str, number: int = 0) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda trace: [each for each in trace["events"] if each["event"] == name][number]


def put(find: Callable[[dict[str, Any]], Any], key: Any, value: Any) -> Change:
    return lambda trace: find(trace).__setitem__(key, value)


def photo(trace: dict[str, Any]) -> Any:
    return trace["resources"]["image-1"]


def notes(trace: dict[str, Any]) -> Any:
    return trace["resources"]["text-1"]


def planned(trace: dict[str, Any]) -> Any:
    return event("Planned", 1)(trace)["plan"]["tasks"]


LONG_NAME, LONG_SENTENCE, LONG_TEXT = ("x" * (count + 1) for count in (2_000, 20_000, 200_000))


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (put(event("Notice"), "event", "Exploded"), "unknown here (“Exploded”)"),
        (put(event("Notice"), "event", ["Notice"]), "doesn't say what it is"),
        (put(event("Notice"), "at", "now"), "“now”, not a number"),
        (put(event("Notice"), "at", 0), "run backwards"),
        (put(event("Notice"), "at", 1e999), "isn't JSON"),
        (put(event("Notice"), "key", "hf_secret"), "has “key”, which is unknown"),
        (put(event("Notice"), "message", 5), "5, not a text"),
        (lambda trace: event("Notice")(trace).pop("message"), "lacks message"),
        (put(event("TaskDone"), "outputs", ["image-9"]), "“image-9”, which is not among the resources"),
        (put(event("TaskDone"), "outputs", ["/etc/passwd"]), "not among the resources"),
        (put(event("TaskDone"), "outputs", [{"name": "image-1", "path": "/etc/passwd"}]), "an object, which is not among"),
        (put(event("TaskDone"), "outputs", "image-1"), "not a list"),
        (put(event("TaskDone"), "task_id", 7), "tells of task 7"),
        (put(event("TaskDone"), "task_id", True), "not a whole number"),
        (put(event("TaskDone"), "seconds", None), "nothing, not a number"),
        (put(event("TaskSkipped"), "because", 99), "tells of task 99"),
        (put(event("RequestDone"), "usage", [{"stage": "magic"}]), "not one of plan, select"),
        (put(photo, "path", "/etc/passwd"), "has “path”, which is unknown"),
        (put(photo, "file", "../../etc/passwd.png"), "the file of image-1 is called"),
        (put(photo, "file", "image-2.png"), "the file of image-1 is called"),
        (put(photo, "base64", "&&&&"), "file of image-1 is damaged"),
        (put(photo, "base64", ""), "is empty"),
        (put(photo, "base64", "aGVsbG8gd29ybGQ="), "image-1.png"),
        (lambda trace: photo(trace).pop("base64"), "the file of image-1 is missing"),
        (put(photo, "kind", "audio"), "no audio is called “image-1”"),
        (put(photo, "kind", "pdf"), "not one of text, image"),
        (put(photo, "text", "hello"), "has a text, but is image"),
        (put(photo, "origin", {"source": "/etc", "label": "x"}), "not one of upload"),
        (put(notes, "base64", "aGVsbG8="), "has content, but no file"),
        (lambda trace: trace["resources"].update({"../x": photo(trace)}), "no image is called “../x”"),
        (put(lambda trace: trace, "resources", []), "not an object"),
        (put(lambda trace: planned(trace)[1], "id", 0), "two tasks with one id"),
        (put(lambda trace: planned(trace)[1], "task", "rm -rf"), "a task that is unknown here"),
        (put(lambda trace: planned(trace)[2], "dep", [5]), "waits for task 5"),
        (put(lambda trace: planned(trace)[2], "id", -4), "the id -4"),
        (put(lambda trace: planned(trace)[2], "args", {"text": "<resource>-2"}), "run in a circle"),
        (put(lambda trace: planned(trace)[2], "args", {"text": 5}), "not a list"),
        (put(lambda trace: event("TaskPlanned")(trace)["task"], "dep", [0]), "waits for task 0"),
        (put(event("RequestStarted"), "request", "x" * 1_000_001), "request has 1,000,001 characters"),
        (put(event("RequestStarted"), "controller", LONG_NAME), "controller has 2,001 characters"),
        (put(event("Notice"), "message", LONG_SENTENCE), "message has 20,001 characters"),
        (put(event("TaskFailed"), "error", LONG_SENTENCE), "error has 20,001 characters"),
        (put(event("TaskProgress"), "message", LONG_SENTENCE), "message has 20,001 characters"),
        (put(event("TaskDone"), "note", LONG_SENTENCE), "note has 20,001 characters"),
        (put(event("ModelSelected"), "reason", LONG_SENTENCE), "reason has 20,001 characters"),
        (put(event("Answered"), "answer", LONG_TEXT), "answer has 200,001 characters"),
        (put(event("AnswerDelta"), "text", LONG_TEXT), "text has 200,001 characters"),
        (put(lambda trace: event("TaskDone")(trace)["model"], "id", LONG_NAME), "model, id has 2,001 characters"),
        (put(lambda trace: planned(trace)[0]["args"], "image", LONG_TEXT), "image has 200,001 characters"),
        (put(lambda trace: planned(trace)[0]["args"], LONG_NAME, "x"), "a name in event"),
        (put(lambda trace: event("Planned", 1)(trace)["plan"], "notes", ["", LONG_SENTENCE]), "notes 1 has 20,001 characters"),
        (put(lambda trace: photo(trace)["origin"], "label", LONG_NAME), "label has 2,001 characters"),
        (put(photo, "measure", LONG_NAME), "measure has 2,001 characters"),
        (put(photo, "data", {"boxes": [{"label": LONG_TEXT}]}), "label has 200,001 characters"),
        (put(notes, "text", "x" * (16 * 2**20 + 1)), "text has 16,777,217 characters"),
        (lambda trace: trace["events"].insert(2, event("TaskPlanned")(trace) | {"at": 0.25}), "two tasks with one id"),
    ],
)  # fmt: skip
def test_a_trace_that_can_not_be_true_is_refused(change: Change, because: str, eventful: Recording, reader: Workspace) -> None:
    trace = json.loads(write_trace(eventful))
    change(trace)
    assert because in refusal(json.dumps(trace).replace("Infinity", "1e999" if "run" in because else "NaN"), reader)


def test_numbers_too_large_are_no_times(eventful: Recording, reader: Workspace) -> None:
    assert "not a number" in refusal(write_trace(eventful).replace('"seconds": 2.5', '"seconds": 1e999'), reader)


def test_a_trace_that_was_changed_anywhere_opens_or_is_refused(eventful: Recording, reader: Workspace) -> None:
    whole = write_trace(eventful)
    dice = random.Random(6)
    values: list[Any] = [None, True, -1, 10**30, 1.5, "", "image-1", "<resource>-9", [], {}, ["text-1"], {"a": []}]
    outcomes = set()
    for _ in range(300):
        trace = json.loads(whole)
        at: Any = trace
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = dice.choice(keys)
            if not isinstance(at[key], dict | list) or not at[key] or dice.random() < 0.1:
                break
            at = at[key]
        at[key] = dice.choice(values)
        try:
            again = read_trace(json.dumps(trace), reader)
        except HuggingGPTError:
            outcomes.add("refused")
        else:
            for count in range(len(again.events) + 1):
                assert all(step.task.task in load_task_table() for step in fold_steps(again.truncate(count).events))
            trace_json(again.events)
            outcomes.add("opened")
        reader.discard(reader.resources)
    assert outcomes == {"refused", "opened"}
