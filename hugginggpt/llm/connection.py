"""Connection to an OpenAI-compatible server: a client that sends and reads nothing but what the session gave it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from hugginggpt.core.bounded_body import ENCODINGS, JsonLimits, bind_body
from hugginggpt.core.errors import ControllerError
from hugginggpt.core.http import read_retry_after
from hugginggpt.core.refusals import parse_refusal
from hugginggpt.core.ssrf import AddressPolicy, GuardedTransport, RefusedError, load_certificates, parse_url, resolve
from hugginggpt.llm.errors import ERROR_SENTENCES
from hugginggpt.llm.refusals import find_reason, names_any_parameter

if TYPE_CHECKING:
    import openai

_CONNECT_SECONDS: Final = 10.0
OPENAI_URL: Final = "https://api.openai.com/v1"
_MAX_RETRY_WAIT: Final = 20.0
"""Longest wait before the one retry that a server may ask for, in seconds; a person is told of anything longer."""
_MAX_REPLY_BYTES: Final = 16 * 2**20  # a reply of 100,000 tokens has half a megabyte; each of its events repeats much
_MAX_EVENT_BYTES: Final = 2**20
_JSON_LIMITS: Final = JsonLimits(max_openings=10_000, max_commas=100_000)
"""A list of a thousand models has some thousands of objects; openai's client takes 25 µs for each, on the event loop."""
_VALID_KEY: Final = re.compile(r"[!-~]*")  # printable ASCII: anything else breaks the header, in an error that quotes it


@dataclass(frozen=True, slots=True)
class Connection:
    """Server with its key, deadline and address policy."""

    base_url: str = field(repr=False)
    key: str = field(repr=False)
    seconds: float
    """Time for one request."""
    allowed: AddressPolicy | None = field(default=None, repr=False)
    """IP addresses that the server may have; None: any, and then the environment's proxies are used too."""
    bill_to: str = ""
    """Organization that pays at Hugging Face's router; empty for the key's own account."""

    @property
    def server(self) -> str:
        """Host of the server, as people see it; never the base URL, which may hold a secret pasted there by mistake."""
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
        url = self._check_url()
        if self.allowed is None:
            return
        refused = ""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await resolve(url.raw_host.decode("ascii"), url.port or 443, self.allowed)
        except RefusedError:
            refused = ERROR_SENTENCES["private_address"]
        except OSError:  # no such host, or no name server that answers in time
            refused = ERROR_SENTENCES["unreachable"]
        if refused:
            raise self._build_error(refused)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        """Yield a client, closed at the end.

        Raises:
            ControllerError: The address, the key or the environment's proxy is malformed.
        """
        import openai

        url = self._check_url()
        client = openai.AsyncOpenAI(
            # "none" is what keyless local servers are given; None would read the server's own environment
            api_key=self.key or "none",
            base_url=str(url),  # with the host as it was read, not as it was typed
            admin_api_key="",
            webhook_secret="",  # as above: None would read the environment
            timeout=openai.Timeout(self.seconds, connect=_CONNECT_SECONDS),
            max_retries=1,  # one passing failure goes unnoticed
            http_client=self._build_http_client(),
        )
        # what the client took from the environment all the same belongs to whoever runs this program, not to the session
        client.organization = client.project = None
        client._custom_headers = {"X-HF-Bill-To": self.bill_to} if self.bill_to else {}
        async with client:
            yield client

    def _build_http_client(self) -> httpx2.AsyncClient:
        """Build a client that follows no redirect: a server could pass the request on to any other one."""
        hooks: Any = {"response": [_bound_reply, self._skip_useless_retry]}
        common: dict[str, Any] = {"follow_redirects": False, "event_hooks": hooks, "headers": {"Accept-Encoding": ENCODINGS}}
        if self.allowed is not None:
            return httpx2.AsyncClient(transport=GuardedTransport(self.allowed), trust_env=False, **common)
        try:
            return httpx2.AsyncClient(verify=load_certificates(trust_env=True), **common)
        except (ValueError, ImportError, httpx2.InvalidURL):  # a proxy of a kind that is unknown or not installed
            pass
        # out here, so that no address with a proxy's password is its context
        raise self._build_error(ERROR_SENTENCES["bad_proxy"])

    async def _skip_useless_retry(self, response: httpx2.Response) -> None:
        """Stop the client from retrying where that is no use, or where the server asks for a wait that it would sleep."""
        limit = min(_MAX_RETRY_WAIT, self.seconds / 2)  # half: the retry needs time, too
        useless = read_retry_after(response.headers) > limit
        if response.is_error and not useless:
            await response.aread()
            refusal = parse_refusal(response.text, response.status_code)
            reason = find_reason(refusal)
            useless = refusal.wait > limit or (names_any_parameter(refusal) if reason is None else not reason.passes)
        if useless:
            response.headers["x-should-retry"] = "false"  # openai's own header

    def _check_url(self) -> httpx2.URL:
        """Return the base URL with its host in the one form; refuse what can't be sent before an exception quotes it."""
        if (url := parse_url(self.base_url)) is None:
            raise self._build_error(ERROR_SENTENCES["bad_url"])
        if re.search(r"[?#]", self.base_url):  # calls would put their paths behind it, and log it; it may hold a key
            raise self._build_error(ERROR_SENTENCES["url_query"])
        if not _VALID_KEY.fullmatch(self.key):
            raise self._build_error(ERROR_SENTENCES["bad_key"])
        return url

    def _build_error(self, template: str) -> ControllerError:
        return ControllerError(template.format(server=self.server))


async def _bound_reply(response: httpx2.Response) -> None:
    bind_body(response, _MAX_REPLY_BYTES, max_event_bytes=_MAX_EVENT_BYTES, json_limits=_JSON_LIMITS)
