"""The question from which a language model writes the answer: what the steps found, within a budget, without anything else.

Long texts are shortened in the middle, numbers rounded, lists of findings cut; a file is its name. Source: arXiv 2303.17580,
section 3.4: the answer rests on the structured results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.controllers.llm.plan_prompt import prompt
from hugginggpt.core.events import Step
from hugginggpt.core.languages import detect
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.llm.context_window import CHARS_PER_TOKEN

_TURNS: Final = 5
_TURN_CHARS: Final = 300
_ARGUMENT_CHARS: Final = 120
_FINDINGS: Final = 12
"""How many entries of a list of findings are told."""
_LONGEST_VALUE: Final = 160
"""A text within findings, in characters: longer ones are no finding but a file in disguise."""
_FOUND_CHARS: Final = 1_500
"""How much of the figures of one result is told, as JSON."""
_LEAST: Final = 200
"""What every text result may have, in characters, however many there are."""


def answer_messages(request: RespondRequest, budget: int) -> list[Mapping[str, Any]]:
    """All messages; the results take about `budget` tokens at most."""
    texts = [r.text for step in request.steps for r in step.outputs if r.text is not None]
    room = fair_share([len(text) for text in texts], budget * CHARS_PER_TOKEN)
    count = sum(len(step.outputs) for step in request.steps)
    figures = min(_FOUND_CHARS, budget * CHARS_PER_TOKEN // (2 * max(count, 1)))
    facts: dict[str, Any] = {}
    if request.turns:
        facts["earlier"] = [_turn(turn) for turn in request.turns[-_TURNS:]]
    facts["request"] = request.text
    language = detect(request.text)
    if language is not None and language.code != "en":
        facts["answer in"] = language.name
    if request.attached:
        facts["attached"] = [resource.description for resource in request.attached]
    facts["steps"] = _steps(request.steps, room, figures)
    content = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return [{"role": "system", "content": prompt("respond")}, {"role": "user", "content": content}]


def fair_share(lengths: Sequence[int], total: int) -> int:
    """How long each may be, so that all together take `total` at most; what short ones leave goes to the long ones.

    >>> fair_share([10, 500, 1000], 800)
    395
    """
    left, waiting = total, sorted(lengths)
    for number, length in enumerate(waiting):
        share = left // (len(waiting) - number)
        if length > share:
            return max(share, _LEAST)
        left -= length
    return max(waiting, default=0)


def abridged(text: str, room: int) -> str:
    """A text of at most about `room` characters: its beginning and its end, where it is longer.

    >>> abridged("abcdefghij", 6)
    'abcd … ij'
    """
    if len(text) <= room:
        return text
    end = room // 3
    return f"{text[: room - end].rstrip()} … {text[len(text) - end :].lstrip()}"


def rounded(value: Any, most: int = _FINDINGS) -> Any:
    """Findings as a model needs them: numbers with three digits, lists cut to `most` entries, and long texts."""
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    if isinstance(value, Mapping):
        return {key: rounded(item, most) for key, item in list(value.items())[:_FINDINGS]}
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - most} more"] if len(value) > most else []
        return [*(rounded(item, most) for item in value[:most]), *more]
    return value


def _steps(steps: Sequence[Step], room: int, figures: int) -> list[dict[str, Any]]:
    told: list[Mapping[str, Any]] = []
    found = []
    for step in steps:
        results = []
        for resource in step.outputs:
            results.append(_result(resource, room, figures, told))
            told.append(resource.data)
        args = {name: rounded(value) for name, value in step.task.as_json()["args"].items()}
        facts = {
            "task": step.task.task,
            "args": {name: _short(value) for name, value in args.items()},
            "status": step.status if step.status != "done" else "",
            "model": step.model.id if step.model and step.status == "done" else None,
            "results": results,
            "note": step.note,
            "error": step.error,
        }
        found.append({name: value for name, value in facts.items() if value})
    return found


def _short(value: Any) -> Any:
    return value[:_ARGUMENT_CHARS] if isinstance(value, str) else value


def _result(resource: Resource, room: int, figures: int, told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result; what it found in figures is told with the first resource that carries it."""
    facts: dict[str, Any] = {"name": resource.name}
    if resource.kind is Kind.TEXT and resource.text is not None:
        facts["text"] = abridged(resource.text, room)
    elif resource.measure:
        facts["measure"] = resource.measure
    if resource.data and resource.data not in told and (found := _findings(resource.data, figures)):
        facts["found"] = found
    return facts


def _findings(data: Mapping[str, Any], room: int) -> Any:
    """Findings in at most `room` characters of JSON: the first ones; none, where not even one fits."""
    for most in (_FINDINGS, 5, 2, 1):
        found = rounded(data, most)
        if len(json.dumps(found, ensure_ascii=False, default=str)) <= room:
            return found
    return None


def _turn(turn: Turn) -> dict[str, str]:
    return {"request": turn.request[:_TURN_CHARS], "answer": turn.answer[:_TURN_CHARS]}
