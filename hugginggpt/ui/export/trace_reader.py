"""Reader of traces from anybody: nothing in one is trusted until it has been validated."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn, get_args

from hugginggpt.core.errors import HuggingGPTError, RequestError
from hugginggpt.core.events import Event
from hugginggpt.core.json_text import JsonError, TooManyValuesError, parse_json
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import NAME_PATTERN, FileFacts, Origin, Resource
from hugginggpt.core.tasks import Kind, TaskTable, load_task_table
from hugginggpt.ui.export.event_validation import check_sequence
from hugginggpt.ui.export.json_codec import MAX_CHARS, ShapeError, decode, map_event
from hugginggpt.ui.export.trace_writer import FORMAT, MEDIA_BYTES, VERSION
from hugginggpt.workspace.media import MAX_TEXT_BYTES
from hugginggpt.workspace.resource_copy import copy_resource
from hugginggpt.workspace.workspace import Workspace

TRACE_BYTES: Final = MEDIA_BYTES * 4 // 3 + 8 * 2**20  # base64 takes 4/3; 8 MB for all else
"""The longest trace that is opened, in bytes of UTF-8."""
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_EVENTS: Final = 20_000
_MAX_VALUES: Final = 200_000  # in all; those of one event are few, those of what models found (boxes, words) may be many
_MAX_DEPTH: Final = 60
_MAX_ENTRY_CHARS: Final[Mapping[str, int]] = {**MAX_CHARS, "base64": TRACE_BYTES, "text": MAX_TEXT_BYTES}
_RESOURCE_NAME: Final = re.compile(r"(image|audio|video|text|table)-\d{1,6}")
_FILE_NAME: Final = re.compile(r"[a-z]+-\d{1,6}(\.[a-z0-9]{1,8})?", re.ASCII)  # no slash, so no folder
_EVENTS: Final[Mapping[str, type]] = {kind.__name__: kind for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class _TraceEntry:
    """A trace's entry for one resource."""

    kind: Kind
    origin: Origin
    measure: str = ""
    data: Mapping[str, Any] | None = None
    text: str | None = None
    file: str | None = None
    type: str | None = None
    base64: str | None = None
    left_out: str | None = None
    facts: FileFacts | None = None
    part_of: str = ""


@dataclass(frozen=True, slots=True)
class _Trace:
    """The outermost object of a trace."""

    format: Literal["hugginggpt-trace"]
    version: int
    events: tuple[Any, ...]
    resources: Mapping[str, _TraceEntry]
    stopped: bool = False


def read_trace(
    trace: str | bytes, workspace: Workspace, *, table: TaskTable | None = None, max_pixels: int = 50_000_000
) -> Recording:
    """Return the run that a trace holds; its resources are put into the workspace.

    A resource keeps its name where that is free; where it isn't, it gets the next one, in all events and their words too.

    Args:
        trace: A text of `write_trace`, or what somebody says is one.
        workspace: Of the session that opens it.
        table: The task types that are known; by default the shipped ones.
        max_pixels: Pictures with more are refused before they are decoded.

    Raises:
        RequestError: The trace can't be opened; the workspace is unchanged.
        ResourceError: A file in it can't be used; the workspace is unchanged.
    """
    try:
        whole = decode(_Trace, _parse(trace), "the trace", {}, _MAX_ENTRY_CHARS)
        entries: Mapping[str, _TraceEntry] = whole.resources
        named = {name: _make_resource(name, entry) for name, entry in entries.items()}
        events, times = _read_events(whole.events, named)
        check_sequence(events, times, table or load_task_table())  # before a file is written
    except ShapeError as error:
        raise RequestError(f"This trace can't be opened: {error}.") from error
    copied = _copy_all(named, entries, workspace, max_pixels)
    renamed = {name: resource.name for name, resource in copied.items() if name != resource.name}
    changed = (map_event(event, _make_renamer(renamed), lambda resource: copied[resource.name]) for event in events)
    return Recording(tuple(changed), tuple(times), whole.stopped)


def _parse(trace: str | bytes) -> Any:
    """Parse the JSON and check that it is a trace of a known version, before anything else in it is read.

    Raises:
        RequestError: It is no such trace.
    """
    limit = f"This trace is larger than {TRACE_BYTES / 2**20:.0f} MB, which is the most that is opened."
    if len(trace) > TRACE_BYTES:
        raise RequestError(limit)
    try:
        whole = parse_json(trace, max_values=_MAX_VALUES, parse_constant=_refuse_constant)  # Python alone takes NaN, Infinity
    except TooManyValuesError as error:
        raise ShapeError(f"it {error}, which is the most that is read") from error
    except JsonError as error:
        raise RequestError("This file is no trace: it isn't JSON, or it is cut off.") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise RequestError("This file is JSON, but no trace of this program.")
    if (version := whole.get("version")) != VERSION or isinstance(version, bool):  # True equals 1
        known = f"this program opens version {VERSION}"
        found = str(version)[:20] if isinstance(version, int | str) else "another"
        raise RequestError(f"This trace is of version {found}; {known}: save it again with the same program.")
    _check_depth(whole)
    if _LONE_SURROGATE.search(json.dumps(whole, ensure_ascii=False)):
        raise ShapeError("a text in it holds half a letter")
    return whole


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _check_depth(whole: Any) -> None:
    """Refuse values that are nested so deeply that a recursive walk would overflow the stack."""
    level = [whole]
    for _ in range(_MAX_DEPTH):  # level by level: recursion is what it guards against
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise ShapeError("something in it is nested too deeply")


def _make_resource(name: str, entry: _TraceEntry) -> Resource:
    """Return a resource whose file is still to be written."""
    if not _RESOURCE_NAME.fullmatch(name) or name.partition("-")[0] != entry.kind.value:
        raise ShapeError(f"no {entry.kind.value} is called “{name[:60]}”")
    if entry.file is not None and (not _FILE_NAME.fullmatch(entry.file) or entry.file.partition(".")[0] != name):
        raise ShapeError(f"the file of {name} is called “{entry.file[:60]}”")
    if entry.text is not None and entry.kind is not Kind.TEXT:
        raise ShapeError(f"{name} has a text, but is {entry.kind.value}")
    if entry.base64 is not None and (entry.file is None or entry.text is not None):
        raise ShapeError(f"{name} has content, but no file that it belongs to")
    if entry.file is not None and entry.text is None and entry.base64 is None and entry.left_out is None:
        raise ShapeError(f"the file of {name} is missing")
    remark = "left out of the trace" if entry.left_out is not None else ""
    measure = ", ".join(filter(None, [entry.measure, remark]))
    about = Resource(name, entry.kind, entry.origin, text=entry.text, measure=measure, data=entry.data or {})
    return replace(about, file=entry.facts, part_of=entry.part_of)


def _read_events(raw: Sequence[Any], named: Mapping[str, Resource]) -> tuple[list[Event], list[float]]:
    if len(raw) > _MAX_EVENTS:  # before the work that grows with them
        raise ShapeError(f"it has more than {_MAX_EVENTS:,} events")
    events: list[Event] = []
    times: list[float] = []
    for number, each in enumerate(raw):
        where = f"event {number}"
        if not isinstance(each, dict) or not isinstance(name := each.get("event"), str):
            raise ShapeError(f"{where} doesn't say what it is")
        if (kind := _EVENTS.get(name)) is None:
            raise ShapeError(f"{where} is of a kind that is unknown here (“{name[:60]}”)")
        times.append(decode(float, each.get("at"), f"{where}, at", {}))
        rest = {key: value for key, value in each.items() if key not in {"event", "at"}}
        events.append(decode(kind, rest, f"{where} ({name})", named))
    return events, times


def _copy_all(
    named: Mapping[str, Resource], entries: Mapping[str, _TraceEntry], workspace: Workspace, max_pixels: int
) -> Mapping[str, Resource]:
    """Return all resources in the workspace, by their names in the trace; none where one of them can't be used."""
    copied: dict[str, Resource] = {}
    taken = {resource.name for resource in workspace.resources}
    try:
        for name, resource in sorted(named.items(), key=lambda item: item[0] in taken):  # new names come after all that stay
            copied[name] = _copy(resource, entries[name], workspace, max_pixels)
    except HuggingGPTError:
        workspace.discard(copied.values())  # all or nothing
        raise
    return copied


def _copy(resource: Resource, entry: _TraceEntry, workspace: Workspace, max_pixels: int) -> Resource:
    if entry.file is None or entry.left_out is not None:
        return copy_resource(resource, workspace)
    part = workspace.new_path(".part")
    try:
        part.write_bytes(_decode_content(resource, entry))
        return copy_resource(replace(resource, path=part), workspace, entry.file, max_pixels=max_pixels)
    except OSError as error:
        raise RequestError(f"The files of this trace can't be stored ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)


def _decode_content(resource: Resource, entry: _TraceEntry) -> bytes:
    if entry.base64 is None:
        return (resource.text or "").encode("utf-8", "replace")
    try:
        return base64.b64decode(entry.base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"This trace can't be opened: the file of {resource.name} is damaged.") from error


def _make_renamer(renamed: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that writes the new names into a text, all at once."""
    if not renamed:
        return lambda text: text
    # in one pass, so that names may swap
    return lambda text: NAME_PATTERN.sub(lambda found: renamed.get(found[0], found[0]), text)
