"""Fonts of charts: one with the characters of the labels where there is one, else numbers with their meanings."""

from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import FontEntry
from PIL import Image

from hugginggpt.experts.bundled.chart_fonts import DEFAULT, make_drawable
from hugginggpt.experts.bundled.table_charts import _save
from hugginggpt.experts.bundled.tables.charting import Chart

FRUIT = Chart("bar", "价格 by 水果", "水果", "价格", ["苹果", "梨", "plum"], [3.0, 4.0, 5.0])


@pytest.fixture
def han_font(tmp_path: Path) -> FontEntry:
    """A font that has the characters of FRUIT, each a square."""
    characters = "价格水果苹梨"
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    names = [".notdef", *(f"uni{ord(character):04X}" for character in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(character): name for character, name in zip(characters, names[1:], strict=True)})
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Six Characters", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "six.ttf")
    return FontEntry(fname=str(tmp_path / "six.ttf"), name="Six Characters")


@pytest.mark.parametrize(
    ("labels", "shown", "legend"),
    [
        (["苹果", "梨", "plum"], ["1", "2", "3"], "1: 苹果; 2: 梨; 3: plum"),
        (["東京", "大阪"], ["1", "2"], "1: 東京; 2: 大阪"),
        (["서울", "부산"], ["1", "2"], "1: 서울; 2: 부산"),
        (["ひらがな", "b\nc"], ["1", "2"], "1: ひらがな; 2: b c"),
        (["กรุงเทพ", "x"], ["1", "2"], "1: กรุงเทพ; 2: x"),
        (["Zürich", "Αθήνα", "Москва"], ["Zürich", "Αθήνα", "Москва"], ""),
        ([1.0, 2.0], [1.0, 2.0], ""),
        (["梨"] * 61, ["梨"] * 61, ""),  # too many to be drawn
    ],
)
def test_labels_that_no_font_has_are_numbered(labels: list[str | float], shown: list[str | float], legend: str) -> None:
    chart = Chart("bar", "size by name", "name", "size", labels, [1.0] * len(labels))
    drawable = make_drawable(chart, [])
    assert (drawable.chart.labels, drawable.legend) == (shown, legend)
    assert ("numbered" in drawable.chart.note) is bool(legend)
    assert drawable.families == (DEFAULT,)


def test_of_a_title_and_axes_that_no_font_has_nothing_is_drawn() -> None:
    plain = make_drawable(FRUIT, []).chart
    assert (plain.title, plain.x_label, plain.y_label) == ("", "", "")


def test_a_font_that_has_all_signs_draws_them(han_font: FontEntry, tmp_path: Path) -> None:
    other = FontEntry(fname=str(tmp_path / "missing.ttf"), name="Missing")
    drawable = make_drawable(FRUIT, [other, han_font])
    assert (drawable.chart, drawable.families, drawable.legend) == (FRUIT, (DEFAULT, "Six Characters"), "")


def test_numbers_are_drawn_in_the_place_of_boxes(tmp_path: Path) -> None:
    _save(make_drawable(FRUIT, []), tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as image:
        below = np.asarray(image.convert("L"))[-22:]  # of the bars nothing, of the numbers below them all
    assert 0.0005 < (below < 128).mean() < 0.02  # three numbers, and no line of boxes
