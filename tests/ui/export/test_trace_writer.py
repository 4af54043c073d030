"""A trace holds the whole run and nothing else; opened again it is the same run."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import Event, RequestStarted, TaskDone
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.core.trace import answer_text, fold_steps
from hugginggpt.ui.export.queries import list_resources
from hugginggpt.ui.export.trace_reader import read_trace
from hugginggpt.ui.export.trace_writer import guess_media_type, write_trace
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA
from tests.ui.export.runs import recorded


def bare(value: Any) -> Any:
    """An event, with the content of files in the place of their paths."""
    if isinstance(value, Path):
        return value.read_bytes()
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, {field.name: bare(getattr(value, field.name)) for field in fields(value)})
    return tuple(bare(item) for item in value) if isinstance(value, tuple) else value


def same(one: Recording, other: Recording) -> bool:
    return (one.times, one.stopped) == (other.times, other.stopped) and bare(one.events) == bare(other.events)


def test_a_real_run_is_the_same_after_it_was_saved_and_opened(run: Recording, reader: Workspace) -> None:
    again = read_trace(write_trace(run), reader)
    assert bare(again.events) == bare(run.events)
    assert [step.status for step in fold_steps(again.events)] == ["done"] * len(fold_steps(run.events))
    assert answer_text(again.events) == answer_text(run.events) != ""
    assert all(reader.folder in r.path.parents for r in list_resources(again.events) if r.path)


def test_every_kind_of_event_is_saved_and_opened(eventful: Recording, reader: Workspace) -> None:
    assert {type(event) for event in eventful.events} == set(get_args(Event))
    again = read_trace(write_trace(eventful).encode(), reader)
    assert same(again, eventful)
    assert write_trace(again) == write_trace(eventful)


def test_a_run_can_be_saved_at_every_moment_of_it(eventful: Recording, reader: Workspace) -> None:
    for count in range(1, len(eventful.events)):
        part = eventful.truncate(count)
        assert same(read_trace(write_trace(part), reader), part)
        reader.discard(reader.resources)


def test_no_path_is_in_a_trace(eventful: Recording, workspace: Workspace, tmp_path: Path) -> None:
    text = write_trace(eventful)
    assert str(tmp_path) not in text
    assert workspace.folder.name not in text
    assert '"path"' not in text


def test_names_that_are_taken_are_replaced_in_events_and_words(eventful: Recording, reader: Workspace) -> None:
    reader.add_file(MEDIA / "cat.jpg")
    again = read_trace(write_trace(eventful), reader)
    started, done = again.events[0], next(e for e in again.events if isinstance(e, TaskDone))
    assert isinstance(started, RequestStarted)
    taken = started.resources[0].name
    assert taken not in {"image-1", "image-2"}
    assert [r.name for r in done.outputs] == ["image-2", "text-2"]
    assert fold_steps(again.events)[0].task.args == {"image": taken}
    assert f"in {taken}." in answer_text(again.events)
    assert f"`code` {taken}" in started.request
    text = done.outputs[1].text
    assert text is not None
    assert text.endswith("image-1"), "what a model wrote stays as it was"


def test_what_is_made_next_takes_no_name_of_an_opened_run(eventful: Recording, reader: Workspace) -> None:
    read_trace(write_trace(eventful), reader)
    assert reader.add_file(MEDIA / "cat.jpg").name == "image-3"


def test_files_beyond_the_limit_are_left_out_and_the_trace_says_so(eventful: Recording, reader: Workspace) -> None:
    text = write_trace(eventful, media_bytes=10)
    entries = json.loads(text)["resources"]
    assert "room for files" in entries["image-1"]["left_out"]
    again = read_trace(text, reader)
    photo = again.events[0].resources[0]  # type: ignore[union-attr]
    assert (photo.path, photo.measure) == (None, "8 × 6, left out of the trace")


def test_a_file_that_is_gone_is_left_out(eventful: Recording) -> None:
    (photo, *_) = list_resources(eventful.events)
    assert photo.path
    photo.path.unlink()
    assert "can't be read" in json.loads(write_trace(eventful))["resources"]["image-1"]["left_out"]


def test_numbers_that_json_lacks_become_null(reader: Workspace) -> None:
    text = Resource("text-1", Kind.TEXT, Origin("task", "t", 0), text="\ud800", data={"score": float("nan"), "of": (1, 2)})
    run = recorded([RequestStarted("x", (text,), "me")])
    (again,) = list_resources(read_trace(write_trace(run), reader).events)
    assert (again.text, again.data) == ("?", {"score": None, "of": [1, 2]})


@pytest.mark.parametrize(
    ("kind", "suffix", "type_"),
    [
        (Kind.IMAGE, ".webp", "image/webp"),
        (Kind.IMAGE, ".html", "image/png"),
        (Kind.AUDIO, ".wav", "audio/x-wav"),
        (Kind.AUDIO, ".mp4", "audio/wav"),
        (Kind.VIDEO, ".mp4", "video/mp4"),
        (Kind.TABLE, ".csv", "text/csv"),
    ],
)
def test_a_file_is_served_as_what_its_kind_is(kind: Kind, suffix: str, type_: str) -> None:
    resource = Resource(f"{kind.value}-1", kind, Origin("upload", "x"), path=Path(f"x{suffix}"))
    assert guess_media_type(resource).replace("audio/x-wav", "audio/wav") == type_.replace("audio/x-wav", "audio/wav")


def test_a_run_whose_events_are_copied_is_refused(eventful: Recording, reader: Workspace) -> None:
    twice = replace(eventful, events=eventful.events * 2, times=(*eventful.times, *(t + 9 for t in eventful.times)))
    with pytest.raises(RequestError, match="second request"):
        read_trace(write_trace(twice), reader)
