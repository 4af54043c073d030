"""One language model behind an OpenAI-compatible server: OpenAI, the Hugging Face router, vLLM, Ollama, llama.cpp...

Chat Completions is their common ground. Every failure becomes one sentence; the key appears in none of them, nor in
the cause that is kept for the log.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from hugginggpt.errors import ControllerError
from hugginggpt.events import Stage, Usage

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

Message = Mapping[str, str]

OPENAI_URL: Final = "https://api.openai.com/v1"
HUGGING_FACE_URL: Final = "https://router.huggingface.co/v1"
_CONNECT_SECONDS: Final = 10.0
_SENTENCES: Final[Mapping[int | str, str]] = {
    400: "{server} did not accept the request: the model “{model}” may not fit it.",
    401: "{server} refused the key: check it, or enter another one.",
    402: "The account at {server} is out of credit: top it up, or use another key.",
    403: "The key may not use “{model}” at {server}: choose another model, or give the key that permission.",
    404: "{server} knows no model “{model}”: check the name and the base URL.",
    413: "The request is too long for “{model}” at {server}: shorten it, or choose another model.",
    422: "{server} did not accept the request: the model “{model}” may not fit it.",
    429: "{server} is over its rate limit or the account is out of quota: wait a minute, or check the account.",
    "insufficient_quota": "The account at {server} is out of credit: top it up, or use another key.",
    "context_length_exceeded": "The request is too long for “{model}” at {server}: shorten it, or choose another model.",
}
"""By HTTP status, or by the server's own code where that says more."""
_SERVER_TROUBLE: Final = "{server} has trouble of its own (status {status}): try again in a minute."
_NO_COMPLETION: Final = "{server} answered something that is no chat completion: check the base URL."
_NOTHING: Final = "“{model}” at {server} answered nothing: try again, or another model."
_CUT: Final = "“{model}” at {server} ran out of room in the middle of its reply: shorten the request, or choose another model."
_BROKEN_OFF: Final = "{server} broke off in the middle of its answer: try again in a minute."
_BAD_URL: Final = "The base URL is not valid: write it like https://host/v1, without a name or password in it."
_BAD_KEY: Final = "The key for {server} holds a blank or a sign that no key has: copy it again."
_UNKNOWN_PARAMETER: Final = frozenset({400, 422, 500, 501})
"""What servers answer to a parameter that they don't know."""
_KEY: Final = re.compile(r"[!-~]*")
_MASKED_KEY: Final = re.compile(r"\b(?:sk|hf|gsk|pk|xai|nvapi)[-_][\w*.…-]+")
_MAX_FAULT_CHARS: Final = 600


class _ServerFault(Exception):  # noqa: N818 (a cause kept for the log, never shown)
    """What a server said, with the key taken out."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model at a server, with the key to it; made for one session and gone with it."""

    model: str
    base_url: str = field(default=OPENAI_URL, repr=False)
    key: str = field(default="", repr=False)
    seconds: float = 120.0
    """Time for one whole reply; for a streamed one, for each silence in it."""

    @property
    def server(self) -> str:
        """The server's host, as people see it; never a base URL that may hold what was pasted there by mistake."""
        try:
            return urlsplit(self.base_url).hostname or "an unknown server"
        except ValueError:
            return "an unknown server"

    async def complete(
        self, messages: Sequence[Message], stage: Stage, *, schema: Mapping[str, Any] | None = None
    ) -> tuple[str, Usage]:
        """The model's reply as a whole.

        Args:
            messages: role and content of each.
            stage: Which stage the tokens are counted for.
            schema: JSON schema that the reply should follow; left out when the server doesn't take one.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        named = {"name": "reply", "strict": True, "schema": schema}
        extra = {"response_format": {"type": "json_schema", "json_schema": named}} if schema is not None else {}
        async with self._client() as client:
            reply = await self._within(self._create(client, messages, extra))
        choices = getattr(reply, "choices", None)  # the client hands on an HTML page as a str
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            raise self._error(_NO_COMPLETION)
        if getattr(choice, "finish_reason", None) == "length":
            raise self._error(_CUT)
        if not isinstance(message.content, str) or not (text := spoken(message.content) or "").strip():
            raise self._error(_NOTHING)
        return text, self._usage(stage, reply.usage)

    async def stream(self, messages: Sequence[Message], stage: Stage) -> AsyncIterator[str | Usage]:
        """The model's reply in pieces, then what it used.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        usage, held, heard, said = None, "", False, False
        async with self._client() as client:
            pieces = await self._within(
                self._create(client, messages, {"stream_options": {"include_usage": True}}, stream=True)
            )
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
            raise self._error(_NOTHING if heard else _NO_COMPLETION)
        yield self._usage(stage, usage)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        import openai

        self._check()
        client = openai.AsyncOpenAI(
            # "none" is what keyless local servers are given; None would read the server's own environment
            api_key=self.key or "none",
            base_url=self.base_url,
            admin_api_key="",
            webhook_secret="",
            timeout=openai.Timeout(self.seconds, connect=_CONNECT_SECONDS),
            max_retries=1,
        )
        # what the client took from the environment all the same belongs to whoever runs this program, not to the session
        client.organization = client.project = None
        client._custom_headers = {}
        async with client:
            yield client

    def _check(self) -> None:
        """Refuse what can't be sent, before an exception quotes it."""
        try:
            parts = urlsplit(self.base_url)
            valid = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and parts.port != 0
        except ValueError:
            valid = False
        if not valid or not self.base_url.isprintable() or " " in self.base_url:
            raise self._error(_BAD_URL)
        if not _KEY.fullmatch(self.key):
            raise self._error(_BAD_KEY)

    async def _create(
        self, client: openai.AsyncOpenAI, messages: Sequence[Message], extra: Mapping[str, Any], **more: Any
    ) -> Any:
        """Ask with parameters that not every server knows, and without them where they are refused."""
        arguments: dict[str, Any] = {"model": self.model, "messages": [dict(message) for message in messages], **more}
        try:
            return await client.chat.completions.create(**arguments, **extra)
        except Exception as error:
            if not extra or getattr(error, "status_code", None) not in _UNKNOWN_PARAMETER:
                raise
        return await client.chat.completions.create(**arguments)

    async def _within(self, call: Awaitable[T], *, begun: bool = False) -> T:
        """Wait for a call until the deadline; raised outside the handler, so that no exception with a key is its context."""
        try:
            async with asyncio.timeout(self.seconds):
                return await call
        except Exception as error:
            failed = self._error(self._template(error, begun))
            failed.__cause__ = _ServerFault(self._without_key(f"{type(error).__name__}: {error}"))
        raise failed

    def _template(self, error: Exception, begun: bool) -> str:
        """The sentence for a failure; `begun` when a part of the reply was there already."""
        import openai

        status, code = getattr(error, "status_code", None), getattr(error, "code", None)
        if isinstance(status, int):
            known = _SENTENCES.get(code) if isinstance(code, str) else None
            return known or _SENTENCES.get(status) or _SERVER_TROUBLE.replace("{status}", str(status))
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            return f"{{server}} did not answer within {self.seconds:g} s: try again, or another model."
        if begun:
            return _BROKEN_OFF
        if isinstance(error, openai.APIConnectionError):
            return "{server} can't be reached: check the base URL and the network."
        return _NO_COMPLETION

    def _error(self, template: str) -> ControllerError:
        return ControllerError(template.format(server=self.server, model=self.model))

    def _without_key(self, text: str) -> str:
        for form in {self.key, repr(self.key)[1:-1], json.dumps(self.key)[1:-1], quote(self.key, safe="")} - {""}:
            text = text.replace(form, "[key]")
        return _MASKED_KEY.sub("[key]", text)[:_MAX_FAULT_CHARS]

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
