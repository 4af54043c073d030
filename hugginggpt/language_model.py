"""One language model behind an OpenAI-compatible server: OpenAI, the Hugging Face router, vLLM, Ollama, llama.cpp...

Chat Completions is their common ground. Every failure becomes one sentence; the key appears in none of them, nor in
the cause that is kept for the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from hugginggpt.addresses import AddressPolicy, GuardedTransport, RefusedError, resolve, well_formed
from hugginggpt.errors import ControllerError
from hugginggpt.events import Stage, Usage
from hugginggpt.server_faults import (
    BAD_KEY,
    BAD_PROXY,
    BAD_URL,
    CUT,
    NO_COMPLETION,
    NOTHING,
    PRIVATE,
    UNREACHABLE,
    ServerFault,
    asked_wait,
    sentence,
    without_key,
)
from hugginggpt.structure import LADDER, Rung, keeps, response_format

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

Message = Mapping[str, str]

OPENAI_URL: Final = "https://api.openai.com/v1"
DEFAULT_MODEL: Final = "gpt-5.4-mini"
"""What is asked for at OpenAI when nobody says otherwise."""
HUGGING_FACE_URL: Final = "https://router.huggingface.co/v1"
HUGGING_FACE_MODEL: Final = "openai/gpt-oss-120b"
"""What is asked for at Hugging Face when nobody says otherwise."""
_CONNECT_SECONDS: Final = 10.0
_LONGEST_WAIT: Final = 20.0
"""How long a server may ask to wait before the one second try, in seconds; a person is told of anything longer."""
_UNKNOWN_PARAMETER: Final = frozenset({400, 422, 500, 501})
"""What servers answer to a parameter that they don't know."""
_REFUSED_PARAMETER: Final = frozenset({400, 422, 501})
"""Those of them that aren't a passing trouble."""
_KEY: Final = re.compile(r"[!-~]*")


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
        try:
            return urlsplit(self.base_url).hostname or "an unknown server"
        except ValueError:
            return "an unknown server"

    async def check(self) -> None:
        """Refuse at once what every call would refuse: a malformed address or key, a host that may not be reached.

        The host's name is looked up only where not every address is allowed. Calls check again as they connect.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        url = self._checked_url()
        if self.allowed is None:
            return
        refused = ""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await resolve(url.raw_host.decode("ascii"), url.port or 443, self.allowed)
        except RefusedError:
            refused = PRIVATE
        except OSError:  # no such host, or no name server that answers in time
            refused = UNREACHABLE
        if refused:
            raise self._error(refused)

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
        async with self._client() as client:
            reply = await self._within(self._asked(client, messages, schema))
        choices = getattr(reply, "choices", None)  # the client hands on an HTML page as a str
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            raise self._error(NO_COMPLETION)
        if getattr(choice, "finish_reason", None) == "length":
            raise self._error(CUT)
        if not isinstance(message.content, str) or not (text := spoken(message.content) or "").strip():
            raise self._error(NOTHING)
        if schema is not None and not keeps(rung := LADDER.rung(self.base_url, self.model), schema, text):
            LADDER.remember(self.base_url, self.model, Rung(rung + 1))  # it took the form and didn't keep it
        return text, self._usage(stage, reply.usage)

    async def stream(self, messages: Sequence[Message], stage: Stage) -> AsyncIterator[str | Usage]:
        """The model's reply in pieces, then what it used.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        usage, held, heard, said = None, "", False, False
        async with self._client() as client:
            options = [{"stream_options": {"include_usage": True}}, {}]
            pieces, _, _ = await self._within(self._create(client, messages, options, stream=True))
            while (piece := await self._within(anext(pieces, None), begun=heard)) is not None:
                heard = True
                usage = piece.usage or usage
                text = (piece.choices[0].delta.content or "") if piece.choices else ""
                if not said:
                    held += text
                    text = spoken(held) or ""
                if text:
                    said = True
                    yield text
        if not said:
            raise self._error(NOTHING if heard else NO_COMPLETION)
        yield self._usage(stage, usage)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        import openai

        self._checked_url()
        client = openai.AsyncOpenAI(
            # "none" is what keyless local servers are given; None would read the server's own environment
            api_key=self.key or "none",
            base_url=self.base_url,
            admin_api_key="",
            webhook_secret="",
            timeout=openai.Timeout(self.seconds, connect=_CONNECT_SECONDS),
            max_retries=1,
            http_client=self._http_client(),
        )
        # what the client took from the environment all the same belongs to whoever runs this program, not to the session
        client.organization = client.project = None
        client._custom_headers = {}
        async with client:
            yield client

    def _http_client(self) -> httpx2.AsyncClient:
        """Follows no redirect: a server could send the request on to where the person never meant it to go."""
        hooks = {"response": [self._tell_of_a_long_wait]}
        if self.allowed is not None:
            transport = GuardedTransport(self.allowed)
            return httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, event_hooks=hooks)
        try:
            return httpx2.AsyncClient(follow_redirects=False, event_hooks=hooks)
        except (ValueError, ImportError, httpx2.InvalidURL):  # a proxy of a kind that is unknown or not installed
            pass
        raise self._error(BAD_PROXY)  # out here, so that no address with a proxy's password is its context

    async def _tell_of_a_long_wait(self, response: httpx2.Response) -> None:
        """Where the server asks for a long wait, have its refusal handed on at once; else the client sleeps that long."""
        if asked_wait(response.headers) > min(_LONGEST_WAIT, self.seconds / 2):
            response.headers["x-should-retry"] = "false"  # the client's own sign

    def _checked_url(self) -> httpx2.URL:
        """The base URL as the client reads it; what can't be sent is refused before an exception quotes it."""
        if (url := well_formed(self.base_url)) is None:
            raise self._error(BAD_URL)
        if not _KEY.fullmatch(self.key):
            raise self._error(BAD_KEY)
        return url

    async def _asked(self, client: openai.AsyncOpenAI, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> Any:
        """The reply, where there is a schema on the strictest rung that the server is known or found to take."""
        if schema is None:
            return (await self._create(client, messages, [{}]))[0]
        rungs = [rung for rung in Rung if rung >= LADDER.rung(self.base_url, self.model)]
        options = [response_format(rung, schema) for rung in rungs]
        reply, taken, refused = await self._create(client, messages, options)
        if taken and refused in _REFUSED_PARAMETER:
            LADDER.remember(self.base_url, self.model, rungs[taken])
        return reply

    async def _create(
        self, client: openai.AsyncOpenAI, messages: Sequence[Message], options: Sequence[Mapping[str, Any]], **more: Any
    ) -> tuple[Any, int, int]:
        """Ask with parameters that not every server knows, and with the next ones where they are refused.

        Returns:
            The reply, which of the options it came with, and the status that refused the one before (0: none was).
        """
        arguments: dict[str, Any] = {"model": self.model, "messages": [dict(message) for message in messages], **more}
        *doubtful, last = options
        refused = 0
        for number, extra in enumerate(doubtful):
            try:
                return await client.chat.completions.create(**arguments, **extra), number, refused
            except Exception as error:
                refused = getattr(error, "status_code", None) or 0
                if refused not in _UNKNOWN_PARAMETER:
                    raise
        return await client.chat.completions.create(**arguments, **last), len(doubtful), refused

    async def _within(self, call: Awaitable[T], *, begun: bool = False) -> T:
        """Wait for a call until the deadline; raised outside the handler, so that no exception with a key is its context."""
        try:
            async with asyncio.timeout(self.seconds):
                return await call
        except Exception as error:
            failed = self._error(sentence(error, seconds=self.seconds, begun=begun))
            failed.__cause__ = ServerFault(without_key(f"{type(error).__name__}: {error}", self.key))
        raise failed

    def _error(self, template: str) -> ControllerError:
        return ControllerError(template.format(server=self.server, model=self.model))

    def _usage(self, stage: Stage, usage: Any) -> Usage:
        return Usage(
            stage,
            calls=1,
            prompt_tokens=getattr(usage, "prompt_tokens", 0) or 0,
            completion_tokens=getattr(usage, "completion_tokens", 0) or 0,
        )


def spoken(reply: str) -> str | None:
    """A reply, or the beginning of one, without the thoughts that some models write first; None while these go on.

    >>> spoken("<think>An invoice, so...</think> It says 20417.")
    'It says 20417.'
    """
    start = reply.lstrip()
    if start.startswith("<think>"):
        _, end, rest = start.partition("</think>")
        return rest.lstrip() if end else None
    return None if "<think>".startswith(start) else reply
