"""Requests to one model, in the strictest form that its server accepts, which is found out and remembered.

Servers differ in the parameters they take: a JSON schema, streaming, token counts, a temperature, a message of the system.
What a refusal names is left out of the next request (see request_form.py) and remembered in `capabilities`, so that later ones
are right at once; every failure becomes one sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hugginggpt.core.errors import BrokenOffError, ControllerError, NoPicturesError, TooLongError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.refusals import RefusedReplyError, ServerRefusal
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.connection import OPENAI_URL, Connection
from hugginggpt.llm.context_window import parse_refusal_window
from hugginggpt.llm.errors import describe_error, is_about_images
from hugginggpt.llm.refusals import find_reason, find_refusal, names_parameter, read_refusal
from hugginggpt.llm.request_form import MAX_REPLY_TOKENS, Message, RequestForm
from hugginggpt.llm.structured_output import OutputMode

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

_REFUSAL_STATUSES: Final = frozenset({400, 404, 405, 413, 415, 422, 500, 501})
"""Statuses with which servers refuse a parameter that they name; 404 is one provider's, of a router that knows others."""
_UNNAMED_STATUSES: Final = frozenset({400, 422, 500, 501})
"""Statuses with which servers refuse a parameter that they don't know, without a word about which."""
_LASTING_STATUSES: Final = frozenset({400, 422, 501})
"""Those of them that can't be a passing failure, so that the refusal is remembered."""
_MAX_UNNAMED: Final = 2  # further requests where refusals name nothing
_IMAGE_REFUSAL_STATUSES: Final = frozenset({400, 404, 415, 422, 500, 501})


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a server, and the form in which it was asked."""

    form: RequestForm
    whole: Any = None
    """The reply as JSON, where it came whole."""
    first: Any = None
    """The first piece of a stream; None where there was none."""
    rest: AsyncIterator[Any] | None = None
    """Its further pieces; None where the reply came whole."""


@dataclass(frozen=True, slots=True)
class ChatRequester:
    """Sender of requests to one model, which learns from refusals what the server accepts."""

    model: str
    connection: Connection

    @property
    def capabilities(self) -> Capabilities:
        """Capabilities observed in this process, whoever asked the model."""
        return CAPABILITIES.get(self.connection.base_url, self.model)

    def remember(self, capabilities: Capabilities) -> None:
        """Store capabilities for all later requests of this process."""
        CAPABILITIES.store(self.connection.base_url, self.model, capabilities)

    async def ask(
        self,
        client: openai.AsyncOpenAI,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        *,
        streamed: bool = False,
    ) -> Reply:
        """Ask in the strictest form that isn't known to be refused, and in looser ones where it is.

        Args:
            client: The server's.
            messages: role and content of each.
            schema: JSON schema of the reply; None for prose.
            streamed: Whether the reply may come in pieces.
        """
        first = form = self._choose_form(schema, streamed=streamed)
        unnamed = 0
        lasts = True
        heard: set[str] = set()
        while True:
            try:
                reply = await self._send(client, form, messages, schema)
            except Exception as error:
                refusal = read_refusal(error)
                if refusal is not None:
                    unnamed = max(unnamed, refusal.text in heard)  # what it named was not the cause
                    heard.add(refusal.text)
                looser = None if refusal is None else self._find_looser(form, refusal, messages, schema, unnamed)
                if refusal is None or looser is None:
                    raise
                if not form.omit_named(refusal, messages):
                    unnamed += 1
                    lasts = lasts and refusal.status in _LASTING_STATUSES
                form, client = looser, client.with_options(max_retries=0)  # a passing failure was let pass once
            else:
                if form != first and lasts:
                    self.remember(_restrict(self.capabilities, form, first))
                return reply

    def _choose_form(self, schema: Mapping[str, Any] | None, *, streamed: bool) -> RequestForm:
        known = self.capabilities
        streams = not known.answers_whole or (streamed and known.streams)
        return RequestForm(
            mode=OutputMode.PLAIN if schema is None else known.mode,
            streams=streams,
            counts_tokens=streams and known.counts_tokens,
            max_tokens=None if known.has_default_limit else MAX_REPLY_TOKENS,
            sets_temperature=schema is not None and self.connection.base_url != OPENAI_URL and known.accepts_temperature,
            has_system_role=known.accepts_system,
        )

    def _find_looser(
        self,
        form: RequestForm,
        refusal: ServerRefusal,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        unnamed: int,
    ) -> RequestForm | None:
        """Return the form to try after a refusal; None where the refusal is about something else."""
        if refusal.status not in _REFUSAL_STATUSES or find_reason(refusal) is not None:
            return None
        if has_images(messages) and is_about_images(refusal):
            return None
        if named := form.omit_named(refusal, messages):
            return named
        limit = 1 if refusal.status not in _LASTING_STATUSES else _MAX_UNNAMED  # trouble of its own will not go by asking
        if refusal.status not in _UNNAMED_STATUSES or unnamed >= limit:
            return None
        return form.loosen(last=schema is None or unnamed > 0)

    async def _send(
        self, client: openai.AsyncOpenAI, form: RequestForm, messages: Sequence[Message], schema: Mapping[str, Any] | None
    ) -> Reply:
        """Ask in one form; with a stream, until its first piece, which may be a refusal.

        Not by `chat.completions.create`: it would build an object of each piece of a reply, and look at every field of what
        is sent, which together take more time than all else that is done for a call.
        """
        import openai

        body = form.build_body(self.model, messages, schema)
        path, pieces = "/chat/completions", openai.AsyncStream[object]
        reply: Any = await client.post(path, body=body, cast_to=object, stream=form.streams, stream_cls=pieces)
        first = await anext(reply, None) if form.streams else reply
        if refusal := find_refusal(first):
            raise RefusedReplyError(refusal)
        return Reply(form, first=first, rest=reply) if form.streams else Reply(form, whole=reply)

    async def await_reply(self, call: Awaitable[T], messages: Sequence[Message] = (), *, started: bool = False) -> T:
        """Wait for a call until the deadline; raise outside the handler, so that no exception with a key is the context."""
        try:
            async with asyncio.timeout(self.connection.seconds):  # httpx's own starts anew with each read
                return await call
        except Exception as error:
            refusal = read_refusal(error)
            error_class = BrokenOffError if started else self._choose_error_class(refusal, messages)
            sentence = describe_error(error, refusal, seconds=self.connection.seconds, started=started)
            failure = self.build_error(sentence, error_class)
            failure.__cause__ = ServerFault(redact_key(f"{type(error).__name__}: {error}", self.connection.key))
        raise failure

    async def await_piece(self, reply: Reply) -> Any:
        """Wait for the next piece of a stream; None at its end.

        Raises:
            BrokenOffError: There is none, or an error in its place.
        """

        async def read() -> Any:
            piece = await anext(reply.rest, None) if reply.rest else None
            if refusal := find_refusal(piece):
                if names_parameter(
                    refusal, "response_format"
                ):  # its model can't keep to the form; the next request is a looser one
                    looser = reply.form.omit("response_format") or reply.form
                    self.remember(replace(self.capabilities, mode=max(self.capabilities.mode, looser.mode)))
                raise RefusedReplyError(refusal)
            return piece

        return await self.await_reply(read(), started=True)

    def _choose_error_class(self, refusal: ServerRefusal | None, messages: Sequence[Message]) -> type[ControllerError]:
        """Return the class of error that a refusal is, by which callers ask again; remember what it says of the model."""
        if refusal is None:
            return ControllerError
        reason = find_reason(refusal)
        too_long = reason.name == "too_long" if reason else refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if too_long:
            if window := parse_refusal_window(refusal.text):
                self.remember(replace(self.capabilities, window=window))
            return TooLongError
        if has_images(messages) and refusal.status in _IMAGE_REFUSAL_STATUSES and is_about_images(refusal):
            self.remember(replace(self.capabilities, accepts_images=False))
            return NoPicturesError
        return ControllerError

    def build_error(self, template: str, error_class: type[ControllerError] = ControllerError) -> ControllerError:
        """Return an error with a sentence of ``errors.yaml``, filled in."""
        return error_class(template.format(server=self.connection.server, model=self.model))


def has_images(messages: Sequence[Message]) -> bool:
    """Return whether a request shows pictures."""
    return any(isinstance(message["content"], list) for message in messages)


def _restrict(known: Capabilities, accepted: RequestForm, refused: RequestForm) -> Capabilities:
    """Return what is known of a model that accepted one form and refused another."""
    return replace(
        known,
        mode=max(known.mode, accepted.mode) if accepted.mode != refused.mode else known.mode,
        streams=known.streams and accepted.streams >= refused.streams,
        counts_tokens=known.counts_tokens and (accepted.counts_tokens >= refused.counts_tokens or not accepted.streams),
        accepts_temperature=known.accepts_temperature and accepted.sets_temperature >= refused.sets_temperature,
        accepts_system=known.accepts_system and accepted.has_system_role >= refused.has_system_role,
        answers_whole=known.answers_whole and accepted.streams <= refused.streams,
        has_default_limit=known.has_default_limit and accepted.max_tokens == refused.max_tokens,
    )
