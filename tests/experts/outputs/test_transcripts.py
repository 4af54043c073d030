"""Subtitles."""

import pytest

from hugginggpt.experts.outputs.transcripts import find_subtitle_format, format_subtitles, format_time

SAID = [
    {"start": 0.5, "end": 2.25, "text": "Good morning."},
    {"start": 3_661.0, "end": 3_671.0, "text": "The train to Leeds leaves at ten past nine from platform four. " * 3},
]


def test_subrip_counts_its_cues_and_writes_times_with_a_comma() -> None:
    first, second, third, *_ = format_subtitles(SAID, "srt").split("\n\n")
    assert first == "1\n00:00:00,500 --> 00:00:02,250\nGood morning."
    assert second.startswith("2\n01:01:01,000 --> 01:01:0")
    assert third.startswith("3\n01:01:0")


def test_webvtt_begins_with_its_name_and_writes_times_with_a_dot() -> None:
    assert format_subtitles(SAID, "vtt").startswith("WEBVTT\n\n1\n00:00:00.500 --> 00:00:02.250\nGood morning.\n")


def test_a_long_segment_becomes_cues_of_two_short_lines_that_follow_each_other() -> None:
    cues = [block.split("\n") for block in format_subtitles(SAID, "srt").split("\n\n") if block]
    assert all(len(lines) <= 4 and all(len(line) <= 42 for line in lines[2:]) for lines in cues)
    times = [time for lines in cues for time in lines[1].split(" --> ")]
    assert times == sorted(times)
    assert times[-1] == "01:01:11,000"


@pytest.mark.parametrize("said", ["a --> b", "1\n\n2", "<b>x</b> & y"])
def test_what_is_said_ends_no_cue(said: str) -> None:
    text = format_subtitles([{"start": 0, "end": 1, "text": said}], "vtt")
    assert text.count("-->") == 1
    assert text.count("\n\n") == 1
    assert "<" not in text


@pytest.mark.parametrize(
    ("words", "form"),
    [("subtitles", "srt"), ("as SRT", "srt"), ("with timestamps", "srt"), ("timestamps WebVTT", "vtt"), ("VTT", "vtt"),
     ("closed captions", "srt"), ("", ""), ("word for word", "")],
)  # fmt: skip
def test_words_ask_for_a_format(words: str, form: str) -> None:
    assert find_subtitle_format(words) == form


def test_times_are_written_as_people_do() -> None:
    assert [format_time(seconds) for seconds in (0, 7.4, 61, 3_723)] == ["0:00", "0:07", "1:01", "1:02:03"]
