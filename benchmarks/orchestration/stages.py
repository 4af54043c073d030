"""Which stage a call to the language model belongs to, and what is answered to it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.orchestration.shapes import Shape, candidates

Body = Mapping[str, Any]
"""The body of a chat completion request."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a stage's calls are known."""

    stage: str
    opening: re.Pattern[str]
    """What stands in the first words of the system prompt: it tells where no schema was sent."""
    field: str = ""
    """A property at the top of the reply's JSON schema; it tells first. Empty: the stage's replies are not JSON."""


MARKS: Final = (
    Mark("plan", re.compile(r"\bplan\b.*\btasks?\b"), "tasks"),
    Mark("select", re.compile(r"\b(choose|select|pick)\b.*\bmodels?\b"), "selections"),
    Mark("respond", re.compile(r"\b(write|give)\b.*\banswer\b")),
)
"""The first that fits counts."""
_OPENING: Final = 80
"""How much of the system prompt is looked at, in characters."""


def stage_of(body: Body) -> str:
    """The stage of a call: by its schema, else by the first words of its system prompt; empty where neither tells."""
    fields = _properties(schema_of(body))
    opening = _system(body).strip()[:_OPENING].lower()
    by_schema = (mark.stage for mark in MARKS if mark.field in fields)
    by_prompt = (mark.stage for mark in MARKS if mark.opening.search(opening))
    return next(by_schema, None) or next(by_prompt, "")


def schema_of(body: Body) -> Mapping[str, Any]:
    """The JSON schema that the reply must follow; empty without one."""
    named = (body.get("response_format") or {}).get("json_schema") or {}
    schema: Mapping[str, Any] = named.get("schema") or {}
    return schema


def reply_to(stage: str, shape: Shape, body: Body) -> str:
    """What the language model says."""
    return _REPLIES[stage](shape, body)


def pick(shape: Shape, task_id: int, offered: Sequence[str]) -> str:
    """The candidate that is chosen: at a place that is random, and the same in every run."""
    return offered[random.Random(f"{shape.name} {task_id}").randrange(len(offered))]  # noqa: S311 - the same in every run


def _plan(shape: Shape, body: Body) -> str:
    return _json({"tasks": list(shape.plan)}, body)


def _selections(shape: Shape, body: Body) -> str:
    """An entry for each task that is asked about: the schema says which; without one all that have a choice."""
    offered = dict(_offered(schema_of(body)))
    if not offered:
        kinds = {task["id"]: task["task"] for task in shape.plan}
        offered = {number: [card.id for card in candidates(kinds[number])] for number in shape.choices}
    entries = [
        {"task": number, "id": pick(shape, number, ids), "reason": "Its description suits the request best."}
        for number, ids in offered.items()
    ]
    return _json({"selections": entries}, body)


def _answer(shape: Shape, body: Body) -> str:
    return shape.answer


_REPLIES: Final[Mapping[str, Callable[[Shape, Body], str]]] = {"plan": _plan, "select": _selections, "respond": _answer}


def _json(known: Mapping[str, Any], body: Body) -> str:
    """A JSON reply in its schema's order; a field that nothing is known for is null ("answer", where there are tasks)."""
    fields = _properties(schema_of(body)) or list(known)
    return json.dumps({field: known.get(field) for field in fields}, ensure_ascii=False)


def _offered(schema: Any) -> Iterator[tuple[int, list[str]]]:
    """For each task that a schema names its candidates' ids, however deep the entries stand."""
    if isinstance(schema, list):
        for part in schema:
            yield from _offered(part)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    numbers, ids = (_allowed(properties.get(name)) for name in ("task", "id"))
    yield from ((int(number), ids) for number in numbers if ids)
    for part in schema.values():
        yield from _offered(part)


def _allowed(schema: Any) -> list[Any]:
    """The values that a schema enumerates."""
    if not isinstance(schema, dict):
        return []
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))


def _properties(schema: Mapping[str, Any]) -> list[str]:
    return list(schema.get("properties", {}))


def _system(body: Body) -> str:
    return next((str(message["content"]) for message in body["messages"] if message["role"] in {"system", "developer"}), "")
