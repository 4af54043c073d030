"""Dedicated endpoints of an account, as Hugging Face lists them: to these alone a token is sent without asking its owner.

Anybody can name an address of ``endpoints.huggingface.cloud``, and whoever runs a model there reads what it is sent.
"""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from hugginggpt.core.errors import StoppedError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.ssrf import parse_url
from hugginggpt.hub.client import HubAddresses, HubContext, use_hub_context

log = logging.getLogger(__name__)

_QUERY_SECONDS: Final = 8.0  # time for the list of all of an account's namespaces
_KEEP_SECONDS: Final = 600.0  # time that a list is good for
_REPEAT_SECONDS: Final = 30.0  # time before it is asked for again for an endpoint that is not on it: it may be new
_MAX_ACCOUNTS: Final = 200  # lists that are kept
_MAX_NAMESPACES: Final = 20  # most organisations that are asked about
_NAMESPACE: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)  # it becomes part of a path


@dataclass(frozen=True, slots=True)
class _Listing:
    hosts: frozenset[str]
    asked_at: float
    """By `time.monotonic`."""

    def covers(self, host: str) -> bool:
        """Return whether the list answers for a host, so that it needs not be fetched again."""
        return time.monotonic() - self.asked_at < (_KEEP_SECONDS if host in self.hosts else _REPEAT_SECONDS)


@dataclass
class EndpointDirectory:
    """Lists of the accounts that have named an endpoint lately; shared by all sessions."""

    addresses: HubAddresses = field(default_factory=HubAddresses)
    _listings: dict[str, _Listing] = field(default_factory=dict, repr=False)
    """By the token's hash."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def is_listed(
        self, url: str, token: str, *, seconds: float = _QUERY_SECONDS, check: Callable[[], None] = lambda: None
    ) -> bool:
        """Return whether Hugging Face lists an endpoint for a token's account or its organisations. Blocks.

        Args:
            url: The endpoint's.
            token: The account's; not empty.
            seconds: Time for the answer; without one in time it is no.
            check: Hook that raises when nobody waits any more.
        """
        origin = _read_origin(url)
        key = hashlib.sha256(token.encode()).hexdigest()  # the token itself is not kept
        listing = self._listings.get(key)
        if listing is None or not listing.covers(origin):
            hosts = self._fetch(token, min(seconds, _QUERY_SECONDS), check)
            listing = _Listing(hosts, time.monotonic())
            with self._lock:
                self._listings.pop(key, None)
                self._listings[key] = listing  # last: the oldest go first
                while len(self._listings) > _MAX_ACCOUNTS:
                    del self._listings[next(iter(self._listings))]
        return bool(origin) and origin in listing.hosts

    def _fetch(self, token: str, seconds: float, check: Callable[[], None]) -> frozenset[str]:
        from huggingface_hub import HfApi

        found: set[str] = set()
        try:
            with use_hub_context(HubContext(token, time.monotonic() + seconds, self.addresses, check)):
                api = HfApi(token=token)
                for namespace in _list_namespaces(api.whoami()):
                    found |= _fetch_namespace(api, namespace)
        except StoppedError:
            raise
        except Exception as error:  # the client raises many kinds, and each means: not known, so not sent
            _log_failure(error, token)
        return frozenset(found)


def _fetch_namespace(api: Any, namespace: str) -> set[str]:
    try:  # not with "*": the library asks with the token of whoever runs this program then
        return {_read_origin(endpoint.url) for endpoint in api.list_inference_endpoints(namespace) if endpoint.url} - {""}
    except StoppedError:
        raise
    except Exception as error:  # an organisation without endpoints, or whose the token may not see: the others count
        _log_failure(error, api.token)
        return set()


def _list_namespaces(account: Any) -> list[str]:
    """Return the names of an account and its organisations, whose endpoints it may call."""
    return [name for name in _read_names(account) if _NAMESPACE.fullmatch(name)][:_MAX_NAMESPACES]


def _read_names(account: Any) -> Iterator[str]:
    if not isinstance(account, Mapping):
        return
    organisations = account.get("orgs")
    for entry in (account, *(organisations if isinstance(organisations, list) else ())):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if isinstance(name, str):
            yield name


def _read_origin(url: Any) -> str:
    """Return scheme, host and port of an address; empty where it is none."""
    parsed = parse_url(url) if isinstance(url, str) else None
    return str(httpx2.URL(scheme=parsed.scheme, host=parsed.host, port=parsed.port)) if parsed else ""


def _log_failure(error: Exception, token: str) -> None:
    log.info("endpoints can't be listed", exc_info=ServerFault(redact_key(f"{type(error).__name__}: {error}", token)))
