"""Whether a key works, and for what, found out without spending anything: whose it is, what it may do, what it opens.

No key is kept here, and none stands in what is reported or raised.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from hugginggpt.core.errors import ControllerError, HuggingGPTError
from hugginggpt.core.threads import aside
from hugginggpt.hub.client import Errand, Places, on_errand
from hugginggpt.hub.errors import TOKENS, failed, read_fault
from hugginggpt.llm.client import OPENAI_URL, LanguageModel
from hugginggpt.llm.errors import ServerFault, without_key

log = logging.getLogger(__name__)

SECONDS: Final = 10.0
"""How long each server may take to answer."""
_HUB: Final = "the Hugging Face Hub"
_PERMISSION: Final = "inference.serverless.write"
"""What the Hub calls the permission to make calls to Inference Providers."""
_NO_PERMISSION: Final = (
    "The token of {name} may not call Inference Providers: give it the permission “Make calls to Inference Providers” "
    f"at {TOKENS}."
)
_NO_LIST: Final = "{server} answered something that is no list of models: check the base URL, which usually ends in /v1."
_SAYS_NOTHING: Final = frozenset({404, 429})
"""What a mirror of the Hub answers that knows no accounts, and the Hub itself to whoever asks too often."""
_MOST_MODELS, _LONGEST_ID = 1_000, 200
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


@dataclass(frozen=True, slots=True)
class Account:
    """What the Hub tells of a token."""

    name: str
    """Whose it is; empty where the Hub doesn't say now."""
    calls: bool | None
    """Whether it may call Inference Providers; None where that isn't told."""


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


async def check_account(token: str, places: Places, *, seconds: float = SECONDS) -> Account:
    """Ask the Hub whose a token is and whether it may call Inference Providers.

    Args:
        token: Not empty.
        places: Where the Hub is.
        seconds: How long it may take.

    Raises:
        HuggingGPTError: The token is refused or lacks that permission, or the Hub can't be reached.
    """
    told = await aside(lambda: _whoami(token, places, seconds))
    account = Account(_name(told), _may_call(told))
    if account.calls is False:
        raise ControllerError(_NO_PERMISSION.format(name=account.name or "this account"))
    return account


def _whoami(token: str, places: Places, seconds: float) -> Any:
    from huggingface_hub import HfApi

    try:
        with on_errand(Errand(token, time.monotonic() + seconds, places)):
            return HfApi(token=token).whoami()
    except HuggingGPTError:
        raise
    except Exception as error:  # whatever the client raises, its sentence is found there
        cause = error.__cause__ or error
        if getattr(getattr(cause, "response", None), "status_code", 0) in _SAYS_NOTHING:
            return {}
        log.info("the token can't be checked", exc_info=ServerFault(without_key(f"{type(error).__name__}: {error}", token)))
        said = failed(read_fault(error, model="", provider=_HUB, seconds=seconds, at="hub"))
    raise said  # out here, so that no exception that quotes the token is its context


def _name(account: Any) -> str:
    name = account.get("name") if isinstance(account, Mapping) else None
    return name[:_LONGEST_ID] if isinstance(name, str) and name.isprintable() else ""


def _may_call(account: Any) -> bool | None:
    """A token of the simple kinds may; a fine-grained one where it says so, for everything or for some account."""
    auth = account.get("auth") if isinstance(account, Mapping) else None
    token = auth.get("accessToken") if isinstance(auth, Mapping) else None
    if not isinstance(token, Mapping):
        return None
    if token.get("role") in {"read", "write", "admin"}:
        return True
    fine = token.get("fineGrained")
    if not isinstance(fine, Mapping):
        return None
    scoped = [scope.get("permissions") for scope in _list(fine.get("scoped")) if isinstance(scope, Mapping)]
    return any(_PERMISSION in _list(permissions) for permissions in (fine.get("global"), *scoped))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


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
    names = (row.get("id") or row.get("name") if isinstance(row, Mapping) else row for row in rows[:_MOST_MODELS])
    return tuple(name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_ID and name.isprintable())


def talkative(report: ServerReport) -> tuple[str, ...]:
    """Of the models on a list, those that plans can be asked of, in the order of the alphabet; OpenAI lists all kinds."""
    at_openai = report.model.base_url == OPENAI_URL
    fitting = (name for name in report.models or () if not (at_openai and any(word in name for word in _NO_CHAT)))
    return tuple(sorted(fitting, key=str.lower))
