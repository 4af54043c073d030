"""Check of a Hugging Face token, without spending anything: its owner, and whether it may call Inference Providers.

No token is kept here, and none appears in what is returned or raised.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.errors import ControllerError, HuggingGPTError
from hugginggpt.core.http import CHECK_SECONDS, MAX_ID_CHARS, ServerFault, redact_key
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.client import HubAddresses, HubContext, use_hub_context
from hugginggpt.hub.errors import TOKENS_PAGE, build_fault_error, read_fault

log = logging.getLogger(__name__)

_HUB_NAME: Final = "the Hugging Face Hub"
_PERMISSION: Final = "inference.serverless.write"  # name on the Hub of the permission to call Inference Providers
_NO_PERMISSION: Final = (
    "The token of {name} may not call Inference Providers: give it the permission “Make calls to Inference Providers” "
    f"at {TOKENS_PAGE}."
)
_MAX_ORGANIZATIONS: Final = 200
_SILENT_STATUSES: Final = frozenset({404, 429})
"""Statuses of a mirror of the Hub that knows no accounts, and of the Hub itself for whoever asks too often."""


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Owner and permission of a token, as the Hub tells them."""

    name: str
    """Account that the token belongs to; empty where the Hub doesn't say now."""
    may_call: bool | None
    """True if the token may call Inference Providers; None where that isn't told."""
    organizations: tuple[str, ...] = ()
    """Organizations of that account, of which one may pay in its place."""


async def check_token(token: str, addresses: HubAddresses, *, seconds: float = CHECK_SECONDS) -> TokenOwner:
    """Ask the Hub for a token's owner and whether it may call Inference Providers.

    Args:
        token: Not empty.
        addresses: Base URL of the Hub.
        seconds: Time for the answer.

    Raises:
        HuggingGPTError: The token is refused or lacks that permission, or the Hub can't be reached.
    """
    answer = await run_in_daemon_thread(lambda: _call_whoami(token, addresses, seconds))  # the library's call blocks
    account = TokenOwner(_read_name(answer), _read_permission(answer), _read_organizations(answer))
    if account.may_call is False:
        raise ControllerError(_NO_PERMISSION.format(name=account.name or "this account"))
    return account


def _call_whoami(token: str, addresses: HubAddresses, seconds: float) -> Any:
    from huggingface_hub import HfApi

    try:
        with use_hub_context(HubContext(token, time.monotonic() + seconds, addresses)):
            return HfApi(token=token).whoami()
    except HuggingGPTError:
        raise
    except Exception as error:  # the client raises many kinds: read_fault finds the sentence for each
        cause = error.__cause__ or error  # FailedAtOnceError wraps the HTTP error
        if getattr(getattr(cause, "response", None), "status_code", 0) in _SILENT_STATUSES:
            return {}  # nothing is known, which is no refusal
        log.info("the token can't be checked", exc_info=ServerFault(redact_key(f"{type(error).__name__}: {error}", token)))
        failure = build_fault_error(read_fault(error, model="", provider=_HUB_NAME, seconds=seconds, server="hub"))
    raise failure  # out here, so that no exception that quotes the token is its context


def _read_name(account: Any) -> str:
    name = account.get("name") if isinstance(account, Mapping) else None  # a mirror may answer anything, and this is shown
    return name[:MAX_ID_CHARS] if isinstance(name, str) and name.isprintable() else ""


def _read_organizations(account: Any) -> tuple[str, ...]:
    orgs = account.get("orgs") if isinstance(account, Mapping) else None
    names = [_read_name(organization) for organization in _as_list(orgs)[:_MAX_ORGANIZATIONS]]
    return tuple(dict.fromkeys(filter(None, names)))


def _read_permission(account: Any) -> bool | None:
    """Return whether the token may call: simple kinds may, a fine-grained one if it says so, globally or for some account."""
    auth = account.get("auth") if isinstance(account, Mapping) else None
    token = auth.get("accessToken") if isinstance(auth, Mapping) else None  # absent for OAuth
    if not isinstance(token, Mapping):
        return None
    if token.get("role") in {"read", "write", "admin"}:
        return True
    fine_grained = token.get("fineGrained")
    if not isinstance(fine_grained, Mapping):
        return None
    scoped = [scope.get("permissions") for scope in _as_list(fine_grained.get("scoped")) if isinstance(scope, Mapping)]
    return any(_PERMISSION in _as_list(permissions) for permissions in (fine_grained.get("global"), *scoped))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
