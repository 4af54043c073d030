"""The form of a request: which parameters it has that servers may refuse, and what is tried instead of each.

A refusal that names a parameter costs one further request, without that parameter. One that names none costs two at most: in
the next looser output mode, then without anything that can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.core.refusals import ServerRefusal
from hugginggpt.llm.refusals import list_parameters, names_parameter
from hugginggpt.llm.structured_output import OutputMode, build_response_format

Message = Mapping[str, Any]
"""Message of a chat: role and content, which is a text, or parts with pictures among them."""

_ASK_FOR_USAGE: Final = {"stream_options": {"include_usage": True}}
"""Without it streams don't count their tokens."""
MAX_REPLY_TOKENS: Final = 4_096
"""Most tokens of a reply where a server wants a number: what even small models may write, and twice what a plan takes."""
_SYSTEM_ROLES: Final = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True)
class RequestForm:
    """Form of one request."""

    mode: OutputMode = OutputMode.PLAIN
    """Output mode in which a reply in JSON is asked for; plain for prose."""
    streams: bool = False
    """True if the reply comes in pieces."""
    counts_tokens: bool = False
    """True if a stream is asked for its token counts."""
    sets_temperature: bool = False
    """True if a temperature of 0 is asked for."""
    has_system_role: bool = True
    """True if instructions have a message of their own; else they open the user's."""
    max_tokens: int | None = None
    """Most tokens of the reply; None for the server's own limit, which few servers lack."""

    def build_body(self, model: str, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the body of the request."""
        body: dict[str, Any] = {"model": model, "messages": messages if self.has_system_role else merge_system(messages)}
        if self.streams:
            body["stream"] = True
        if self.sets_temperature:
            body["temperature"] = 0  # the same request should give the same plan
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        if schema is not None:
            body |= build_response_format(self.mode, schema)
        return body | _ASK_FOR_USAGE if self.streams and self.counts_tokens else body

    def omit(self, parameter: str) -> RequestForm | None:
        """Return the form without a parameter of ``refusals.yaml``; None where it doesn't have it."""
        looser = _LOOSER[parameter](self)
        return None if looser == self else looser

    def omit_named(self, refusal: ServerRefusal, messages: Sequence[Message]) -> RequestForm | None:
        """Return the form without what a refusal names; None where it names nothing that this form has."""
        for parameter in list_parameters():
            if parameter == "system" and not any(message.get("role") in _SYSTEM_ROLES for message in messages):
                continue
            if names_parameter(refusal, parameter) and (looser := self.omit(parameter)):
                return looser
        return None

    def loosen(self, *, last: bool) -> RequestForm | None:
        """Return the form to try where a refusal names nothing; None where nothing is left to leave out.

        Args:
            last: Leave out all that can be.
        """
        if not last and self.mode is not OutputMode.PLAIN:
            return self.omit("response_format")
        bare = RequestForm(streams=self.streams, has_system_role=self.has_system_role, max_tokens=self.max_tokens)
        return None if bare == self else bare


def merge_system(messages: Sequence[Message]) -> list[Message]:
    """Return the messages for a model that knows users and assistants alone: instructions open the next user's message."""
    merged: list[Message] = []
    instructions: list[str] = []
    for message in messages:
        if message["role"] in _SYSTEM_ROLES:
            instructions.append(str(message["content"]))
        elif message["role"] == "user" and instructions:
            merged.append({**message, "content": _prepend("\n\n".join(instructions), message["content"])})
            instructions = []
        else:
            merged.append(message)
    return [*merged, {"role": "user", "content": "\n\n".join(instructions)}] if instructions else merged


def _prepend(text: str, content: Any) -> Any:
    return [{"type": "text", "text": text}, *content] if isinstance(content, list) else f"{text}\n\n{content}"


def _loosen_mode(form: RequestForm) -> RequestForm:
    return replace(form, mode=OutputMode(min(form.mode + 1, OutputMode.PLAIN)))


_LOOSER: Final[Mapping[str, Callable[[RequestForm], RequestForm]]] = {
    "stream_options": lambda form: replace(form, counts_tokens=False),
    "stream": lambda form: replace(form, streams=False, counts_tokens=False),
    "whole": lambda form: form if form.streams else replace(form, streams=True, counts_tokens=True),
    "max_tokens_default": lambda form: replace(form, max_tokens=form.max_tokens or MAX_REPLY_TOKENS),
    "temperature": lambda form: replace(form, sets_temperature=False),
    "response_format": _loosen_mode,
    "system": lambda form: replace(form, has_system_role=False),
}
