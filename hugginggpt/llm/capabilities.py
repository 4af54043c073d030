"""Capabilities observed per server and model, kept for the process."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from hugginggpt.llm.model_list import Price
from hugginggpt.llm.structured_output import OutputMode

_MAX_MODELS: Final = 500  # number of models remembered; the one updated longest ago is dropped first


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of one model at one server; what hasn't been tried yet is assumed to work."""

    mode: OutputMode = OutputMode.SCHEMA
    """Strictest output mode that the server accepts and the replies follow."""
    counts_tokens: bool = True
    """True if a stream may be asked for its token counts at its end."""
    streams: bool = True
    """True if replies can be streamed; some servers answer as a whole, whatever they are asked."""
    answers_whole: bool = True
    """True if replies come in one piece where that is asked for; some models can only stream."""
    has_default_limit: bool = True
    """True if a reply needs no limit of tokens; some servers want one with each request."""
    accepts_temperature: bool = True
    """True if a temperature may be set; reasoning models, as a rule, refuse one."""
    accepts_system: bool = True
    """True if instructions may have a message of their own, in the role of the system."""
    accepts_images: bool = True
    """True if the model takes pictures."""
    window: int | None = None
    """Context window in tokens; 0: the server was asked and didn't tell, None: not asked yet."""
    price: Price | None = None
    """Price by the server's own list; None where it doesn't tell, or wasn't asked."""
    max_reply: int | None = None
    """Most tokens that a reply may be allowed; None where no limit has shown."""


class CapabilityCache:
    """Cache of capabilities; its keys are hashes, since a URL may hold a secret that was pasted by mistake."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: OrderedDict[str, Capabilities] = OrderedDict()

    def get(self, base_url: str, model: str) -> Capabilities:
        """Return the capabilities of a model at a server, as far as they were observed."""
        return self._known.get(_hash_key(base_url, model), Capabilities())

    def store(self, base_url: str, model: str, capabilities: Capabilities) -> None:
        """Store the capabilities of a model at a server."""
        key = _hash_key(base_url, model)
        self._known[key] = capabilities
        self._known.move_to_end(key)  # assigning to a known key leaves it where it is
        while len(self._known) > _MAX_MODELS:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget all models."""
        self._known.clear()


def _hash_key(base_url: str, model: str) -> str:
    return hashlib.sha256(f"{base_url}\n{model}".encode("utf-8", "replace")).hexdigest()  # lone surrogates may be pasted


CAPABILITIES: Final = CapabilityCache()
"""Cache of this process, shared by all sessions."""
