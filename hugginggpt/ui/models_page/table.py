"""Table of the catalogue: the rows that match the filters, and their HTML. Pure functions."""

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from hugginggpt.hub.download import format_size
from hugginggpt.hub.overview import OverviewRow
from hugginggpt.ui.i18n import Translate

_HUB: Final = "https://huggingface.co/"
_SHOWN_LANGUAGES: Final = 3
COLUMNS: Final = ("model", "task", "place", "license", "size", "languages", "action")


def filter_rows(rows: Sequence[OverviewRow], query: str = "", task: str = "", place: str = "") -> tuple[OverviewRow, ...]:
    """Return the rows that hold all words of the query, in any place, and suit the filters; an empty filter passes all."""
    terms = query.lower().split()
    return tuple(
        row
        for row in rows
        if (not task or row.task == task) and (not place or row.place == place) and all(word in _join(row) for word in terms)
    )


def _join(row: OverviewRow) -> str:
    return " ".join((row.id, row.task, row.license, *row.languages, row.description, row.provider)).lower()


def draw_table(rows: Sequence[OverviewRow], words: Translate, *, fetching: bool) -> str:
    """Return the rows as a table; a sentence where there are none.

    Args:
        rows: The rows to draw.
        words: The visitor's language.
        fetching: Whether models may be fetched from here.
    """
    if not rows:
        return f'<p class="none" role="status">{escape(words("catalogue.none"))}</p>'
    columns = COLUMNS if fetching else COLUMNS[:-1]  # the last one holds the buttons
    head = "".join(f'<th scope="col">{escape(words(f"catalogue.column_{name}"))}</th>' for name in columns)
    body = "".join(_draw_row(row, words, fetching=fetching) for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def draw_skeleton() -> str:
    """Return a placeholder for the table until the rows are read."""
    return '<div class="scroll" aria-busy="true">' + '<div class="bone"></div>' * 8 + "</div>"


def draw_progress(text: str, fraction: float | None) -> str:
    """Return a sentence, and a progress bar below it."""
    done = "" if fraction is None else f' value="{min(fraction, 1):.4f}"'
    return f'<p role="status">{escape(text)}</p><progress max="1"{done} aria-label="{escape(text)}"></progress>'


def draw_sentence(text: str) -> str:
    """Return a sentence alone."""
    return f'<p role="status">{escape(text)}</p>'


def _draw_row(row: OverviewRow, words: Translate, *, fetching: bool) -> str:
    size = format_size(round(row.size_mb * 1e6)) if row.size_mb else ""  # a megabyte is a million bytes here
    cells = {
        "model": _draw_model(row, words),
        "task": escape(row.task) or _draw_missing(words("catalogue.no_task")),
        "place": f'<span class="where {row.place}">{escape(_name_place(row, words))}</span>',
        "license": escape(row.license) or _draw_missing(words("catalogue.unknown")),
        "size": escape(words("catalogue.about", size=size) if row.size_estimated else size)
        or _draw_missing(words("catalogue.unknown")),
        "languages": _draw_languages(row, words),
    }
    if fetching:  # else the head has no such column
        cells["action"] = _draw_button(row, words) if row.place == "fetch" else ""
    labels = {name: escape(words(f"catalogue.column_{name}"), quote=True) for name in cells}
    return "<tr>" + "".join(f'<td class="{n}" data-label="{labels[n]}">{cell}</td>' for n, cell in cells.items()) + "</tr>"


def _draw_model(row: OverviewRow, words: Translate) -> str:
    name = escape(row.id)
    if row.is_on_hub:
        address = _HUB + quote(row.id)
        name = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{name}</a>'
    gated = f' <span class="gated">{escape(words("catalogue.gated"))}</span>' if row.gated else ""
    told = words(f"unusable.why_{row.reason}", detail=row.detail) if row.reason else row.description
    return f'<span class="name">{name}</span>{gated}<span class="description">{escape(told)}</span>'


def _name_place(row: OverviewRow, words: Translate) -> str:
    return f"{words(f'catalogue.place_{row.place}')}{f' · {row.provider}' if row.provider else ''}"


def _draw_languages(row: OverviewRow, words: Translate) -> str:
    if not row.languages:
        return _draw_missing(words("catalogue.any_language"))
    if "multilingual" in row.languages:
        return escape(words("catalogue.many_languages"))
    shown, rest = row.languages[:_SHOWN_LANGUAGES], len(row.languages) - _SHOWN_LANGUAGES
    more = f" +{rest}" if rest > 0 else ""
    return f'<span title="{escape(", ".join(row.languages))}">{escape(", ".join(shown))}{more}</span>'


def _draw_missing(text: str) -> str:
    return f'<span class="missing">{escape(text)}</span>'


def _draw_button(row: OverviewRow, words: Translate) -> str:
    name = escape(words("catalogue.fetch_model", model=row.id), quote=True)  # it goes into an attribute
    return (
        f'<button type="button" data-model="{escape(row.id)}" aria-label="{name}">{escape(words("catalogue.fetch"))}</button>'
    )
