"""Charts of tables (matplotlib): bars, lines, histograms, and pies where they are asked for."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.chart_fonts import MAX_NAMED, DrawableChart, make_drawable
from hugginggpt.experts.bundled.table_answers import find_row_nouns, read_typed_table
from hugginggpt.experts.bundled.tables.charting import Chart, parse_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE: Final = (8.0, 5.0)  # inches
_DPI: Final = 120
_MAX_LABEL_CHARS: Final = 24
_MAX_TITLE_CHARS: Final = 150
_MAX_LEVEL_LABELS: Final = 8  # more labels than this stand on end
_COLOUR: Final = "#3b6fb6"
_MAX_VALUES: Final = 1_000  # values that the result's data hold


def draw_chart(call: Call) -> Result:
    """Run table-to-chart: a PNG, and a sentence that says what is drawn; ``data`` has form, labels and values.

    Raises:
        InputError: The words are empty, or the table has no rows.
        ExpertError: The words don't say which columns are to be drawn, or there is too much to draw.
    """
    table = read_typed_table(call)
    call.token.check()
    chart = parse_chart(" ".join(call.text("instruction").split()), table, find_row_nouns(call))
    call.token.check()
    path = call.new_path(".png")
    drawable = make_drawable(chart)
    _save(drawable, path)
    count = f"{len(chart.values):,} value{'' if len(chart.values) == 1 else 's'}"
    article = {"histogram": "A histogram"}.get(chart.form, f"A {chart.form} chart")
    labels = [label if isinstance(label, float) else str(label) for label in chart.labels]
    data = {"form": chart.form, "labels": labels[:_MAX_VALUES], "values": list(chart.values[:_MAX_VALUES])}
    text = f"{article} of {count}: {chart.title}." + (f" {drawable.legend}." if drawable.legend else "")
    return Result((Output(Kind.IMAGE, path=path), Output(Kind.TEXT, text=text, data=data)), note=drawable.chart.note)


def _save(drawable: DrawableChart, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # late: it takes a second
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    chart, families = drawable.chart, list(drawable.families)
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")  # not pyplot, which isn't made for threads
    axes = FigureCanvasAgg(figure).figure.add_subplot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a sign that no font has is drawn as a box
        _DRAWERS[chart.form](axes, chart)
        title = "\n".join(textwrap.wrap(chart.title[:_MAX_TITLE_CHARS], 70))
        axes.set_title(title, parse_math=False)  # a cell is no formula: "$\frac" would be parsed as one
        axes.tick_params(labelfontfamily=families)
        for text in figure.findobj(Text):  # not rcParams, which all threads share
            text.set_fontfamily(families)
        figure.savefig(path, format="png")


def _label_axes(axes: Axes, chart: Chart) -> None:
    axes.set_xlabel(_shorten(chart.x_label), parse_math=False)
    axes.set_ylabel(_shorten(chart.y_label), parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)


def _shorten(label: object) -> str:
    text = " ".join(str(label).split())
    return text if len(text) <= _MAX_LABEL_CHARS else f"{text[: _MAX_LABEL_CHARS - 1]}…"


def _draw_bars(axes: Axes, chart: Chart) -> None:
    axes.bar(range(len(chart.values)), chart.values, color=_COLOUR)
    _name_positions(axes, chart.labels)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    _label_axes(axes, chart)


def _name_positions(axes: Axes, labels: Sequence[object]) -> None:
    texts = [_shorten(label) for label in labels]
    on_end = len(texts) > _MAX_LEVEL_LABELS or sum(map(len, texts)) > 80
    turned: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if on_end else {}
    axes.set_xticks(range(len(texts)), texts, parse_math=False, **turned)


def _draw_line(axes: Axes, chart: Chart) -> None:
    if all(isinstance(label, float | date) for label in chart.labels):
        axes.plot(list(chart.labels), chart.values, marker="o", markersize=4, color=_COLOUR)  # type: ignore[arg-type]
        if any(isinstance(label, date) for label in chart.labels):
            axes.tick_params(axis="x", rotation=30)
    else:
        axes.plot(range(len(chart.values)), chart.values, marker="o", markersize=4, color=_COLOUR)
        if len(chart.labels) <= MAX_NAMED:
            _name_positions(axes, chart.labels)
    axes.grid(alpha=0.3)
    _label_axes(axes, chart)


def _draw_histogram(axes: Axes, chart: Chart) -> None:
    axes.hist(chart.values, bins=min(30, max(5, round(len(chart.values) ** 0.5))), color=_COLOUR, edgecolor="white")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    _label_axes(axes, chart)


def _draw_pie(axes: Axes, chart: Chart) -> None:
    labels = [_shorten(label) for label in chart.labels]
    axes.pie(chart.values, labels=labels, autopct="%.0f%%", textprops={"parse_math": False})


_DRAWERS: Final = {"bar": _draw_bars, "line": _draw_line, "histogram": _draw_histogram, "pie": _draw_pie}
