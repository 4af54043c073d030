"""Transcripts as the output of recognizers: plain text, or subtitles (SubRip and WebVTT) where those are asked for."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result

FORMATS: Final = ("srt", "vtt")
"""Formats of subtitles: SubRip, which most players read, and WebVTT of the Web."""
_LINE_CHARS, _CUE_LINES = 42, 2  # longest line and most lines of a cue, as broadcasters have them


def build_transcript_result(
    call: Call, segments: Sequence[Mapping[str, Any]], data: Mapping[str, Any], note: str = "", *, text: str = ""
) -> Result:
    """Build a recognizer's result: one text, or a file of subtitles if the call's ``instruction`` asks for one.

    Args:
        call: The call.
        segments: In order, each with ``start`` and ``end`` in seconds, and ``text``.
        data: What else is known; the segments are added.
        note: A sentence for the person.
        text: The whole transcript; by default the segments' texts.
    """
    found = {"segments": [dict(segment) for segment in segments], **data}
    form = find_subtitle_format(str(call.inputs.get("instruction") or ""))
    if not form:
        joined = text or " ".join(str(segment["text"]) for segment in segments)
        return Result((Output(Kind.TEXT, text=joined, data=found),), note=note)
    subtitles = format_subtitles(segments, form)
    path = call.new_path(f".{form}")
    path.write_text(subtitles, encoding="utf-8")
    return Result((Output(Kind.TEXT, text=subtitles, path=path, data=found | {"format": form}),), note=note)


def find_subtitle_format(words: str) -> str:
    """Find the format of subtitles that words ask for: "srt", "as VTT", "subtitles"; empty where they ask for none."""
    lower = words.lower()
    if "vtt" in lower:
        return "vtt"
    return "srt" if any(word in lower for word in ("srt", "subrip", "subtitle", "caption", "time")) else ""


def format_subtitles(segments: Sequence[Mapping[str, Any]], form: str) -> str:
    """Return segments as the text of a file of subtitles.

    >>> print(format_subtitles([{"start": 0.5, "end": 2.25, "text": "Good morning."}], "srt"))
    1
    00:00:00,500 --> 00:00:02,250
    Good morning.
    <BLANKLINE>
    """
    comma = "," if form == "srt" else "."
    cues = [cue for segment in segments for cue in _split_cue(segment)]
    if form == "vtt":
        cues = [(start, end, html.escape(text, quote=False)) for start, end, text in cues]
    blocks = [
        f"{number}\n{_format_stamp(start, comma)} --> {_format_stamp(end, comma)}\n{text}\n"
        for number, (start, end, text) in enumerate(cues, 1)
    ]
    return "\n".join(blocks if form == "srt" else ["WEBVTT\n", *blocks])


def format_time(seconds: float) -> str:
    """Return a time as people write it: "0:07", "1:02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _split_cue(segment: Mapping[str, Any]) -> list[tuple[float, float, str]]:
    """Split a segment into cues that can be read at once, its time by their lengths."""
    text = " ".join(str(segment["text"]).replace("-->", "→").split())  # an arrow ends what it stands in
    start, end = float(segment["start"]), float(segment["end"])
    lines = textwrap.wrap(text, _LINE_CHARS)
    cues: list[tuple[float, float, str]] = []
    said, total = 0, sum(map(len, lines)) or 1
    for first in range(0, len(lines), _CUE_LINES):
        shown = lines[first : first + _CUE_LINES]
        begun, said = said, said + sum(map(len, shown))
        length = end - start
        cues.append((start + length * begun / total, start + length * said / total, "\n".join(shown)))
    return cues


def _format_stamp(seconds: float, comma: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{comma}{milliseconds:03}"
