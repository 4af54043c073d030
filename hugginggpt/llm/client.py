"""One language model behind an OpenAI-compatible server: OpenAI, the Hugging Face router, vLLM, Ollama, llama.cpp...

Chat Completions is their common ground. Every failure becomes one sentence; the key appears in none of them, nor in
the cause that is kept for the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hugginggpt.core.errors import BrokenOffError, ControllerError, NoPicturesError, TooLongError
from hugginggpt.core.events import Stage, Usage
from hugginggpt.core.http import ServerFault, without_key
from hugginggpt.core.ssrf import AddressPolicy
from hugginggpt.llm.capabilities import CAPABILITIES, Capabilities
from hugginggpt.llm.completions import dollars, spoken, tokens, whole_words, words_of
from hugginggpt.llm.connection import Connection
from hugginggpt.llm.context_window import USUAL, told_window, window_in
from hugginggpt.llm.errors import CUT, NO_COMPLETION, NOTHING, TOO_MUCH, about_pictures, sentence, too_long
from hugginggpt.llm.structured_output import OutputMode, OutputSchema, forms, keeps

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

Message = Mapping[str, Any]
"""role and content: a text, or parts with pictures among them."""

OPENAI_URL: Final = "https://api.openai.com/v1"
DEFAULT_MODEL: Final = "gpt-5.4-mini"
"""What is asked for at OpenAI when nobody says otherwise."""
HUGGING_FACE_URL: Final = "https://router.huggingface.co/v1"
HUGGING_FACE_MODEL: Final = "openai/gpt-oss-120b"
"""What is asked for at Hugging Face when nobody says otherwise."""
_UNKNOWN_PARAMETER: Final = frozenset({400, 422, 500, 501})
"""What servers answer to a parameter that they don't know."""
_REFUSED_PARAMETER: Final = frozenset({400, 422, 501})
"""Those of them that aren't a passing trouble."""
_TROUBLE: Final = 500
"""From which status on a server is in trouble of its own: two of them are enough."""
_REFUSES_PICTURES: Final = frozenset({400, 404, 415, 422, 500, 501})
_KEEPS_NO_LIST: Final = frozenset({403, 404, 405, 501})
"""What a server answers that has no list of its models, or none for this key."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model at a server, with the key to it; made for one session and gone with it."""

    model: str
    base_url: str = field(default=OPENAI_URL, repr=False)
    key: str = field(default="", repr=False)
    seconds: float = 120.0
    """Time for one whole reply; for a streamed one, for each silence in it."""
    allowed: AddressPolicy | None = field(default=None, repr=False)
    """Which IP addresses the server may have; None: any, and then the environment's proxies are used too."""

    @property
    def server(self) -> str:
        """The server's host, as people see it; never a base URL that may hold what was pasted there by mistake."""
        return self._connection.server

    @property
    def _connection(self) -> Connection:
        return Connection(self.base_url, self.key, self.seconds, self.allowed)

    @property
    def habits(self) -> Capabilities:
        """What the model has shown of itself in this process, whoever asked it."""
        return CAPABILITIES.of(self.base_url, self.model)

    def _learn(self, habits: Capabilities) -> None:
        CAPABILITIES.learn(self.base_url, self.model, habits)

    async def check(self) -> None:
        """Refuse at once what every call would refuse: a malformed address or key, a host that may not be reached.

        The host's name is looked up only where not every address is allowed. Calls check again as they connect.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        await self._connection.check()

    async def complete(
        self, messages: Sequence[Message], stage: Stage, *, schema: Mapping[str, Any] | None = None
    ) -> tuple[str, Usage]:
        """The model's reply as a whole.

        Args:
            messages: role and content of each.
            stage: Which stage the tokens are counted for.
            schema: JSON schema that the reply should follow, as strictly as the server can be held to it.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        text, usage, fault = await self._whole(messages, stage, schema)
        if fault:
            raise fault
        return text, usage

    async def _whole(
        self, messages: Sequence[Message], stage: Stage, schema: Mapping[str, Any] | None
    ) -> tuple[str, Usage, ControllerError | None]:
        """A reply in one piece, what it used, and what is wrong with it: it was asked all the same, and it may cost."""
        begun = time.monotonic()
        async with self._connection.client() as client:
            reply, form = await self._within(self._asked(client, messages, schema), messages)
        if (found := whole_words(reply)) is None:
            raise self._error(NO_COMPLETION)
        text, ended = found
        usage = self._usage(stage, reply.usage, begun)
        if ended == "length":
            return text, usage, self._error(CUT, BrokenOffError)
        if not text:
            return text, usage, self._error(NOTHING)
        self._notice(form, schema, text)
        return text, usage, None

    async def stream(
        self, messages: Sequence[Message], stage: Stage, *, schema: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[str | Usage]:
        """The model's reply in pieces, then what it used.

        Args:
            messages: role and content of each.
            stage: Which stage the tokens are counted for.
            schema: As for `complete`. A reply with one that ends before its time is an error, one without is what it is.

        Raises:
            BrokenOffError: The reply ended before it was complete.
            ControllerError: One sentence that says what to do.
        """
        heard = False
        if self.habits.streams:
            async with aclosing(self._pieces(messages, stage, schema)) as pieces:
                async for piece in pieces:
                    heard = True
                    yield piece
        if heard:
            return
        text, usage, fault = await self._whole(messages, stage, schema)
        if text:
            self._learn(replace(self.habits, streams=False))
            yield text
        yield usage
        if fault and (schema is not None or not text):
            raise fault

    async def _pieces(
        self, messages: Sequence[Message], stage: Stage, schema: Mapping[str, Any] | None
    ) -> AsyncGenerator[str | Usage]:
        """As `stream`; nothing at all from a server that answers as a whole, whatever it is asked."""
        begun, usage, held, heard, said, cut = time.monotonic(), None, "", False, "", False
        async with self._connection.client() as client:
            pieces, form = await self._within(self._asked(client, messages, schema, streamed=True), messages)
            try:
                while (piece := await self._within(anext(pieces, None), begun=heard)) is not None:
                    heard = True
                    usage = getattr(piece, "usage", None) or usage
                    text, ended = words_of(piece)
                    cut = cut or ended == "length"
                    if not said:
                        held += text
                        text = spoken(held) or ""
                    if text:
                        said += text
                        yield text
            except BrokenOffError:
                yield self._usage(stage, usage, begun)  # it was asked, and it may cost
                raise
        if not heard:
            return
        yield self._usage(stage, usage, begun)
        if not said and not cut:
            raise self._error(NOTHING)
        if cut and (schema is not None or not said):
            raise self._error(CUT, BrokenOffError)
        self._notice(form, schema, said)

    def _notice(self, form: OutputSchema, schema: Mapping[str, Any] | None, text: str) -> None:
        """A server that takes a form and doesn't keep it isn't asked for it again."""
        if schema is not None and not keeps(form.rung, schema, text):
            self._learn(replace(self.habits, rung=OutputMode(form.rung + 1)))

    async def _asked(
        self,
        client: openai.AsyncOpenAI,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        *,
        streamed: bool = False,
    ) -> tuple[Any, OutputSchema]:
        """Ask in the strictest form, and in the next one where that is refused.

        Returns:
            The reply, and the form that the server took.
        """
        arguments: dict[str, Any] = {"model": self.model, "messages": [dict(message) for message in messages]}
        if streamed:
            arguments["stream"] = True
        if schema is not None and self.base_url != OPENAI_URL and self.habits.takes_temperature:
            arguments["temperature"] = 0  # a plan is no place for chance
        # the forms go into the body as they are: the client would look at every field of a large schema first
        *doubtful, last = forms(schema, self.habits.rung, streamed=streamed, counts=self.habits.counts)
        refused = troubled = 0
        for form in doubtful:
            try:
                reply = await self._create(client, arguments, form)
            except Exception as error:
                refused = getattr(error, "status_code", None) or 0
                troubled += refused >= _TROUBLE
                if refused not in _UNKNOWN_PARAMETER or troubled > 1 or too_long(error) or self._is_blind(error, messages):
                    raise
            else:
                break
        else:
            form = last
            reply = await self._create(client, arguments, form)
        if refused in _REFUSED_PARAMETER:  # not a passing trouble: a habit
            habits = self.habits
            rung = habits.rung if schema is None else form.rung
            self._learn(replace(habits, rung=rung, counts=habits.counts and form.counted))
        return reply, form

    async def _create(self, client: openai.AsyncOpenAI, arguments: dict[str, Any], form: OutputSchema) -> Any:
        """Ask in one form; without a temperature, from now on, where that is what the server refuses."""
        try:
            return await client.chat.completions.create(**arguments, extra_body=form.arguments)
        except Exception as error:
            status = getattr(error, "status_code", None)
            if "temperature" not in arguments or status not in _REFUSED_PARAMETER or "temperature" not in str(error):
                raise
        del arguments["temperature"]
        self._learn(replace(self.habits, takes_temperature=False))
        return await client.chat.completions.create(**arguments, extra_body=form.arguments)

    async def _within(self, call: Awaitable[T], messages: Sequence[Message] = (), *, begun: bool = False) -> T:
        """Wait for a call until the deadline; raised outside the handler, so that no exception with a key is its context."""
        try:
            async with asyncio.timeout(self.seconds):
                return await call
        except Exception as error:
            kind: type[ControllerError] = ControllerError
            if begun:
                kind = BrokenOffError
            elif self._is_too_long(error):
                kind = TooLongError
            elif self._is_blind(error, messages):
                kind = NoPicturesError
                self._learn(replace(self.habits, sees=False))
            failed = self._error(sentence(error, seconds=self.seconds, begun=begun), kind)
            failed.__cause__ = ServerFault(without_key(f"{type(error).__name__}: {error}", self.key))
        raise failed

    def _is_blind(self, error: Exception, messages: Sequence[Message]) -> bool:
        """Whether a question with pictures was refused for them."""
        shown = any(isinstance(message["content"], list) for message in messages)
        return shown and getattr(error, "status_code", None) in _REFUSES_PICTURES and about_pictures(error)

    def _is_too_long(self, error: Exception) -> bool:
        """Whether it is; then the window that the refusal names is remembered."""
        if getattr(error, "status_code", None) not in TOO_MUCH or not too_long(error):
            return False
        if told := window_in(str(error)):
            self._learn(replace(self.habits, window=told))
        return True

    async def listed(self) -> Any:
        """What the server answers when it is asked for its models, as it came; None where it has no such list.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        async with self._connection.client() as client:
            return await self._within(self._list(client))

    async def _list(self, client: openai.AsyncOpenAI) -> Any:
        try:
            return await client.with_options(max_retries=0).get("/models", cast_to=object)
        except Exception as error:
            if isinstance(error, ValueError):  # it says that it sends JSON, and doesn't
                return ""
            if getattr(error, "status_code", None) not in _KEEPS_NO_LIST:
                raise
        return None

    async def window(self) -> int:
        """How many tokens question and reply may have together: what the server says, asked once; a usual number otherwise."""
        known = self.habits.window
        if known is None:
            known = await told_window(self._connection, self.model)
            self._learn(replace(self.habits, window=known))
        return known or USUAL

    def _error(self, template: str, kind: type[ControllerError] = ControllerError) -> ControllerError:
        return kind(template.format(server=self.server, model=self.model))

    def _usage(self, stage: Stage, usage: Any, begun: float) -> Usage:
        return Usage(
            stage,
            calls=1,
            prompt_tokens=tokens(usage, "prompt_tokens"),
            completion_tokens=tokens(usage, "completion_tokens"),
            seconds=time.monotonic() - begun,
            cost=dollars(usage),
        )
