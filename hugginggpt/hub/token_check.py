"""Whose a Hugging Face token is and whether it may call Inference Providers, found out without spending anything.

No key is kept here, and none stands in what is reported or raised.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.errors import ControllerError, HuggingGPTError
from hugginggpt.core.http import MAX_ID_CHARS, SECONDS, ServerFault, without_key
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.client import HubAddresses, HubContext, hub_context
from hugginggpt.hub.errors import TOKENS, failed, read_fault

log = logging.getLogger(__name__)

_HUB: Final = "the Hugging Face Hub"
_PERMISSION: Final = "inference.serverless.write"
"""What the Hub calls the permission to make calls to Inference Providers."""
_NO_PERMISSION: Final = (
    "The token of {name} may not call Inference Providers: give it the permission “Make calls to Inference Providers” "
    f"at {TOKENS}."
)
_SAYS_NOTHING: Final = frozenset({404, 429})
"""What a mirror of the Hub answers that knows no accounts, and the Hub itself to whoever asks too often."""


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """What the Hub tells of a token."""

    name: str
    """Whose it is; empty where the Hub doesn't say now."""
    calls: bool | None
    """Whether it may call Inference Providers; None where that isn't told."""


async def check_account(token: str, places: HubAddresses, *, seconds: float = SECONDS) -> TokenOwner:
    """Ask the Hub whose a token is and whether it may call Inference Providers.

    Args:
        token: Not empty.
        places: Where the Hub is.
        seconds: How long it may take.

    Raises:
        HuggingGPTError: The token is refused or lacks that permission, or the Hub can't be reached.
    """
    told = await run_in_daemon_thread(lambda: _whoami(token, places, seconds))
    account = TokenOwner(_name(told), _may_call(told))
    if account.calls is False:
        raise ControllerError(_NO_PERMISSION.format(name=account.name or "this account"))
    return account


def _whoami(token: str, places: HubAddresses, seconds: float) -> Any:
    from huggingface_hub import HfApi

    try:
        with hub_context(HubContext(token, time.monotonic() + seconds, places)):
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
    return name[:MAX_ID_CHARS] if isinstance(name, str) and name.isprintable() else ""


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
