"""Each parser of what somebody else wrote, with its largest inputs: none takes long, and none takes much memory."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.attacks.files import make_png
from hugginggpt.controllers.llm.json_reply import read_selections
from hugginggpt.controllers.llm.plan_stream import PlanStreamReader
from hugginggpt.core.bounded_body import BodyReader, JsonLimits
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.plan import split_references
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call
from hugginggpt.experts.csv_tables import read_rows
from hugginggpt.experts.labels import split_labels
from hugginggpt.hub.cache import read_checkpoint
from hugginggpt.ui.api.auth import _take_data, read_keys
from hugginggpt.ui.export.trace_reader import TRACE_BYTES, read_trace
from hugginggpt.ui.run_panel.share_link import read_link
from hugginggpt.ui.security.request_bodies import MAX_JSON_BYTES, check_body
from hugginggpt.ui.settings_panel.browser_storage import read_stored
from hugginggpt.workspace import file_types, media
from hugginggpt.workspace.html_text import extract_page_text
from hugginggpt.workspace.text_tables import find_tables
from hugginggpt.workspace.workspace import Workspace

MB = 2**20
SECONDS = 1.0
MARGIN = 3  # processor seconds grow, too, where other processes share the caches
PIXELS = Settings.model_fields["max_pixels"].default
HEAD = '{"format": "hugginggpt-trace", "version": 1, "resources": {}, "events": ['
STARTED = {"event": "RequestStarted", "at": 0, "request": "x", "resources": [], "controller": "c"}
TASKS = [{"task": "summarization", "id": n, "dep": [], "args": {"text": "x"}} for n in range(100)]
PLANNED = {"event": "Planned", "at": 0, "plan": {"tasks": TASKS, "notes": []}, "seconds": 0, "because": ""}
REPLY = 200_000  # the controller reads no longer ones


def fill(unit: str, size: int, head: str = "", tail: str = "") -> str:
    """A text of that size."""
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def repeated(units: Sequence[str], size: int, head: str = "", tail: str = "", *, encoded: bool = False) -> Mapping[str, Any]:
    """For each unit what makes a text of nothing else, of that size."""

    def make(unit: str) -> str | bytes:
        text = fill(unit, size, head, tail)
        return text.encode() if encoded else text

    return {unit: partial(make, unit) for unit in units}


class Place:
    """Where parsers find files."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self.folder, self.workspace = folder, workspace

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


Parse = Callable[[Place, Any], object]


@dataclass(frozen=True)
class Parser:
    """A parser, what it is given at most, and what it may need."""

    parse: Parse
    largest: Mapping[str, Callable[[], Any]]
    """Made when they are needed: together they take gigabytes."""
    megabytes: int = 100


def read_plan(place: Place, reply: str) -> None:
    reader = PlanStreamReader()
    for at in range(0, len(reply), 1_000):
        list(reader.feed(reply[at : at + 1_000]))
    list(reader.finish())


def read_events(place: Place, body: bytes) -> None:
    json_limits = JsonLimits(max_openings=10_000, max_commas=100_000)
    reader = BodyReader({"content-type": "text/event-stream"}, 16 * MB, max_event_bytes=MB, json_limits=json_limits)
    for at in range(0, len(body), 65_536):
        list(reader.feed(body[at : at + 65_536]))


def read_table(place: Place, text: str) -> None:
    path = place.write("table.csv", text)
    media.read_first_rows(path, 11)
    table = Resource("table-1", Kind.TABLE, Origin("upload", "table.csv"), path=path)
    read_rows(Call(ModelCard("model", "table-question-answering", "quick", ""), {"table": table}, place.workspace.new_path))


def read_page(place: Place, text: str) -> None:
    extract_page_text(text)


def read_file(place: Place, content: bytes) -> None:
    path = place.write("file", content)
    file_types.identify(path, "file", max_pixels=PIXELS)


def read_model(place: Place, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        place.write(f"model/{name}", content)
    read_checkpoint("owner/model", place.folder / "model")


def safetensors(header: str) -> bytes:
    return struct.pack("<Q", len(header)) + header.encode() + b"\0"


PARSERS: Mapping[str, Parser] = {
    "trace": Parser(
        lambda place, text: read_trace(text, place.workspace),
        {
            "lists": lambda: fill("[],", 72 * MB, HEAD, "[]]}"),
            "objects": lambda: fill('{"":{}},', 2 * MB, HEAD, "{}]}"),
            "open": lambda: fill("[", 200_000, HEAD),
            "plans": lambda: HEAD + json.dumps(STARTED) + "," + ",".join([json.dumps(PLANNED)] * 250) + "]}",
            "quotes": lambda: fill('"\\"', 40 * MB, HEAD),
            "faults": lambda: HEAD + '{"event":"TaskDone","at":0,"outputs":[' + fill("1,", 400_000) + "1]}]}",
            "faults in a union": lambda: (
                HEAD
                + '{"event":"TaskPlanned","at":0,"task":{"task":"x","id":0,"args":{"text":['
                + fill("1,", 400_000)
                + "1]}}}]}"
            ),
            "too long": lambda: fill("[", TRACE_BYTES + 1),
        },
        megabytes=180,
    ),
    "body of a call": Parser(
        lambda place, body: check_body(body),
        repeated(("[],", "[", '{"a":', '"a",', "1,", '{"":[]},', " ", '"\\u0000",'), MAX_JSON_BYTES, "[", "0]", encoded=True),
        megabytes=120,
    ),
    "plan": Parser(
        read_plan,
        repeated(("[", "{", "[]", '{"a":', '{"task":"x"},', '"', "\\", "[{", "ab", '{"answer":"', "'", "```json\n["), REPLY),
    ),
    "plan in a list": Parser(read_plan, repeated(('{"id":0},{"task":"x"},', '{"task":"x","id":1},', "[],"), REPLY, "[")),
    "selections": Parser(lambda place, reply: read_selections(reply), repeated(("[", '{"id":', '{"id":1}', "[{"), REPLY)),
    "references": Parser(
        lambda place, text: list(split_references(text)),
        {
            **repeated((" ",), REPLY, "<resource>"),
            **repeated(("< ", "<", "<resource> ", "<resource - "), REPLY),
            "blanks in a tag": partial(fill, " ", REPLY, "<resource"),
            "digits": partial(fill, "9", REPLY, "<resource>-"),
        },
    ),
    "events of a reply": Parser(
        read_events, repeated(("\n", "\n\n", "data: {},\n", "data: {}\n\n", "a", "[", "\r\n\r"), 16 * MB, encoded=True)
    ),
    "labels": Parser(
        lambda place, text: split_labels(text),
        {
            **repeated(("[", '"', " and", "“a", ", "), 20_000, tail="b"),
            "blanks": partial(fill, " ", 20_000, "a", "b"),
            "too long": partial(fill, "a,", 64 * MB),
        },
    ),
    "web page": Parser(
        read_page,
        repeated(
            ("<", "<a ", "<p>", "<a b=1>", "<b a a a a a a a a a a a>", "&#1;", "<!--", "x", "</p>" + "x" * 50),
            2 * MB,
            "<html>",
            ">",
        ),
    ),
    "tables of a text": Parser(
        lambda place, text: find_tables(text),
        repeated(("|", "|-", "-|-\n", "a|b\n", '"\n', "a,\n", "|---|---|\n", "*_`|", "\\|"), MB, "a|b\n-|-\n"),
        megabytes=150,
    ),
    "table": Parser(
        read_table,
        {
            "cells": lambda: fill(",", 16 * MB),
            "rows": lambda: fill("1\n", 2 * MB),
            "a wide header": lambda: fill(",", 100_000) + "\n" + fill("x\n", 200_000),
            "quotes": lambda: fill('"', 16 * MB),
            "quoted rows": lambda: fill('"a\n"', 8 * MB),
        },
        megabytes=200,
    ),
    "text": Parser(
        read_file,
        {
            "too long": lambda: b"a" * (64 * MB),
            "of four bytes each": lambda: "🙂".encode() * (4 * MB - 1),
            "one letter of four bytes": lambda: b"a" * (15 * MB) + "🙂".encode(),
            "no text": lambda: b"a" * (15 * MB) + b"\xff",
        },
        megabytes=150,
    ),
    "picture": Parser(
        read_file,
        {
            "more pixels than are taken": lambda: make_png(PIXELS, 2),
            "as many as are taken": lambda: make_png(8_000, PIXELS // 8_000, data=bytes(1_001 * (PIXELS // 8_000))),
            "of no data": lambda: make_png(8_000, PIXELS // 8_000),
        },
        megabytes=220,
    ),
    "model": Parser(
        read_model,
        {
            "configuration": lambda: {"config.json": fill("[],", 16 * MB - 8, '{"a":[', "[]]}")},
            "nesting": lambda: {"config.json": fill("[", 100_000)},
            "too long": lambda: {"config.json": " " * 17 * MB},
            "header of weights": lambda: {
                "config.json": "{}",
                "model.safetensors": safetensors(fill('"a":{},', 16 * MB, "{", '"b":{}}')),
            },
            "card": lambda: {
                "config.json": "{}",
                "model.safetensors": safetensors("{}")[:-1],
                "README.md": fill("- a\n", 50_000, "---\na:\n", "---\n"),
            },
            "card of brackets": lambda: {"config.json": "{}", "README.md": fill("[", 10 * MB, "---\n")},
        },
        megabytes=150,
    ),
    "data: text": Parser(
        lambda place, text: _take_data(place.workspace, text, 64 * MB),
        {"of nothing": lambda: "data:image/png;base64," + "A" * 60 * MB, "too long": lambda: "data:;base64," + "A" * 90 * MB},
        megabytes=180,
    ),
    "headers": Parser(
        lambda place, text: read_keys({"X-HF-Token": text, "Authorization": text}), repeated((" ", "hf_", "Bearer "), 64_000)
    ),
    "link": Parser(lambda place, text: read_link(text), repeated(("&", "a=b&", "%f"), 64_000)),
    "what a browser keeps": Parser(lambda place, text: read_stored(text), repeated(("[", '{"a":', "[],"), 10_000)),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = Settings(sessions=tmp_path / "sessions")
    with Workspace.create(settings) as workspace:
        yield Place(tmp_path, workspace)


@pytest.fixture(scope="module", autouse=True)
def loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is imported late is no memory of a parser's."""
    import av  # noqa: F401

    Image.init()


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, parser in PARSERS.items() for case in parser.largest])
def test_the_largest_input_of_each_parser_is_read_or_refused_in_a_moment(name: str, case: str, place: Place) -> None:
    parser = PARSERS[name]
    given = parser.largest[case]()
    before = restart_peak()
    begun = time.process_time()
    with suppress(HuggingGPTError):
        parser.parse(place, given)
    seconds = time.process_time() - begun
    assert seconds < SECONDS * MARGIN, f"{name}, {case}: {seconds:.2f} s"
    assert read_status("VmHWM") - before < parser.megabytes, f"{name}, {case}: {read_status('VmHWM') - before:.0f} MB"


def restart_peak() -> float:
    """Have the kernel count the peak of this process's memory anew; megabytes that it has now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return read_status("VmHWM")


def read_status(field: str) -> float:
    """A figure of this process in megabytes; 0 where the system doesn't tell."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
    return 0.0


def test_what_fits_is_still_read(place: Place) -> None:
    assert extract_page_text("<html><p>" + "word " * 50_000) != ""
    table = place.write("table.csv", "a,b\n" + "1,2\n" * 100_000)
    assert len(media.read_first_rows(table, 11)) == 11
    assert file_types.identify(place.write("a.txt", "x" * (15 * MB)), "a.txt", max_pixels=1)[1] == ".txt"
    assert check_body(json.dumps({"data": ["a,b,[" * 100_000]}).encode()) is None  # signs inside a text are no values
