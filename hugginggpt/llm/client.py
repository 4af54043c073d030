"""One language model behind an OpenAI-compatible server: OpenAI, the Hugging Face router, vLLM, Ollama, llama.cpp...

Chat Completions is their common ground. Every failure becomes one sentence; the key appears neither in it nor in the
cause that is kept for the log.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import BrokenOffError, ControllerError
from hugginggpt.core.events import Stage, Usage
from hugginggpt.core.ssrf import AddressPolicy
from hugginggpt.llm.capabilities import Capabilities
from hugginggpt.llm.chat_requester import ChatRequester, Reply
from hugginggpt.llm.completions import (
    ThoughtFilter,
    has_declined,
    is_empty_completion,
    read_chunk,
    read_completion,
    read_cost,
    read_token_count,
    read_usage,
)
from hugginggpt.llm.connection import OPENAI_URL, Connection
from hugginggpt.llm.context_window import DEFAULT_WINDOW, fetch_model_list
from hugginggpt.llm.errors import ERROR_SENTENCES
from hugginggpt.llm.model_list import find_price, find_window
from hugginggpt.llm.request_form import Message, RequestForm
from hugginggpt.llm.structured_output import OutputMode, follows_mode

if TYPE_CHECKING:
    import openai

DEFAULT_MODEL: Final = "gpt-5.4-mini"
"""Default model at OpenAI."""
HUGGING_FACE_URL: Final = "https://router.huggingface.co/v1"
HUGGING_FACE_MODEL: Final = "openai/gpt-oss-120b"
"""Default model at Hugging Face."""
_NO_LIST_STATUSES: Final = frozenset({403, 404, 405, 501})
"""Statuses of a server that has no list of its models, or none for this key."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Language model at a server, with the key to it; made for one session and gone with it."""

    model: str
    base_url: str = field(default=OPENAI_URL, repr=False)
    key: str = field(default="", repr=False)
    seconds: float = 120.0
    """Time for one whole reply; for a streamed one, for each pause in it."""
    allowed: AddressPolicy | None = field(default=None, repr=False)
    """IP addresses that the server may have; None: any, and then the environment's proxies are used too."""
    bill_to: str = ""
    """Organization on the Hub that pays at Hugging Face's router; empty for the key's own account."""

    @property
    def server(self) -> str:
        """Host of the server, as people see it; never the base URL, which may hold a secret pasted there by mistake."""
        return self._connection.server

    @property
    def _connection(self) -> Connection:
        return Connection(self.base_url, self.key, self.seconds, self.allowed, self.bill_to)

    @property
    def _requester(self) -> ChatRequester:
        return ChatRequester(self.model, self._connection)

    @property
    def capabilities(self) -> Capabilities:
        """Capabilities observed in this process, whoever asked the model."""
        return self._requester.capabilities

    async def check(self) -> None:
        """Refuse at once what every call would refuse, as `Connection.check` does.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        await self._connection.check()

    async def complete(
        self, messages: Sequence[Message], stage: Stage, *, schema: Mapping[str, Any] | None = None
    ) -> tuple[str, Usage]:
        """Return the model's whole reply and its usage.

        Args:
            messages: role and content of each.
            stage: Stage that the tokens are counted for.
            schema: JSON schema that the reply should follow, as strictly as the server can be held to it.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        text, usage, fault = await self._complete(messages, stage, schema)
        if fault:
            raise fault
        return text, usage

    async def _complete(
        self, messages: Sequence[Message], stage: Stage, schema: Mapping[str, Any] | None
    ) -> tuple[str, Usage, ControllerError | None]:
        """Return a reply in one piece, its usage and its fault, if any: a useless reply may cost, too."""
        start_time = time.monotonic()
        async with self._connection.client() as client:
            reply = await self._requester.await_reply(self._requester.ask(client, messages, schema), messages)
            if reply.form.streams:  # the model can do nothing else
                return await self._join_pieces(reply, stage, schema, start_time)
        return self._read_whole(reply, stage, schema, start_time)

    async def _join_pieces(
        self, reply: Reply, stage: Stage, schema: Mapping[str, Any] | None, start_time: float
    ) -> tuple[str, Usage, ControllerError | None]:
        text, usage, fault = "", self._build_usage(stage, None, start_time), None
        try:
            async for piece in self._stream_pieces(reply, stage, schema, start_time):
                if isinstance(piece, Usage):
                    usage = piece
                else:
                    text += piece
        except ControllerError as error:
            fault = error
        return text, usage, fault

    def _read_whole(
        self, reply: Reply, stage: Stage, schema: Mapping[str, Any] | None, start_time: float
    ) -> tuple[str, Usage, ControllerError | None]:
        if (found := read_completion(reply.whole)) is None:
            sentence = "no_reply" if is_empty_completion(reply.whole) else "no_completion"
            raise self._requester.build_error(ERROR_SENTENCES[sentence])
        text, finish_reason = found
        usage = self._build_usage(stage, read_usage(reply.whole), start_time)
        if finish_reason == "length":
            return text, usage, self._requester.build_error(ERROR_SENTENCES["cut_off"], BrokenOffError)
        if not text:
            declined = "model_refused" if has_declined(reply.whole) else "no_reply"
            return text, usage, self._requester.build_error(ERROR_SENTENCES[declined])
        self._step_down_if_broken(reply.form, schema, text)
        return text, usage, None

    async def stream(
        self, messages: Sequence[Message], stage: Stage, *, schema: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[str | Usage]:
        """Yield the model's reply in pieces, then its usage.

        Args:
            messages: role and content of each.
            stage: Stage that the tokens are counted for.
            schema: As for `complete`. With a schema a reply that was cut off is an error; without one it stands as it is.

        Raises:
            BrokenOffError: The reply ended before it was complete.
            ControllerError: One sentence that says what to do.
        """
        start_time = time.monotonic()
        async with self._connection.client() as client:
            ask = self._requester.ask(client, messages, schema, streamed=True)
            reply = await self._requester.await_reply(ask, messages)
            if reply.first is not None:  # aclosing: a caller who stops early ends the connection at once
                async with aclosing(self._stream_pieces(reply, stage, schema, start_time)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
        if reply.rest is None:  # it streams no replies of this model, which was known, or found out just now
            text, usage, fault = self._read_whole(reply, stage, schema, start_time)
        else:  # it answers as a whole, whatever it is asked
            text, usage, fault = await self._complete(messages, stage, schema)
            if text:
                self._requester.remember(replace(self.capabilities, streams=False))  # an error or no text proves nothing
        if text:
            yield text
        yield usage
        if fault and (schema is not None or not text):
            raise fault

    async def _stream_pieces(
        self, reply: Reply, stage: Stage, schema: Mapping[str, Any] | None, start_time: float
    ) -> AsyncGenerator[str | Usage]:
        usage, written, truncated, declined = None, "", False, False
        thoughts = ThoughtFilter()
        piece = reply.first
        try:
            while piece is not None:
                usage = read_usage(piece) or usage  # in the last piece, or in each
                text, finish_reason = read_chunk(piece)
                truncated = truncated or finish_reason == "length"  # pieces may follow, with the usage
                declined = declined or has_declined(piece)
                if text := thoughts.feed(text):
                    written += text
                    yield text
                piece = await self._requester.await_piece(reply)
        except BrokenOffError:
            if not truncated:  # else it is cut off, whatever the server says of that
                yield self._build_usage(stage, usage, start_time)  # a reply that broke off may cost, too
                raise
        yield self._build_usage(stage, usage, start_time)
        if not written and not truncated:
            raise self._requester.build_error(ERROR_SENTENCES["model_refused" if declined else "no_reply"])
        if truncated and (schema is not None or not written):
            raise self._requester.build_error(ERROR_SENTENCES["cut_off"], BrokenOffError)
        self._step_down_if_broken(reply.form, schema, written)

    def _step_down_if_broken(self, form: RequestForm, schema: Mapping[str, Any] | None, text: str) -> None:
        """Step down to the next output mode if the server accepted one and the reply doesn't follow it."""
        if schema is not None and not follows_mode(form.mode, schema, text):
            self._requester.remember(replace(self.capabilities, mode=OutputMode(form.mode + 1)))

    async def list_models(self) -> Any:
        """Fetch the server's answer to GET /models, unchecked; None where it has no such list.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        async with self._connection.client() as client:
            return await self._requester.await_reply(self._get_models(client))

    async def _get_models(self, client: openai.AsyncOpenAI) -> Any:
        try:
            return await client.with_options(max_retries=0).get("/models", cast_to=object)
        except Exception as error:
            if isinstance(error, ValueError):  # the body is no JSON, whatever its Content-Type says
                return ""
            if getattr(error, "status_code", None) not in _NO_LIST_STATUSES:
                raise
        return None

    async def get_window(self) -> int:
        """Return the context window in tokens: ask the server once; a usual number where it doesn't tell."""
        if self.capabilities.window is None:
            self.learn(await fetch_model_list(self._connection))
        return self.capabilities.window or DEFAULT_WINDOW  # 0 is remembered, too: it isn't asked again

    def learn(self, models: Any) -> None:
        """Remember what a server's list, which may be anything, tells of the model: its window and its price."""
        window = find_window(models, self.model) or self.capabilities.window or 0  # a refusal may have named it
        self._requester.remember(replace(self.capabilities, window=window, price=find_price(models, self.model)))

    def _build_usage(self, stage: Stage, usage: Any, start_time: float) -> Usage:
        tokens = read_token_count(usage, "prompt_tokens"), read_token_count(usage, "completion_tokens")
        cost, price = read_cost(usage), self.capabilities.price
        estimated = cost is None and price is not None and any(tokens)
        if estimated and price is not None:
            cost = price.compute(*tokens)
        return Usage(stage, 1, *tokens, seconds=time.monotonic() - start_time, cost=cost, estimated=estimated)
