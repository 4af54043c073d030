"""What models at their servers have shown of themselves: found out once, and remembered as long as the process lives."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from hugginggpt.llm.structured_output import OutputMode

_MOST: Final = 500
"""How many models are remembered."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model at one server takes; whatever hasn't been tried yet is taken."""

    rung: OutputMode = OutputMode.SCHEMA
    """The strictest form that it takes and keeps."""
    counts: bool = True
    """Whether a stream may be asked for its tokens at its end."""
    streams: bool = True
    """Whether it streams; some servers answer as a whole, whatever they are asked."""
    takes_temperature: bool = True
    """Reasoning models, as a rule, don't."""
    sees: bool = True
    """Whether it takes pictures."""
    window: int | None = None
    """How much it holds, in tokens; 0: its server was asked and didn't tell, None: nobody has asked."""


class CapabilityCache:
    """The habits of the models that were asked last; a hash names each: an address may hold what was pasted by mistake."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: OrderedDict[str, Capabilities] = OrderedDict()

    def of(self, base_url: str, model: str) -> Capabilities:
        """What is known of a model at a server."""
        return self._known.get(_name(base_url, model), Capabilities())

    def learn(self, base_url: str, model: str, habits: Capabilities) -> None:
        """Take these for true from now on."""
        name = _name(base_url, model)
        self._known[name] = habits
        self._known.move_to_end(name)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Know nothing again."""
        self._known.clear()


def _name(base_url: str, model: str) -> str:
    return hashlib.sha256(f"{base_url}\n{model}".encode("utf-8", "replace")).hexdigest()


CAPABILITIES: Final = CapabilityCache()
"""To this process."""
