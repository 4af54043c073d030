"""Requests to one model, in the strictest form that its server accepts, which is found out and remembered.

Servers differ in the parameters they take: a JSON schema, token counts of a stream, a temperature. Each refusal is
remembered in `capabilities`, so that the next request is right at once; every failure becomes one sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hugginggpt.core.errors import BrokenOffError, ControllerError, NoPicturesError, TooLongError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.connection import OPENAI_URL, Connection
from hugginggpt.llm.context_window import parse_refusal_window
from hugginggpt.llm.errors import TOO_LONG_STATUSES, describe_error, is_about_images, is_too_long
from hugginggpt.llm.structured_output import OutputSchema, list_output_schemas

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

Message = Mapping[str, Any]
"""Message of a chat: role and content, which is a text, or parts with pictures among them."""

_REFUSAL_STATUSES: Final = frozenset({400, 422, 500, 501})
"""Statuses with which servers refuse a parameter that they don't know."""
_LASTING_REFUSAL_STATUSES: Final = frozenset({400, 422, 501})
"""Those of them that can't be a passing failure, so that the refusal is remembered."""
_MIN_SERVER_ERROR_STATUS: Final = 500
"""Lowest status of a failure inside the server: after two of them nothing else is tried."""
_IMAGE_REFUSAL_STATUSES: Final = frozenset({400, 404, 415, 422, 500, 501})


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
    ) -> tuple[Any, OutputSchema]:
        """Ask in the strictest output mode, and in the next one where that is refused.

        Returns:
            The reply, and the form of request that the server accepted.
        """
        arguments: dict[str, Any] = {"model": self.model, "messages": messages}
        if streamed:
            arguments["stream"] = True
        if schema is not None and self.connection.base_url != OPENAI_URL and self.capabilities.accepts_temperature:
            arguments["temperature"] = 0  # the same request should give the same plan
        known = self.capabilities
        *optional, last = list_output_schemas(schema, known.mode, streamed=streamed, counts_tokens=known.counts_tokens)
        refusal = failures = 0
        for form in optional:
            try:
                reply = await self._create(client, arguments, form)
            except Exception as error:
                refusal = getattr(error, "status_code", None) or 0
                failures += refusal >= _MIN_SERVER_ERROR_STATUS
                if (
                    refusal not in _REFUSAL_STATUSES
                    or failures > 1
                    or is_too_long(error)
                    or self._refuses_images(error, messages)
                ):
                    raise
            else:
                break
        else:
            form = last
            reply = await self._create(client, arguments, form)  # no looser form is left: its failure is the caller's
        if refusal in _LASTING_REFUSAL_STATUSES:  # not a passing failure, so it is remembered
            known = self.capabilities
            mode = known.mode if schema is None else form.mode
            self.remember(replace(known, mode=mode, counts_tokens=known.counts_tokens and form.counts_tokens))
        return reply, form

    async def _create(self, client: openai.AsyncOpenAI, arguments: dict[str, Any], form: OutputSchema) -> Any:
        """Ask in one form; without a temperature, from now on, where the server refuses one."""
        try:
            return await self._post(client, {**arguments, **form.arguments})
        except Exception as error:
            status = getattr(error, "status_code", None)
            if "temperature" not in arguments or status not in _LASTING_REFUSAL_STATUSES or "temperature" not in str(error):
                raise
        del arguments["temperature"]  # in `ask` too, so that no later form sends it
        self.remember(replace(self.capabilities, accepts_temperature=False))
        return await self._post(client, {**arguments, **form.arguments})

    async def _post(self, client: openai.AsyncOpenAI, body: Mapping[str, Any]) -> Any:
        """Send a request and return the reply as JSON, or as a stream of it.

        Not by `chat.completions.create`: it would build an object of each piece of a reply, and look at every field of what
        is sent, which together take more time than all else that is done for a call.
        """
        import openai

        pieces = openai.AsyncStream[object]
        return await client.post(
            "/chat/completions", body=body, cast_to=object, stream=bool(body.get("stream")), stream_cls=pieces
        )

    async def await_reply(self, call: Awaitable[T], messages: Sequence[Message] = (), *, started: bool = False) -> T:
        """Wait for a call until the deadline; raise outside the handler, so that no exception with a key is the context."""
        try:
            async with asyncio.timeout(self.connection.seconds):  # httpx's own starts anew with each read
                return await call
        except Exception as error:
            error_class: type[ControllerError] = ControllerError
            if started:
                error_class = BrokenOffError
            elif self._is_too_long(error):
                error_class = TooLongError
            elif self._refuses_images(error, messages):
                error_class = NoPicturesError
                self.remember(replace(self.capabilities, accepts_images=False))
            failure = self.build_error(describe_error(error, seconds=self.connection.seconds, started=started), error_class)
            failure.__cause__ = ServerFault(redact_key(f"{type(error).__name__}: {error}", self.connection.key))
        raise failure

    def _refuses_images(self, error: Exception, messages: Sequence[Message]) -> bool:
        """Return whether a request with pictures was refused because of them."""
        has_images = any(isinstance(message["content"], list) for message in messages)
        return has_images and getattr(error, "status_code", None) in _IMAGE_REFUSAL_STATUSES and is_about_images(error)

    def _is_too_long(self, error: Exception) -> bool:
        """Return whether a request was refused as too long; remember the window that the refusal names."""
        if getattr(error, "status_code", None) not in TOO_LONG_STATUSES or not is_too_long(error):
            return False
        if window := parse_refusal_window(str(error)):
            self.remember(replace(self.capabilities, window=window))
        return True

    def build_error(self, template: str, error_class: type[ControllerError] = ControllerError) -> ControllerError:
        """Return an error with a sentence of ``errors.yaml``, filled in."""
        return error_class(template.format(server=self.connection.server, model=self.model))
