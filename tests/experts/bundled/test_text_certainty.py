"""Which lines are text, which may be, and which are texture that looks like it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hugginggpt.experts.bundled.text_certainty import quote_doubtful, sort_lines
from hugginggpt.experts.bundled.text_reader import FoundLine, Reading

SIZE = (480, 360)


def place(text: str, score: float, box: tuple[float, float, float, float]) -> FoundLine:
    left, top, right, bottom = box
    return FoundLine(text, score, np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float))


def sort_drawn(drawn: str, claimed: str, score: float, size: int, *, photo: bool = True) -> str:
    """Sort one line of a picture in which something is drawn: "certain", "doubtful" or "texture"."""
    grain = np.random.default_rng(1).integers(-3 * photo, 3 * photo + 1, (SIZE[1], SIZE[0], 3))
    image = Image.fromarray((np.array([90, 110, 90]) + grain).astype(np.uint8))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    draw.text((40, 60), drawn, "white", font)
    left, top, right, bottom = draw.textbbox((40, 60), drawn, font)
    line = place(claimed, score, (left - 4, top - 4, right + 4, bottom + 4))
    found = sort_lines(Reading((line,), image))
    return "certain" if found.certain else "doubtful" if found.doubtful else "texture"


@pytest.mark.parametrize(
    ("drawn", "claimed", "score", "size", "expected"),
    [
        pytest.param("FOTOBASE 2291", "FOTOBASE 2291", 0.99, 22, "certain", id="a watermark"),
        pytest.param("Summer Palace", "Summep Palace", 0.93, 26, "certain", id="a letter that is read now so, now so"),
        pytest.param("EXIT", "EXIT", 0.99, 20, "certain", id="a word on a sign"),
        pytest.param("221", "221", 0.99, 30, "certain", id="a house number"),
        pytest.param("42", "42", 0.99, 90, "certain", id="a large number"),
        pytest.param("7", "7", 0.99, 200, "doubtful", id="a thing with the shape of a digit"),
        pytest.param("48", "48", 0.99, 20, "doubtful", id="a small number"),
        pytest.param("0000", "0000", 0.9, 22, "doubtful", id="a row of noughts"),
        pytest.param("7", "7", 0.99, 30, "texture", id="a lone digit"),
        pytest.param("EXIT", "EXIT", 0.65, 20, "texture", id="a low score"),
        pytest.param("BAKERY", "MARKET", 0.95, 24, "texture", id="another reading disagrees"),
        pytest.param("++++", "++++", 0.95, 24, "texture", id="no letters"),
    ],
)
def test_lines_of_a_photograph_are_believed_if_they_stay_the_same_and_are_long_or_large(
    drawn: str, claimed: str, score: float, size: int, expected: str
) -> None:
    assert sort_drawn(drawn, claimed, score, size) == expected


def test_a_large_letter_on_a_drawn_card_is_believed() -> None:
    assert sort_drawn("7", "7", 0.99, 200, photo=False) == "certain"


def test_on_a_page_short_and_faint_lines_are_believed() -> None:
    texts = [("School", 0.99), ("Teachers", 0.99), ("Lakeside", 0.97), ("Old Mill", 0.98), ("9", 0.6), ("--", 0.55)]
    lines = tuple(place(text, score, (0, 20 * n, 80, 20 * n + 16)) for n, (text, score) in enumerate(texts))
    assert sort_lines(Reading(lines, Image.new("RGB", SIZE))).certain == lines


def test_doubtful_lines_are_named_once() -> None:
    lines = [place(text, 0.9, (0, 0, 20, 20)) for text in ("48", "48", "OK")]
    assert quote_doubtful(lines) == "Perhaps written in it: “48”, “OK”."
    assert quote_doubtful([]) == ""
