"""A recording as one JSON text: every event with its time, every resource once, files as base64, no paths.

``{"format": "hugginggpt-trace", "version": 1, "stopped": false,
"events": [{"event": "TaskDone", "at": 1.234, "task_id": 0, …, "outputs": ["image-1"]}],
"resources": {"image-1": {"kind": "image", "file": "image-1.png", "type": "image/png", "base64": "…", …}}}``

`trace_reader.py` reads it.
"""

import base64
import json
import mimetypes
from collections.abc import Mapping
from typing import Any, Final

from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.export.json_codec import encode
from hugginggpt.ui.export.queries import list_resources

FORMAT: Final = "hugginggpt-trace"
VERSION: Final = 1
MEDIA_BYTES: Final = 48 * 2**20
"""Most bytes of files in one trace; what comes after is left out, and the trace says so."""


def write_trace(recording: Recording, *, media_bytes: int = MEDIA_BYTES) -> str:
    """Return the trace of a run as JSON; it can be written as UTF-8 and read again by `read_trace`.

    Args:
        recording: The run, whole or as far as it has come.
        media_bytes: How much of files it may hold, in bytes; a file that doesn't fit is left out, and its entry says why.
    """
    trace = {
        "format": FORMAT,
        "version": VERSION,
        "stopped": recording.stopped,
        "events": [
            {"event": type(event).__name__, "at": at, **encode(event)}
            for event, at in zip(recording.events, recording.times, strict=True)
        ],
        "resources": _list_entries(recording, media_bytes),
    }
    text = json.dumps(trace, ensure_ascii=False, allow_nan=False, indent=1)  # `encode` has removed NaN
    return text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair can't be written to a file


def _list_entries(recording: Recording, media_bytes: int) -> dict[str, Any]:
    entries, remaining = {}, media_bytes
    for resource in list_resources(recording.events):
        entry, taken = _make_entry(resource, remaining)
        remaining -= taken
        entries[resource.name] = entry
    return entries


def _make_entry(resource: Resource, remaining: int) -> tuple[dict[str, Any], int]:
    """Return the trace's entry for a resource, and how many bytes of its file it took."""
    entry: dict[str, Any] = {
        "kind": resource.kind.value,
        "origin": encode(resource.origin),
        "measure": resource.measure,
        "data": encode(resource.data),
    }
    if resource.file is not None:
        entry["facts"] = encode(resource.file)
    if resource.part_of:
        entry["part_of"] = resource.part_of
    file = {"file": f"{resource.name}{resource.path.suffix}"} if resource.path else {}
    if resource.text is not None:
        return entry | file | {"text": resource.text}, 0  # the text is the file
    if resource.path is None:
        return entry, 0
    entry |= file | {"type": guess_media_type(resource)}
    try:
        size = resource.path.stat().st_size
        if size > remaining:
            room = f"{remaining / 2**20:.1f} MB of the room for files were left"
            return entry | {"left_out": f"it has {size / 2**20:.1f} MB, and {room}"}, 0
        return entry | {"base64": base64.b64encode(resource.path.read_bytes()).decode("ascii")}, size
    except OSError as error:  # its session is over, and its files went with it
        return entry | {"left_out": f"its file can't be read ({error.strerror})"}, 0


_DEFAULT_TYPES: Final[Mapping[Kind, str]] = {
    Kind.IMAGE: "image/png",
    Kind.AUDIO: "audio/wav",
    Kind.VIDEO: "video/mp4",
    Kind.TABLE: "text/csv",
    Kind.TEXT: "text/plain",
}
_SUFFIXES: Final[Mapping[str, str]] = {".webp": "image/webp", ".flac": "audio/flac", ".m4a": "audio/mp4", ".md": "text/plain"}
"""Media types that some systems don't know or call otherwise."""


def guess_media_type(resource: Resource) -> str:
    """Return the media type of a resource's file: "image/png"; of its kind even where the suffix says something else."""
    suffix = resource.path.suffix.lower() if resource.path else ""
    usual = _DEFAULT_TYPES[resource.kind]
    found = _SUFFIXES.get(suffix) or mimetypes.guess_type(f"file{suffix}")[0] or usual
    return found if found.partition("/")[0] == usual.partition("/")[0] else usual
