"""The sentences of a text in any language."""

import pytest

from hugginggpt.core.sentences import split_pieces, split_sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Er kam am 3. Juni. Dr. Lee ging.\nEnde", ["Er kam am 3. Juni.", "Dr. Lee ging.", "Ende"]),
        ("“Ja?” 这是书。那不是。", ["“Ja?”", "这是书。", "那不是。"]),
        ("She left (at last.) Then he did.", ["She left (at last.)", "Then he did."]),
        ("no stop at all", ["no stop at all"]),
        ("", []),
    ],
)
def test_sentences_end_at_stops_and_nothing_gets_lost(text: str, found: list[str]) -> None:
    pieces = split_pieces(text)
    assert [piece.text for piece in pieces] == found
    assert "".join(piece.text + piece.gap for piece in pieces) == text
    assert sum(map(len, pieces)) == len(text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rains. We stay.", ["It rains.", "We stay."]),
        ("Does it? It does! Oh… Yes.", ["Does it?", "It does!", "Oh…", "Yes."]),
        ("Dr. Lee and Mrs. Osei met.", ["Dr. Lee and Mrs. Osei met."]),
        ("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."]),
        ("It cost $3.50. We paid.", ["It cost $3.50.", "We paid."]),
        ("He left at 6 p.m. The shop shut.", ["He left at 6 p.m.", "The shop shut."]),
        ("He left at 6 p.m. Monday.", ["He left at 6 p.m. Monday."]),
        ("See fig. 3 for more.", ["See fig. 3 for more."]),
        ("So did I. The end.", ["So did I.", "The end."]),
        ("“Stop!” He stopped.", ["“Stop!”", "He stopped."]),
        ("A title\n\nThe first line\nof a text.", ["A title", "The first line of a text."]),
        ("Bring:\n- bread\n- milk", ["Bring:", "- bread", "- milk"]),
        ("1. Unplug it. Wait.\n2. Wipe it", ["1. Unplug it.", "Wait.", "2. Wipe it"]),
        (
            "the roof leaks\nthe plumber comes on Friday at ten\nwe need a lock",
            ["the roof leaks", "the plumber comes on Friday at ten", "we need a lock"],
        ),
        ("10:01 ERROR disk full\n10:02 INFO retry", ["10:01 ERROR disk full", "10:02 INFO retry"]),
        ("Ann: are we on\nBen: yes. See you", ["Ann: are we on", "Ben: yes.", "See you"]),
        ("| Hill | 18 |\n| Mill | 9 |", ["| Hill | 18 |", "| Mill | 9 |"]),
        (
            "Monday closed\nTuesday to Friday 9 am - 6 pm\nSunday closed",
            ["Monday closed", "Tuesday to Friday 9 am - 6 pm", "Sunday closed"],
        ),
        (
            "Prose that a margin of thirty\nletters broke goes on. It is\nlong.",
            ["Prose that a margin of thirty letters broke goes on.", "It is long."],
        ),
        ("no stop at all", ["no stop at all"]),
        ("", []),
        (" \n\n \n", []),
    ],
)
def test_english_sentences_know_abbreviations_and_paragraphs(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize("text", ["a. " * 50_000, "A. " * 50_000, "." * 100_000, "\n \n" * 30_000, '"' * 100_000])
def test_strange_long_texts_lose_no_letter(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
