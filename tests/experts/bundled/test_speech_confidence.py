"""Confidence in what was heard, from the recognizer's own numbers."""

import numpy as np
import pytest

from hugginggpt.experts.bundled.speech_confidence import Segment, Word, confirm, mark_confirmed

TRAIN = "The train to Leeds leaves at nine."


def heard(text: str, probability: float = 0.7, compression: float = 1.1, start: float = 0.0) -> Segment:
    words = tuple(Word(f" {word}", start + i / 2, start + i / 2 + 0.4, probability) for i, word in enumerate(text.split()))
    return Segment(words, compression)


@pytest.mark.parametrize(
    ("text", "again", "probability", "outcome"),
    [
        (TRAIN, TRAIN, 0.7, "sure"),
        (TRAIN, "the train to leeds leaves at nine", 0.65, "sure"),
        (TRAIN, "The train to Leeds leads that nine", 0.68, "unsure"),
        (TRAIN, "The train too leads leaves a line", 0.75, "none"),
        ("So I can roll one leg.", "I am going to look at it.", 0.8, "none"),
        ("We are going to have a great day.", "We are going to have a great day.", 0.3, "none"),
    ],
)
def test_words_count_as_far_as_they_are_likely_and_come_out_twice(
    text: str, again: str, probability: float, outcome: str
) -> None:
    (segment,) = mark_confirmed([heard(text, probability)], again)
    assert segment.outcome == outcome


def test_a_loop_is_never_believed_however_likely_it_is() -> None:
    loop = heard("I can roll one leg. " * 20, probability=0.99, compression=11.0)
    assert not loop.is_clear
    assert loop.outcome == "none"


def test_unsure_words_stand_in_brackets_their_punctuation_outside() -> None:
    (segment,) = mark_confirmed([heard(TRAIN, 0.68)], "The train to Leeds leads that time")
    assert segment.format_text() == "The train to Leeds [leaves?] [at?] [nine?]."
    assert segment.list_unsure() == ["leaves", "at", "nine"]


def test_a_likely_word_of_a_sure_segment_stays_as_it_is_though_it_came_out_once() -> None:
    (segment,) = mark_confirmed([heard(TRAIN, 0.8)], "The train to Leeds leaves at 9")
    assert segment.outcome == "sure"
    assert segment.format_text() == TRAIN


def test_only_what_is_not_clear_is_heard_again() -> None:
    pieces: list[int] = []

    def decode(piece: np.ndarray) -> str:
        pieces.append(piece.size)
        return TRAIN

    segments = [heard(TRAIN, 0.95), heard(TRAIN, 0.7, start=60), heard(TRAIN, 0.7, start=64), heard(TRAIN, 0.95, start=120)]
    found = confirm(segments, np.zeros(130 * 100, np.float32), 100, decode)
    assert len(pieces) == 1
    assert 6 * 100 < pieces[0] < 9 * 100  # from 60 s to 67.4 s, a little faster
    assert [segment.start for segment in found] == [0, 60, 64, 120]


def test_the_words_of_a_later_window_have_later_times() -> None:
    assert heard(TRAIN).shift(300).start == 300
