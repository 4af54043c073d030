"""Multiple-choice question of model selection, as short as its candidates allow (arXiv 2303.17580, table 5).

Tasks of one type share one list of candidates; descriptions are cut at a sentence, and further while the question is over
its budget of tokens.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from hugginggpt.controllers.base import Choice
from hugginggpt.core.model_card import ModelCard, get_traits
from hugginggpt.core.sentences import split_pieces
from hugginggpt.llm.structured_output import build_strict_object

MAX_QUESTION_TOKENS: Final = 2_050
"""Most tokens of tasks and candidates together: with the instructions less than a third of the original's 6,800 for
eight tasks."""
_LIST_CHARS_PER_TOKEN: Final = 2.4
"""Characters per token of the question's mixture of words, ids and numbers; today's tokenizers pack more into one."""
_CELL_CHARS: Final = (64, 52, 42, 32)
"""Lengths of a description to try, in characters; the first that fits the budget counts."""
_MIN_ROWS: Final = 2
_MAX_ARGUMENT_CHARS: Final = 40
_HEADER: Final = "id|where|downloads|likes|MB|licence|languages|what for"


def format_question(choices: Sequence[Choice], *, budget: int = MAX_QUESTION_TOKENS) -> str:
    """Return the candidates and the tasks as text of at most `budget` tokens; where even short rows are too many, fewer rows.

    Two candidates of each task are listed in any case, whatever that takes.
    """
    max_rows = max(len(choice.candidates) for choice in choices)
    smaller_sizes = [(rows, _CELL_CHARS[-1]) for rows in range(max_rows - 1, _MIN_ROWS - 1, -1)]
    for rows, max_chars in [*((max_rows, chars) for chars in _CELL_CHARS), *smaller_sizes]:  # shorter rows before fewer
        text = _format_at_size(choices, rows, max_chars)
        if len(text) <= budget * _LIST_CHARS_PER_TOKEN:
            return text
    return text


def _format_at_size(choices: Sequence[Choice], rows: int, max_chars: int) -> str:
    lists: dict[tuple[str, ...], str] = {}
    tasks: list[str] = []
    for choice in choices:
        ids = tuple(card.id for card in choice.candidates)  # of all, not of those shown: tasks share a list only if all agree
        if ids not in lists:
            lines = "\n".join(_format_row(card, max_chars) for card in choice.candidates[:rows])
            name = choice.task.task
            if _is_name_used(name, lists.values()):
                name += f" ({len(lists)})"
            lists[ids] = f"Models for {name}:\n{lines}"
        tasks.append(_format_task(choice, lists[ids].partition(":")[0].removeprefix("Models for ")))
    return "\n\n".join([_HEADER, *lists.values(), "Tasks:\n" + "\n".join(tasks)])


def _is_name_used(task: str, lists: Any) -> bool:
    return any(text.startswith(f"Models for {task}:") for text in lists)


def _format_task(choice: Choice, models: str) -> str:
    arguments = {name: _shorten(value) for name, value in choice.task.as_json()["args"].items()}
    return f"{choice.task.id}: {models} {json.dumps(arguments, ensure_ascii=False)}"


def _shorten(value: Any) -> Any:
    """Shorten an argument to its beginning and its length, which is what choosing a model takes."""
    if not isinstance(value, str) or len(value) <= _MAX_ARGUMENT_CHARS:
        return value
    return f"{value[: _MAX_ARGUMENT_CHARS - 15]}… ({len(value):,} characters)"  # 15: the remark takes their place


def _format_row(card: ModelCard, max_chars: int) -> str:
    backend = get_traits(card.backend)
    facts = [
        card.id,
        "here" if backend.place == "here" and not backend.fetched else card.backend,
        _format_count(card.downloads),
        _format_count(card.likes),
        _format_count(round(card.size_mb) if card.size_mb else None),
        card.license,
        "/".join(card.languages[:6]) + ("/…" if len(card.languages) > 6 else ""),  # some models list a hundred
        cut_at_sentence(card.description, max_chars),
    ]
    return "- " + "|".join(fact or "?" for fact in facts)


def _format_count(number: int | None) -> str:
    units = ((1e6, "M", 1), (1e3, "k", 0), (1, "", 0))
    return next((f"{number / size:.{digits}f}{unit}" for size, unit, digits in units if number and number >= size), "")


def cut_at_sentence(text: str, room: int) -> str:
    """Return the whole sentences that fit into `room` characters; of a first one that is longer, whole words and "…".

    >>> cut_at_sentence("Reads print. Slow on long pages, and not for handwriting.", 20)
    'Reads print.'
    """
    sentences = ""
    for piece in split_pieces(" ".join(text.split())):
        longer = f"{sentences} {piece.text}".strip()
        if len(longer) > room:
            break
        sentences = longer
    if sentences or not text.strip():
        return sentences
    words = text[: room - 1].rsplit(" ", 1)[0]  # a place for the "…"
    return words.rstrip(" ,;:") + "…"


def build_selection_schema(choices: Sequence[Choice]) -> dict[str, Any]:
    """Return the strict JSON schema of a selection: for each task one of its own candidates."""
    entries = [
        build_strict_object(
            {
                "task": {"type": "integer", "enum": [choice.task.id]},  # one id an entry ties the candidates to their task
                "id": {"type": "string", "enum": [card.id for card in choice.candidates]},
                "reason": {"type": "string"},
            }
        )
        for choice in choices
    ]
    items = {"anyOf": entries} if len(entries) > 1 else entries[0]
    return build_strict_object({"selections": {"type": "array", "items": items}})
