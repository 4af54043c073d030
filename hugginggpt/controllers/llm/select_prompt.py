"""The multiple-choice question of model selection, as short as its candidates allow (arXiv 2303.17580, table 5).

Tasks of one type share one list of candidates; descriptions are cut at a sentence, and further while the question is over
its budget of tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from hugginggpt.controllers.base import Choice
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.sentences import sentences
from hugginggpt.llm.structured_output import strict_object

BUDGET: Final = 2_050
"""Tokens that tasks and candidates may take together: with the instructions less than a third of the original's 6,800 for
eight tasks."""
_LIST_CHARS_PER_TOKEN: Final = 2.4
"""Of the question's mixture of words, ids and numbers; tokenizers of today's models pack more into one."""
_ROOMS: Final = (64, 52, 42, 32)
"""How long a description may be, in characters, the first that fits the budget."""
_LEAST: Final = 2
_ARGUMENT: Final = 40
_HEADER: Final = "id|where|downloads|likes|MB|licence|languages|what for"
_HERE: Final = frozenset({"local", "bundled"})


def question(choices: Sequence[Choice], *, budget: int = BUDGET) -> str:
    """The candidates and the tasks as text of at most `budget` tokens; where even short rows are too many, fewer rows.

    Two candidates of each task are told in any case, whatever that takes.
    """
    most = max(len(choice.candidates) for choice in choices)
    for rows, room in [*((most, room) for room in _ROOMS), *((rows, _ROOMS[-1]) for rows in range(most - 1, _LEAST - 1, -1))]:
        text = _written(choices, rows, room)
        if len(text) <= budget * _LIST_CHARS_PER_TOKEN:
            return text
    return text


def _written(choices: Sequence[Choice], rows: int, room: int) -> str:
    lists: dict[tuple[str, ...], str] = {}
    named: list[str] = []
    for choice in choices:
        ids = tuple(card.id for card in choice.candidates)
        if ids not in lists:
            lines = "\n".join(_row(card, room) for card in choice.candidates[:rows])
            name = choice.task.task if not _taken(choice.task.task, lists.values()) else f"{choice.task.task} ({len(lists)})"
            lists[ids] = f"Models for {name}:\n{lines}"
        named.append(_task(choice, lists[ids].partition(":")[0].removeprefix("Models for ")))
    return "\n\n".join([_HEADER, *lists.values(), "Tasks:\n" + "\n".join(named)])


def _taken(task: str, lists: Any) -> bool:
    return any(text.startswith(f"Models for {task}:") for text in lists)


def _task(choice: Choice, models: str) -> str:
    told = {name: _short(value) for name, value in choice.task.as_json()["args"].items()}
    return f"{choice.task.id}: {models} {json.dumps(told, ensure_ascii=False)}"


def _short(value: Any) -> Any:
    """An argument as a controller needs to know it: what it is about, and how long it is."""
    if not isinstance(value, str) or len(value) <= _ARGUMENT:
        return value
    return f"{value[: _ARGUMENT - 15]}… ({len(value):,} characters)"


def _row(card: ModelCard, room: int) -> str:
    facts = [
        card.id,
        "here" if card.backend in _HERE else card.backend,
        _count(card.downloads),
        _count(card.likes),
        _count(round(card.size_mb) if card.size_mb else None),
        card.license,
        "/".join(card.languages[:6]) + ("/…" if len(card.languages) > 6 else ""),
        cut_at_sentence(card.description, room),
    ]
    return "- " + "|".join(fact or "?" for fact in facts)


def _count(number: int | None) -> str:
    units = ((1e6, "M", 1), (1e3, "k", 0), (1, "", 0))
    return next((f"{number / size:.{digits}f}{unit}" for size, unit, digits in units if number and number >= size), "")


def cut_at_sentence(text: str, room: int) -> str:
    """As many whole sentences as fit into `room` characters; of a first one that is longer, whole words and "…".

    >>> cut_at_sentence("Reads print. Slow on long pages, and not for handwriting.", 20)
    'Reads print.'
    """
    kept = ""
    for piece in sentences(" ".join(text.split())):
        longer = f"{kept} {piece.text}".strip()
        if len(longer) > room:
            break
        kept = longer
    if kept or not text.strip():
        return kept
    words = text[: room - 1].rsplit(" ", 1)[0]
    return words.rstrip(" ,;:") + "…"


def selection_schema(choices: Sequence[Choice]) -> dict[str, Any]:
    """The strict JSON schema of a selection: for each task one of its own candidates."""
    entries = [
        strict_object(
            {
                "task": {"type": "integer", "enum": [choice.task.id]},
                "id": {"type": "string", "enum": [card.id for card in choice.candidates]},
                "reason": {"type": "string"},
            }
        )
        for choice in choices
    ]
    return strict_object({"selections": {"type": "array", "items": {"anyOf": entries} if len(entries) > 1 else entries[0]}})
