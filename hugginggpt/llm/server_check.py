"""What an OpenAI-compatible server serves, found out without spending anything.

No key is kept here, and none stands in what is reported or raised.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.http import MAX_ID_CHARS, SECONDS
from hugginggpt.llm.client import OPENAI_URL, LanguageModel

_NO_LIST: Final = "{server} answered something that is no list of models: check the base URL, which usually ends in /v1."
_MAX_MODELS: Final = 1_000
_NO_CHAT: Final = (
    "audio", "babbage", "dall-e", "davinci", "embedding", "image", "moderation", "realtime", "sora", "transcribe", "tts",
    "whisper",
)  # fmt: skip
"""What names of models at OpenAI hold that can't be talked to."""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What an OpenAI-compatible server tells."""

    model: LanguageModel
    """The one that was asked about, at the address where the server was found."""
    models: tuple[str, ...] | None
    """What it serves, as it calls them; None where it keeps no list."""

    @property
    def has_model(self) -> bool | None:
        """Whether the model is on the list; None where there is none."""
        return None if self.models is None else self.model.model in self.models


async def check_server(model: LanguageModel, *, seconds: float = SECONDS) -> ServerReport:
    """Ask a server for its models, with the key; below ``/v1`` too, where the address has no path.

    Args:
        model: Where, and with which key; its name may be empty.
        seconds: How long each question may take.

    Raises:
        ControllerError: The key is refused or without credit, nobody answers, or it is no such server.
    """
    places = [model]
    if not urlsplit(model.base_url).path.strip("/"):
        places.append(replace(model, base_url=f"{model.base_url.rstrip('/')}/v1"))
    lists = False
    for place in places:
        answered = await replace(place, seconds=seconds).listed()
        if (models := _read_list(answered)) is not None:
            return ServerReport(place, models)
        lists = lists or answered is not None
    if lists:
        raise ControllerError(_NO_LIST.format(server=model.server))
    return ServerReport(model, None)


def _read_list(answered: Any) -> tuple[str, ...] | None:
    """The models' names in what a server lists; None where that is no list."""
    if isinstance(answered, str):  # not every server says that what it sends is JSON
        try:
            answered = json.loads(answered)
        except (ValueError, RecursionError):
            return None
    rows = answered
    if isinstance(answered, Mapping):
        rows = answered.get("data") if "data" in answered else answered.get("models")
    if not isinstance(rows, list):
        return None
    names = (row.get("id") or row.get("name") if isinstance(row, Mapping) else row for row in rows[:_MAX_MODELS])
    return tuple(name for name in names if isinstance(name, str) and 0 < len(name) <= MAX_ID_CHARS and name.isprintable())


def talkative(report: ServerReport) -> tuple[str, ...]:
    """Of the models on a list, those that plans can be asked of, in the order of the alphabet; OpenAI lists all kinds."""
    at_openai = report.model.base_url == OPENAI_URL
    fitting = (name for name in report.models or () if not (at_openai and any(word in name for word in _NO_CHAT)))
    return tuple(sorted(fitting, key=str.lower))
