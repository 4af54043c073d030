"""Check of an OpenAI-compatible server and its key, without spending anything.

No key is kept here, and none appears in what is returned or raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.http import CHECK_SECONDS, MAX_ID_CHARS
from hugginggpt.core.json_text import JsonError, parse_json
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.connection import OPENAI_URL
from hugginggpt.llm.model_list import list_providers_of, split_route

_NO_LIST: Final = "{server} answered something that is no list of models: check the base URL, which usually ends in /v1."
_MAX_MODELS: Final = 1_000
_NO_CHAT_WORDS: Final = (
    "audio", "babbage", "dall-e", "davinci", "embedding", "image", "moderation", "realtime", "sora", "transcribe", "tts",
    "whisper",
)  # fmt: skip
"""Parts of names of OpenAI's models that can't chat."""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """Models of an OpenAI-compatible server."""

    model: LanguageModel
    """Model that was asked about, at the base URL where the server was found."""
    models: tuple[str, ...] | None
    """Ids of its models; None where it keeps no list."""
    providers: tuple[str, ...] = ()
    """Providers that a router's list names for the model."""

    @property
    def has_model(self) -> bool | None:
        """True if the model is on the list, as it is named or without a policy or provider; None where there is no list."""
        named = {self.model.model, split_route(self.model.model)[0]} if self.providers else {self.model.model}
        return None if self.models is None else not named.isdisjoint(self.models)


async def check_server(model: LanguageModel, *, seconds: float = CHECK_SECONDS) -> ServerReport:
    """Ask a server for its models, with the key; below ``/v1`` too, where the address has no path.

    Args:
        model: Base URL and key; its name may be empty.
        seconds: Time for each question.

    Raises:
        ControllerError: The key is refused or without credit, nobody answers, or it is no such server.
    """
    attempts = [model]
    if not urlsplit(model.base_url).path.strip("/"):
        attempts.append(replace(model, base_url=f"{model.base_url.rstrip('/')}/v1"))
    has_answer = False
    for attempt in attempts:
        answer = await replace(attempt, seconds=seconds).list_models()  # the model found keeps its time for replies
        if (models := _read_list(answer)) is not None:
            attempt.learn(answer)
            return ServerReport(attempt, models, list_providers_of(answer, model.model))
        has_answer = has_answer or answer is not None
    if has_answer:
        raise ControllerError(_NO_LIST.format(server=model.server))
    return ServerReport(model, None)


def _read_list(answer: Any) -> tuple[str, ...] | None:
    """Return the models' names in a server's answer; None where that is no list."""
    if isinstance(answer, str):  # not every server says that what it sends is JSON
        try:
            answer = parse_json(answer)
        except JsonError:
            return None
    rows = answer
    if isinstance(answer, Mapping):
        rows = answer.get("data") if "data" in answer else answer.get("models")  # some call them models
    if not isinstance(rows, list):
        return None
    names = (row.get("id") or row.get("name") if isinstance(row, Mapping) else row for row in rows[:_MAX_MODELS])
    return tuple(name for name in names if isinstance(name, str) and 0 < len(name) <= MAX_ID_CHARS and name.isprintable())


def list_chat_models(report: ServerReport) -> tuple[str, ...]:
    """Return the models that can chat, in alphabetical order; OpenAI lists all kinds."""
    at_openai = report.model.base_url == OPENAI_URL
    names = (name for name in report.models or () if not (at_openai and any(word in name for word in _NO_CHAT_WORDS)))
    return tuple(sorted(names, key=str.lower))
