"""Fonts for charts: one that has the characters of the labels, or numbers in the place of labels that none has."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hugginggpt.experts.bundled.tables.charting import Chart

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

DEFAULT: Final = "DejaVu Sans"
"""Font that comes with matplotlib."""
_PREFERRED: Final = (
    "Noto Sans CJK", "Noto Sans SC", "Noto Sans JP", "Source Han Sans", "WenQuanYi", "Microsoft YaHei", "SimHei", "PingFang",
    "Hiragino", "Yu Gothic", "Meiryo", "Malgun Gothic", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip
_PLACEHOLDERS: Final = "Last Resort"
"""Font that has a box for every character."""
MAX_NAMED: Final = 60
"""Most positions along an axis that have a label each."""
_MAX_FONTS: Final = 300  # that are opened in search of a character
_NO_FONT: Final = "No font on this machine has the characters of these labels, so they are numbered in the picture."


@dataclass(frozen=True, slots=True)
class DrawableChart:
    """A chart with the fonts that its texts are drawn in."""

    chart: Chart
    families: tuple[str, ...] = (DEFAULT,)
    """Names of fonts; a character is drawn in the first that has it."""
    legend: str = ""
    """Meanings of the numbers that stand for labels; empty where the labels are drawn."""


def make_drawable(chart: Chart, fonts: Sequence[FontEntry] | None = None) -> DrawableChart:
    """Choose fonts for a chart; where none has its characters, put numbers in the place of its labels.

    Args:
        chart: What is to be drawn.
        fonts: Fonts to choose from, by default those of this machine.
    """
    labels = [label for label in chart.labels if isinstance(label, str)] if len(chart.labels) <= MAX_NAMED else []
    characters = _find_missing((chart.title, chart.x_label, chart.y_label, *labels))
    if not characters:
        return DrawableChart(chart)
    if family := _find_family(characters, _list_fonts() if fonts is None else fonts):
        return DrawableChart(chart, (DEFAULT, family))
    plain = replace(
        chart, title=_drop_missing(chart.title), x_label=_drop_missing(chart.x_label), y_label=_drop_missing(chart.y_label)
    )
    if not _find_missing(labels):
        return DrawableChart(plain)
    legend = "; ".join(f"{number}: {' '.join(str(label).split())}" for number, label in enumerate(chart.labels, 1))
    numbers = [str(number) for number in range(1, len(chart.labels) + 1)]
    return DrawableChart(replace(plain, labels=numbers, note=f"{chart.note} {_NO_FONT}".strip()), legend=legend)


def _find_missing(texts: Iterable[str]) -> frozenset[str]:
    """Return the characters of texts that the default font lacks."""
    return frozenset(
        character
        for text in texts
        for character in text
        if character.isprintable() and ord(character) not in _read_default_characters()
    )


def _drop_missing(text: str) -> str:
    return "" if _find_missing([text]) else text


@functools.cache
def _read_default_characters() -> frozenset[int]:
    from matplotlib import font_manager  # late: it takes a second

    return frozenset(font_manager.get_font(font_manager.findfont(DEFAULT)).get_charmap())


def _list_fonts() -> list[FontEntry]:
    """List upright fonts of normal weight, those that are known for many characters first."""
    from matplotlib import font_manager

    def rank(font: FontEntry) -> int:
        return next((number for number, name in enumerate(_PREFERRED) if font.name.startswith(name)), len(_PREFERRED))

    plain = [font for font in font_manager.fontManager.ttflist if font.style == "normal" and font.weight in {400, "normal"}]
    return sorted((font for font in plain if not font.name.startswith(_PLACEHOLDERS)), key=rank)[:_MAX_FONTS]


@functools.lru_cache(maxsize=64)
def _covers(path: str, characters: frozenset[str]) -> bool:
    from matplotlib import font_manager

    try:
        return set(map(ord, characters)) <= font_manager.get_font(path).get_charmap().keys()
    except (OSError, RuntimeError):  # a damaged file, or one that was removed
        return False


def _find_family(characters: frozenset[str], fonts: Sequence[FontEntry]) -> str:
    """Return the name of the first font that has all characters; empty where none has."""
    return next((font.name for font in fonts if _covers(font.fname, characters)), "")
