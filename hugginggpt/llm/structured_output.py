"""Structured output: the ways to ask for a reply in JSON, and the check that a reply follows.

Three modes, from strict to loose: a JSON schema, any JSON object, a plain reply out of which the JSON is read
(https://platform.openai.com/docs/guides/structured-outputs). A server that refuses a mode is asked in the next one; a
server that accepts a schema and answers something else is not sent one again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from hugginggpt.core.json_text import JsonError, parse_json


class OutputMode(IntEnum):
    """Strictness with which a reply is held to its form, the strictest first."""

    SCHEMA = 0  # the numbers count: one more is the next looser mode
    OBJECT = 1
    PLAIN = 2


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """Request of a reply in one output mode."""

    mode: OutputMode
    arguments: Mapping[str, Any]
    counts_tokens: bool
    """True if it asks for the token counts of a stream, or needn't."""


def build_response_format(mode: OutputMode, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that ask for a reply in an output mode."""
    if mode is OutputMode.SCHEMA:
        named = {"name": "reply", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if mode is OutputMode.OBJECT else {}


_ASK_FOR_USAGE: Final = {"stream_options": {"include_usage": True}}  # without it streams don't count; some servers refuse it


def list_output_schemas(
    schema: Mapping[str, Any] | None, first: OutputMode, *, streamed: bool, counts_tokens: bool
) -> list[OutputSchema]:
    """Return the ways to ask for a reply, the strictest first.

    Args:
        schema: JSON schema of the reply; None for prose.
        first: Strictest mode that the server isn't known to refuse.
        streamed: Whether the reply is streamed.
        counts_tokens: Whether the server may be asked for the token counts of a stream.
    """
    modes = [OutputMode.PLAIN] if schema is None else [mode for mode in OutputMode if mode >= first]
    plain = [OutputSchema(mode, build_response_format(mode, schema or {}), counts_tokens=not streamed) for mode in modes]
    if not streamed or not counts_tokens:  # else counting is given up last, after every mode was tried with it
        return plain
    return [*(OutputSchema(form.mode, {**form.arguments, **_ASK_FOR_USAGE}, counts_tokens=True) for form in plain), *plain]


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
