"""Messages from which a language model writes the answer: the steps' results within a budget, and nothing else.

Long texts are shortened in the middle, numbers rounded, lists of findings cut; a file is its name. Source: arXiv 2303.17580,
section 3.4: the answer rests on the structured results.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.controllers.llm.plan_prompt import load_prompt
from hugginggpt.core.events import Step
from hugginggpt.core.languages import detect_language
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.llm.context_window import CHARS_PER_TOKEN

_MAX_TURNS: Final = 5
_MAX_TURN_CHARS: Final = 300
_MAX_ARGUMENT_CHARS: Final = 120
_MAX_FINDINGS: Final = 12  # most entries of a list of findings
_MAX_VALUE_CHARS: Final = 160
"""Longest text within findings, in characters: a longer one is a file in disguise, and cut."""
_MAX_FINDINGS_CHARS: Final = 1_500  # most characters of one result's findings, as JSON
_MIN_TEXT_CHARS: Final = 200  # characters that every text result may have, however many there are


def build_respond_messages(request: RespondRequest, budget: int) -> list[Mapping[str, Any]]:
    """Build all messages; the results take about `budget` tokens at most."""
    texts = [r.text for step in request.steps for r in step.outputs if r.text is not None]
    max_chars = compute_fair_share([len(text) for text in texts], budget * CHARS_PER_TOKEN)
    count = sum(len(step.outputs) for step in request.steps)
    data_chars = min(_MAX_FINDINGS_CHARS, budget * CHARS_PER_TOKEN // (2 * max(count, 1)))
    facts: dict[str, Any] = {}
    if request.turns:
        facts["earlier"] = [_describe_turn(turn) for turn in request.turns[-_MAX_TURNS:]]
    facts["request"] = request.text
    language = detect_language(request.text)  # the instructions are in English, and so would the answer be
    if language is not None and language.code != "en":
        facts["answer in"] = language.name
    if request.attached:
        facts["attached"] = [resource.description for resource in request.attached]
    facts["steps"] = _describe_steps(request.steps, max_chars, data_chars)
    content = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))  # escapes and blanks would cost tokens
    return [{"role": "system", "content": load_prompt("respond")}, {"role": "user", "content": content}]


def compute_fair_share(lengths: Sequence[int], total: int) -> int:
    """Return the length that each may have for a `total`; what short ones leave goes to the long ones.

    >>> compute_fair_share([10, 500, 1000], 800)
    395
    """
    remaining, sorted_lengths = total, sorted(lengths)
    for number, length in enumerate(sorted_lengths):
        share = remaining // (len(sorted_lengths) - number)
        if length > share:
            return max(share, _MIN_TEXT_CHARS)  # even where that exceeds the total
        remaining -= length
    return max(sorted_lengths, default=0)


def abridge(text: str, room: int) -> str:
    """Return a text in about `room` characters: its beginning and its end, where it is longer.

    >>> abridge("abcdefghij", 6)
    'abcd … ij'
    """
    if len(text) <= room:
        return text
    end = room // 3
    return f"{text[: room - end].rstrip()} … {text[len(text) - end :].lstrip()}"


def round_findings(value: Any, max_entries: int = _MAX_FINDINGS) -> Any:
    """Return findings as a model needs them: numbers with three digits, lists cut to `most` entries, long texts cut."""
    if isinstance(value, float):
        return float(f"{value:.3g}")  # further digits are tokens that tell nothing
    if isinstance(value, str):
        return value if len(value) <= _MAX_VALUE_CHARS else f"{value[:_MAX_VALUE_CHARS]}…"
    if isinstance(value, Mapping):
        return {key: round_findings(item, max_entries) for key, item in list(value.items())[:_MAX_FINDINGS]}
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - max_entries} more"] if len(value) > max_entries else []
        return [*(round_findings(item, max_entries) for item in value[:max_entries]), *more]
    return value


def _describe_steps(steps: Sequence[Step], max_chars: int, data_chars: int) -> list[dict[str, Any]]:
    seen: list[Mapping[str, Any]] = []
    described = []
    for step in steps:
        results = []
        for resource in step.outputs:
            results.append(_describe_result(resource, max_chars, data_chars, seen))
            seen.append(resource.data)  # several outputs may carry the same findings
        args = {name: round_findings(value) for name, value in step.task.as_json()["args"].items()}
        facts = {
            "task": step.task.task,
            "args": {name: _shorten(value) for name, value in args.items()},
            "status": step.status if step.status != "done" else "",  # the usual case goes without saying
            "model": step.model.id if step.model and step.status == "done" else None,
            "results": results,
            "note": step.note,
            "error": step.error,
        }
        described.append({name: value for name, value in facts.items() if value})  # empty fields cost tokens and tell nothing
    return described


def _shorten(value: Any) -> Any:
    return value[:_MAX_ARGUMENT_CHARS] if isinstance(value, str) else value


def _describe_result(resource: Resource, max_chars: int, data_chars: int, seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe one result; findings go with the first resource that carries them."""
    facts: dict[str, Any] = {"name": resource.name}
    if resource.kind is Kind.TEXT and resource.text is not None:
        facts["text"] = abridge(resource.text, max_chars)
    elif resource.measure:
        facts["measure"] = resource.measure
    if resource.data and resource.data not in seen and (findings := _shorten_findings(resource.data, data_chars)):
        facts["found"] = findings
    return facts


def _shorten_findings(data: Mapping[str, Any], max_chars: int) -> Any:
    """Return the first findings in at most `room` characters of JSON; None, where not even one fits."""
    for max_entries in (_MAX_FINDINGS, 5, 2, 1):
        found = round_findings(data, max_entries)
        if len(json.dumps(found, ensure_ascii=False, default=str)) <= max_chars:  # str: experts' data may be no JSON
            return found
    return None


def _describe_turn(turn: Turn) -> dict[str, str]:
    return {"request": turn.request[:_MAX_TURN_CHARS], "answer": turn.answer[:_MAX_TURN_CHARS]}
