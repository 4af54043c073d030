"""Structured output: the ways to ask for a reply in JSON, and the check that a reply follows.

Three modes, from strict to loose: a JSON schema, any JSON object, a plain reply out of which the JSON is read
(https://platform.openai.com/docs/guides/structured-outputs). A server that refuses a mode is asked in the next one; a
server that accepts a schema and answers something else is not sent one again.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from hugginggpt.core.json_text import JsonError, parse_json


class OutputMode(IntEnum):
    """Strictness with which a reply is held to its form, the strictest first."""

    SCHEMA = 0  # the numbers count: one more is the next looser mode
    OBJECT = 1
    PLAIN = 2


def build_response_format(mode: OutputMode, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that ask for a reply in an output mode."""
    if mode is OutputMode.SCHEMA:
        named = {"name": "reply", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if mode is OutputMode.OBJECT else {}


def follows_mode(mode: OutputMode, schema: Mapping[str, Any], reply: str) -> bool:
    """Return whether a reply follows its output mode: a JSON object, and for a schema one with its fields."""
    if mode is OutputMode.PLAIN:
        return True  # whatever it is: JSON is looked for within the prose
    try:
        found = parse_json(reply)
    except JsonError:
        return False
    return isinstance(found, dict) and (mode is OutputMode.OBJECT or set(schema.get("required", ())) <= set(found))


def build_strict_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object as strict mode wants it: every field is required, and there are no others."""
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}
