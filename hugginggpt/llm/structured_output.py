"""Replies in JSON: the forms in which they can be asked for, and whether a reply has the form that was asked for.

Three rungs, from strict to loose: a JSON schema, any JSON object, a plain reply out of which the JSON is read
(https://platform.openai.com/docs/guides/structured-outputs). A server that refuses a rung is asked on the next one; a
server that takes a schema and answers something else is noticed, and not sent one again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final


class OutputMode(IntEnum):
    """How strictly a reply is held to its form."""

    SCHEMA = 0
    OBJECT = 1
    PLAIN = 2


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """One way to ask."""

    rung: OutputMode
    arguments: Mapping[str, Any]
    counted: bool
    """Whether it asks for the tokens of a stream, or needn't."""


def response_format(rung: OutputMode, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that ask for a reply on that rung."""
    if rung is OutputMode.SCHEMA:
        named = {"name": "reply", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if rung is OutputMode.OBJECT else {}


_COUNTED: Final = {"stream_options": {"include_usage": True}}


def forms(schema: Mapping[str, Any] | None, first: OutputMode, *, streamed: bool, counts: bool) -> list[OutputSchema]:
    """How a reply may be asked for, the strictest way first.

    Args:
        schema: What it should be like; None: words.
        first: The strictest rung that the server isn't known to refuse.
        streamed: Whether it is asked for in pieces.
        counts: Whether the server isn't known to refuse to count the tokens of a stream.
    """
    rungs = [OutputMode.PLAIN] if schema is None else [rung for rung in OutputMode if rung >= first]
    plain = [OutputSchema(rung, response_format(rung, schema or {}), counted=not streamed) for rung in rungs]
    if not streamed or not counts:
        return plain
    return [*(OutputSchema(form.rung, {**form.arguments, **_COUNTED}, counted=True) for form in plain), *plain]


def keeps(rung: OutputMode, schema: Mapping[str, Any], reply: str) -> bool:
    """Whether a reply is what was asked for on that rung: a JSON object, and for a schema one with its fields."""
    if rung is OutputMode.PLAIN:
        return True
    try:
        found = json.loads(reply)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (rung is OutputMode.OBJECT or set(schema.get("required", ())) <= set(found))


def strict_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object as strict mode wants it: every field is required, and there are no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
