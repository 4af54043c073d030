"""Replies in JSON: what a server can be held to is found out once, and remembered as long as the process lives.

Three rungs, from strict to loose: a JSON schema, any JSON object, a plain reply out of which the JSON is read
(https://platform.openai.com/docs/guides/structured-outputs). A server that refuses a rung is asked on the next one; a
server that takes a schema and answers something else is noticed, and not sent one again.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

_MOST: Final = 500
"""How many servers are remembered."""


class Rung(IntEnum):
    """How strictly a reply is held to its form."""

    SCHEMA = 0
    OBJECT = 1
    PLAIN = 2


def response_format(rung: Rung, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that ask for a reply on that rung."""
    if rung is Rung.SCHEMA:
        named = {"name": "reply", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if rung is Rung.OBJECT else {}


def keeps(rung: Rung, schema: Mapping[str, Any], reply: str) -> bool:
    """Whether a reply is what was asked for on that rung: a JSON object, and for a schema one with its fields."""
    if rung is Rung.PLAIN:
        return True
    try:
        found = json.loads(reply)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (rung is Rung.OBJECT or set(schema.get("required", ())) <= set(found))


class Ladder:
    """Which rung each server has been found to stand on."""

    def __init__(self) -> None:
        """Know nothing yet: every server is tried with a schema."""
        self._known: OrderedDict[str, Rung] = OrderedDict()

    def forget(self) -> None:
        """Know nothing again."""
        self._known.clear()

    def rung(self, base_url: str, model: str) -> Rung:
        """Where to begin with a model at a server."""
        return self._known.get(_name(base_url, model), Rung.SCHEMA)

    def remember(self, base_url: str, model: str, rung: Rung) -> None:
        """That this rung is the strictest that works."""
        name = _name(base_url, model)
        self._known.pop(name, None)
        self._known[name] = rung
        while len(self._known) > _MOST:
            self._known.popitem(last=False)


def _name(base_url: str, model: str) -> str:
    """What stands for a server and its model: a hash, because an address may hold what was pasted there by mistake."""
    return hashlib.sha256(f"{base_url}\n{model}".encode()).hexdigest()


LADDER: Final = Ladder()
"""That of this process."""
