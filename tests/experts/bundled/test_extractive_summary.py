"""Summaries that are taken from a text word for word."""

import pytest

from hugginggpt.core.sentences import split_sentences
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")


async def test_a_summary_is_made_of_the_texts_own_sentences_in_their_order(bench: Bench) -> None:
    done = await bench.run("summarization", text=REPORT)
    own, chosen = split_sentences(REPORT), done.data["sentences"]
    places = [own.index(sentence) for sentence in chosen]
    assert places == sorted(set(places))
    assert done.text == " ".join(chosen)
    assert done.note == f"Made of {len(chosen)} of the text's own {done.data['of']} sentences, word for word."
    assert 2 <= len(chosen) <= 6
    assert len(done.text) < len(REPORT) / 3


@pytest.mark.parametrize("text", ["It rains.", "It rains. We stay.", "no stop at all"])
async def test_a_short_text_is_its_own_summary(bench: Bench, text: str) -> None:
    done = await bench.run("summarization", text=text)
    assert done.text == text
    assert done.note == "The text is so short that it is its own summary."


async def test_a_summary_does_not_say_one_thing_twice(bench: Bench) -> None:
    others = "The garden was closed. A new roof was built. Bread became dearer. Nobody came on Monday. The band played."
    text = f"{'The library bought new books. ' * 5}{others}"
    chosen = (await bench.run("summarization", text=text)).data["sentences"]
    assert len(chosen) == len(set(chosen)) == 2


@pytest.mark.parametrize(
    ("instruction", "count"),
    [("one sentence", 1), ("in 3 sentences", 3), ("a single sentence, please", 1), ("ten lines", 10), ("99 sentences", 10)],
)
async def test_a_summary_is_as_long_as_is_wished(bench: Bench, instruction: str, count: int) -> None:
    done = await bench.run("summarization", text=REPORT, instruction=instruction)
    assert len(done.data["sentences"]) == count
    assert done.text == " ".join(done.data["sentences"])


async def test_bullet_points_come_as_a_list(bench: Bench) -> None:
    done = await bench.run("summarization", text=REPORT, instruction="five bullet points")
    assert done.text.splitlines() == [f"- {sentence}" for sentence in done.data["sentences"]]
    assert len(done.data["sentences"]) == 5


@pytest.mark.parametrize("instruction", ["", "kindly", "0 people", "in few words"])
async def test_a_wish_without_a_number_leaves_the_length_alone(bench: Bench, instruction: str) -> None:
    done = await bench.run("summarization", text=REPORT, instruction=instruction)
    assert len(done.data["sentences"]) == 6


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("- Heating is off in room 12\n- Two windows are broken\n- The caretaker is ill\n- Keys are with Ms Park", 4),
        ("Ann: are we still on for saturday\nBen: yes my place at seven\nAnn: shall I bring the salad bowl", 3),
        ("1. Unplug the machine before cleaning\n2. Wipe the plate\n3. Empty the tray", 3),
        ("To do:\nthe roof leaks above the kitchen\nthe plumber comes on Friday\nwe need a new lock for the door", 3),
    ],
)
async def test_lines_without_a_full_stop_are_points_and_not_headings(bench: Bench, text: str, points: int) -> None:
    done = await bench.run("summarization", text=text)
    lines = done.text.splitlines()
    assert done.data["of"] == points
    assert len(lines) == 2
    assert all(line.removeprefix("- ") in text and len(line.split()) > 3 for line in lines)


async def test_of_a_log_the_lines_that_tell_of_trouble_are_chosen(bench: Bench) -> None:
    log = "10:00 INFO started\n10:01 ERROR disk full on /dev/sda1\n10:02 INFO retry\n10:03 INFO stopped\n10:04 INFO bye"
    assert "ERROR disk full" in (await bench.run("summarization", text=log)).text
