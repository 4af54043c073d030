"""Details of one task as HTML: why its model, what went in, what was tried, what came out; each of bounded length."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from hugginggpt.core.events import AttemptFailed, ModelRef, Step
from hugginggpt.core.markdown import fold_into_line, shorten
from hugginggpt.core.model_card import BACKENDS, get_traits
from hugginggpt.core.plan import Argument
from hugginggpt.core.resources import Resource
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.markup import draw_code, escape_text, link_model, link_words

T = TypeVar("T")

CUT: Final = "…"
"""Stands for what is left out."""
MAX_NAME_CHARS: Final = 200
_MAX_SENTENCE_CHARS: Final = 2_000
_MAX_LISTED: Final = 50  # notices, notes, a task's arguments, attempts or outputs; a trace may have thousands
_MAX_RESULT_CHARS: Final = 600
_MAX_DATA_CHARS: Final = 4_000
_MAX_VALUE_CHARS: Final = 120


def draw_note(text: str) -> str:
    """Return a sentence of an event as HTML, cut where it is longer than sentences are."""
    return link_words(shorten(text, _MAX_SENTENCE_CHARS))


def list_first(items: Iterable[T], draw: Callable[[T], str]) -> list[str]:
    """Return the first items as HTML, and a sign where there are more."""
    first = list(itertools.islice(items, _MAX_LISTED + 1))  # one more, to see the cut
    return [*map(draw, first[:_MAX_LISTED]), *([CUT] if len(first) > _MAX_LISTED else [])]


def draw_step_details(step: Step, source: str, words: Words) -> str:
    """Return the details of a task.

    Args:
        step: The task, as far as it has come.
        source: Where its candidates came from; "" where that is plain.
        words: The visitor's language.
    """
    facts = []
    if step.model:
        is_local = get_traits(step.model.backend).place == "here"
        where = words("chat.on_this_machine") if is_local else f"({escape_text(name_place(step.model, words))})"
        facts.append(_format_fact("chat.model", f"{link_model(step.model)} {where}. {draw_note(step.reason)}", words))
    if source:
        facts.append(_format_fact("chat.candidates", draw_note(source), words))
    inputs = ", ".join(list_first(step.task.args.items(), lambda item: f"{_shorten_name(item[0])} = {_quote_value(item[1])}"))
    facts.append(_format_fact("chat.input", inputs, words))
    facts += list_first(step.attempts, lambda tried: _draw_attempt(tried, words))
    facts += list_first(step.outputs, lambda output: _draw_output(output, words))
    facts += [f"<p><em>{draw_note(step.note)}</em></p>"] if step.note else []
    facts += [f"<p>{draw_note(step.error)}</p>"] if step.error else []
    return "".join(facts)


def _draw_attempt(tried: AttemptFailed, words: Words) -> str:
    place = escape_text(name_place(tried.model, words))
    return _format_fact("chat.tried", f"{link_model(tried.model)} ({place}): {draw_note(tried.error)}", words)


def _format_fact(key: str, html: str, words: Words) -> str:
    return f"<p><strong>{words(key)}</strong> {html}</p>"


def _draw_output(output: Resource, words: Words) -> str:
    data = _fold_data(output, words) if output.data else ""
    if output.text is None:
        return _format_fact("chat.result", f"{output.name}, {_shorten_name(output.measure)}", words) + data
    rows = [row.replace("\t", " · ") for row in shorten(output.text, _MAX_RESULT_CHARS).splitlines() if row.strip()]
    quoted = link_words("\n".join(rows))
    return f"{_format_fact('chat.result', output.name, words)}<blockquote><p>{quoted}</p></blockquote>{data}"


def _fold_data(resource: Resource, words: Words) -> str:
    """Return boxes, scores and the like as a block that is folded."""
    encoder = json.JSONEncoder(ensure_ascii=False, indent=1, default=str)  # experts' data may hold any type
    text = ""
    for piece in encoder.iterencode(_take_first(resource.data, iter(range(_MAX_DATA_CHARS)))):
        text += piece
        if len(text) > _MAX_DATA_CHARS:
            break
    cut = text[:_MAX_DATA_CHARS] + (CUT if len(text) > _MAX_DATA_CHARS else "")
    return f"<details><summary>{words('chat.data', name=resource.name)}</summary>{draw_code(cut)}</details>"


def _take_first(data: Any, room: Iterator[int]) -> Any:
    """Return as much of nested data as is shown: it may have megabytes."""
    if isinstance(data, str):
        return data[: _MAX_DATA_CHARS + 1]
    if isinstance(data, Mapping):
        return {key: _take_first(item, room) for (key, item), _ in zip(data.items(), room, strict=False)}
    if isinstance(data, list | tuple):
        return [_take_first(item, room) for item, _ in zip(data, room, strict=False)]
    return data


def name_place(model: ModelRef, words: Words) -> str:
    """Return where a model runs, as people call it."""
    if model.provider:
        return words("chat.where_hosted_by", provider=shorten(model.provider, MAX_NAME_CHARS))
    if model.backend not in BACKENDS:  # a trace may name any
        return shorten(model.backend, MAX_NAME_CHARS)
    return words(f"chat.where_{model.backend}")


def _shorten_name(name: str) -> str:
    return escape_text(shorten(name, MAX_NAME_CHARS))


def _quote_value(value: Argument) -> str:
    shown = value if isinstance(value, str) else str([each[:_MAX_VALUE_CHARS] for each in value[:_MAX_LISTED]])
    return f"<code>{escape_text(fold_into_line(shown, _MAX_VALUE_CHARS))}</code>"
