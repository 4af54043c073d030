"""Dedicated endpoints of an account, as Hugging Face lists them: to these alone a token is sent without asking its owner.

Anybody can name an address of ``endpoints.huggingface.cloud``, and whoever runs a model there reads what it is sent.
"""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.core.ssrf import parse_url
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.client import HubAddresses, HubContext, use_hub_context
from hugginggpt.hub.errors import TOKENS_PAGE, build_fault_error, read_fault

log = logging.getLogger(__name__)

_REFUSALS: Final = frozenset({401, 403})
_NO_PERMISSION: Final = (
    "The token may not list its account's endpoints: give it the permission “Manage your Inference Endpoints” "
    f"at {TOKENS_PAGE}, or enter an endpoint's address."
)
_SERVICE_NAME: Final = "Hugging Face's list of endpoints"
_QUERY_SECONDS: Final = 8.0  # time for the list of all of an account's namespaces
_KEEP_SECONDS: Final = 600.0  # time that a list is good for
_REPEAT_SECONDS: Final = 30.0  # time before it is asked for again for an endpoint that is not on it: it may be new
_STATE_SECONDS: Final = 20.0  # age up to which a list tells the state of an endpoint
_MAX_CHARS: Final = 500
_MAX_ACCOUNTS: Final = 200  # lists that are kept
_MAX_NAMESPACES: Final = 20  # most organisations that are asked about
_NAMESPACE: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)  # it becomes part of a path


@dataclass(frozen=True, slots=True)
class ListedEndpoint:
    """A dedicated endpoint, as Hugging Face lists it."""

    name: str
    namespace: str
    """Account or organisation that it belongs to."""
    model: str
    task: str
    """The Hub's tag; "custom" and the like where the owner has named no task."""
    state: str
    """The Hub's word: running, scaledToZero, initializing, paused, failed …"""
    url: str
    """Address; empty before it was first deployed."""


@dataclass(frozen=True, slots=True)
class EndpointListing:
    """Endpoints of an account and its organisations."""

    endpoints: tuple[ListedEndpoint, ...] = ()
    failure: ExpertError | None = None
    """Failure to list them, or those of one namespace; None: all were listed."""
    asked_at: float = field(default_factory=time.monotonic)
    """By `time.monotonic`."""

    @property
    def origins(self) -> frozenset[str]:
        """Origins at which they lie."""
        return frozenset(_read_origin(endpoint.url) for endpoint in self.endpoints) - {""}

    def answers_for(self, origin: str) -> bool:
        """Return whether the list is new enough to tell whether an endpoint is the account's."""
        return self.age < (_KEEP_SECONDS if origin in self.origins else _REPEAT_SECONDS)

    @property
    def age(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self.asked_at


@dataclass
class EndpointDirectory:
    """Lists of the accounts that have named an endpoint lately; shared by all sessions."""

    addresses: HubAddresses = field(default_factory=HubAddresses)
    _listings: dict[str, EndpointListing] = field(default_factory=dict, repr=False)
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
        listing = self._get_kept(token)
        if listing is None or not listing.answers_for(origin):
            listing = self.list_all(token, seconds=seconds, check=check)
        return bool(origin) and origin in listing.origins

    def find_state(
        self, url: str, token: str, *, seconds: float = _QUERY_SECONDS, check: Callable[[], None] = lambda: None
    ) -> str:
        """Return the state of an endpoint, as of less than half a minute ago; empty where it isn't listed. Blocks.

        Args:
            url: The endpoint's.
            token: The account's; not empty.
            seconds: Time for the answer.
            check: Hook that raises when nobody waits any more.
        """
        listing = self._get_kept(token)
        if listing is None or listing.age > _STATE_SECONDS:
            listing = self.list_all(token, seconds=seconds, check=check)
        here = [each for each in listing.endpoints if each.url and _read_origin(each.url) == _read_origin(url)]
        return next((each.state for each in here if url.startswith(each.url)), here[0].state if here else "")

    def list_all(
        self, token: str, *, seconds: float = _QUERY_SECONDS, check: Callable[[], None] = lambda: None
    ) -> EndpointListing:
        """Ask for the endpoints of a token's account and its organisations, and keep the list. Blocks.

        Args:
            token: The account's; not empty.
            seconds: Time for the answer.
            check: Hook that raises when nobody waits any more.
        """
        listing = self._fetch(token, min(seconds, _QUERY_SECONDS), check)
        with self._lock:
            self._listings.pop(_hash(token), None)
            self._listings[_hash(token)] = listing  # last: the oldest go first
            while len(self._listings) > _MAX_ACCOUNTS:
                del self._listings[next(iter(self._listings))]
        return listing

    def _get_kept(self, token: str) -> EndpointListing | None:
        return self._listings.get(_hash(token))

    def _fetch(self, token: str, seconds: float, check: Callable[[], None]) -> EndpointListing:
        from huggingface_hub import HfApi

        found: list[ListedEndpoint] = []
        failures: list[ExpertError] = []
        with use_hub_context(HubContext(token, time.monotonic() + seconds, self.addresses, check)):
            api = HfApi(token=token)
            try:
                namespaces = _list_namespaces(api.whoami())
            except StoppedError:
                raise
            except Exception as error:  # the client raises many kinds, and each means: not known, so not sent
                return EndpointListing(failure=_explain_failure(error, token, seconds))
            for namespace in namespaces:
                try:  # not with "*": the library asks with the token of whoever runs this program then
                    found += [_read_endpoint(each) for each in api.list_inference_endpoints(namespace)]
                except StoppedError:
                    raise
                except Exception as error:  # an organisation without any, or whose the token may not see: the others count
                    failure = _explain_failure(error, token, seconds)
                    failures.append(ExpertError(_NO_PERMISSION) if _is_refusal(error) else failure)
        return EndpointListing(tuple(found), failures[0] if failures else None)


async def list_endpoints(token: str, addresses: HubAddresses) -> Sequence[ListedEndpoint]:
    """Ask for the endpoints that an account may call, those that run first.

    Args:
        token: The account's; not empty.
        addresses: Base URLs of the Hub and of the service that lists them.

    Raises:
        HuggingGPTError: They can't be listed, or the token may not list them.
    """
    directory = EndpointDirectory(addresses)
    listing = await run_in_daemon_thread(lambda: directory.list_all(token))  # the library's calls block
    if listing.failure and not listing.endpoints:
        raise listing.failure
    return sorted(listing.endpoints, key=lambda endpoint: (endpoint.state != "running", endpoint.name))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()  # the token itself is not kept


def _read_endpoint(endpoint: Any) -> ListedEndpoint:
    """Return an endpoint of the library's, with texts of bounded length: they are shown."""
    state = getattr(endpoint.status, "value", endpoint.status)
    fields = (endpoint.name, endpoint.namespace, endpoint.repository, endpoint.task, state, endpoint.url)
    return ListedEndpoint(*(value[:_MAX_CHARS] if isinstance(value, str) else "" for value in fields))


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


def _is_refusal(error: Exception) -> bool:
    response = getattr(error.__cause__ or error, "response", None)
    return getattr(response, "status_code", 0) in _REFUSALS


def _explain_failure(error: Exception, token: str, seconds: float) -> ExpertError:
    """Log a failure, and return it as a sentence."""
    log.info("endpoints can't be listed", exc_info=ServerFault(redact_key(f"{type(error).__name__}: {error}", token)))
    return build_fault_error(read_fault(error, model="", provider=_SERVICE_NAME, seconds=seconds, server="hub"))
