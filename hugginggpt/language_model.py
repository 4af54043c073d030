"""One language model behind an OpenAI-compatible server: OpenAI, the Hugging Face router, vLLM, Ollama, llama.cpp...

Chat Completions is their common ground. Every failure becomes one sentence; the key appears in none of them, nor in
the cause that is kept for the log.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hugginggpt.errors import ControllerError
from hugginggpt.events import Stage, Usage

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

Message = Mapping[str, str]

OPENAI_URL: Final = "https://api.openai.com/v1"
HUGGING_FACE_URL: Final = "https://router.huggingface.co/v1"
_CONNECT_SECONDS: Final = 10.0
_SENTENCES: Final[Mapping[int, str]] = {
    400: "{server} did not accept the request: the model “{model}” may not fit it.",
    401: "{server} refused the key: check it, or enter another one.",
    402: "The account at {server} is out of credit: top it up, or use another key.",
    403: "The key may not use “{model}” at {server}: choose another model, or give the key that permission.",
    404: "{server} knows no model “{model}”: check the name and the base URL.",
    413: "The request is too long for “{model}” at {server}.",
    422: "{server} did not accept the request: the model “{model}” may not fit it.",
    429: "{server} is over its rate limit or the account is out of quota: wait a minute, or check the account.",
}
_SERVER_TROUBLE: Final = "{server} has trouble of its own (status {status}): try again in a minute."


class _ServerFault(Exception):  # noqa: N818 (a cause kept for the log, never shown)
    """What a server said, with the key taken out."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model at a server, with the key to it; made for one session and gone with it."""

    model: str
    base_url: str = OPENAI_URL
    key: str = field(default="", repr=False)
    seconds: float = 60.0
    """Time for one call, to the last token."""

    @property
    def server(self) -> str:
        """The server's host, as people see it."""
        parts = urlsplit(self.base_url)
        return parts.hostname or self.base_url

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
        async with self._client() as client:
            try:
                reply = await client.chat.completions.create(**self._arguments(messages, schema))
            except ControllerError:
                raise
            except Exception as error:  # sorted out below: some servers refuse a schema as such
                if schema is None or getattr(error, "status_code", None) not in {400, 422, 500, 501}:
                    raise self._sentence(error) from self._cause(error)
                try:
                    reply = await client.chat.completions.create(**self._arguments(messages, None))
                except Exception as again:
                    raise self._sentence(again) from self._cause(again)
        text = reply.choices[0].message.content if reply.choices else None
        if not text:
            raise ControllerError(f"“{self.model}” at {self.server} answered nothing: try again, or another model.")
        return text, self._usage(stage, reply.usage)

    async def stream(self, messages: Sequence[Message], stage: Stage) -> AsyncIterator[str | Usage]:
        """The model's reply in pieces, then what it used.

        Raises:
            ControllerError: One sentence that says what to do.
        """
        usage = None
        async with self._client() as client:
            try:
                pieces = await client.chat.completions.create(
                    **self._arguments(messages, None), stream=True, stream_options={"include_usage": True}
                )
                async for piece in pieces:
                    usage = piece.usage or usage
                    if piece.choices and (text := piece.choices[0].delta.content):
                        yield text
            except Exception as error:
                raise self._sentence(error) from self._cause(error)
        yield self._usage(stage, usage)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        import openai

        timeout = openai.Timeout(self.seconds, connect=_CONNECT_SECONDS)
        try:
            client = openai.AsyncOpenAI(
                # "none" is what keyless local servers are given; None would read the server's own environment
                api_key=self.key or "none",
                base_url=self.base_url,
                organization="",
                project="",
                timeout=timeout,
                max_retries=1,
            )
        except Exception as error:
            raise ControllerError(f"{self.base_url} is not a valid base URL.") from self._cause(error)
        async with client:
            yield client

    def _arguments(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {"model": self.model, "messages": [dict(message) for message in messages]}
        if schema is not None:
            named = {"name": "reply", "strict": True, "schema": schema}
            arguments["response_format"] = {"type": "json_schema", "json_schema": named}
        return arguments

    def _usage(self, stage: Stage, usage: Any) -> Usage:
        return Usage(
            stage,
            calls=1,
            prompt_tokens=getattr(usage, "prompt_tokens", 0) or 0,
            completion_tokens=getattr(usage, "completion_tokens", 0) or 0,
        )

    def _sentence(self, error: Exception) -> ControllerError:
        import openai

        names = {"server": self.server, "model": self.model}
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            template = _SENTENCES.get(status) or _SERVER_TROUBLE
            return ControllerError(template.format(**names, status=status))
        if isinstance(error, openai.APITimeoutError):
            return ControllerError(f"{self.server} did not answer within {self.seconds:g} s: try again, or another model.")
        if isinstance(error, openai.APIConnectionError):
            return ControllerError(f"{self.server} can't be reached: check the base URL and the network.")
        return ControllerError(f"{self.server} answered something that is no chat completion: check the base URL.")

    def _cause(self, error: Exception) -> _ServerFault:
        text = f"{type(error).__name__}: {error}"
        return _ServerFault(text.replace(self.key, "[key]") if self.key else text)
