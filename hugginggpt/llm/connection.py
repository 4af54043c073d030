"""The way to an OpenAI-compatible server: the client, made so that it says and reads nothing but what the session gave it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from hugginggpt.core.errors import ControllerError
from hugginggpt.core.http import asked_wait
from hugginggpt.core.ssrf import AddressPolicy, GuardedTransport, RefusedError, certificates, resolve, well_formed
from hugginggpt.llm.errors import BAD_KEY, BAD_PROXY, BAD_URL, PRIVATE, UNREACHABLE

if TYPE_CHECKING:
    import openai

_CONNECT_SECONDS: Final = 10.0
_LONGEST_WAIT: Final = 20.0
"""How long a server may ask to wait before the one second try, in seconds; a person is told of anything longer."""
_KEY: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Connection:
    """A server, the key to it, and what may be waited for and reached."""

    base_url: str = field(repr=False)
    key: str = field(repr=False)
    seconds: float
    """Time for one request."""
    allowed: AddressPolicy | None = field(default=None, repr=False)
    """Which IP addresses the server may have; None: any, and then the environment's proxies are used too."""

    @property
    def server(self) -> str:
        """The server's host, as people see it; never a base URL that may hold what was pasted there by mistake."""
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
        url = self._checked_url()
        if self.allowed is None:
            return
        refused = ""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await resolve(url.raw_host.decode("ascii"), url.port or 443, self.allowed)
        except RefusedError:
            refused = PRIVATE
        except OSError:  # no such host, or no name server that answers in time
            refused = UNREACHABLE
        if refused:
            raise self._error(refused)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        """A client for as long as it is needed.

        Raises:
            ControllerError: The address, the key or the environment's proxy is malformed.
        """
        import openai

        self._checked_url()
        client = openai.AsyncOpenAI(
            # "none" is what keyless local servers are given; None would read the server's own environment
            api_key=self.key or "none",
            base_url=self.base_url,
            admin_api_key="",
            webhook_secret="",
            timeout=openai.Timeout(self.seconds, connect=_CONNECT_SECONDS),
            max_retries=1,
            http_client=self._http_client(),
        )
        # what the client took from the environment all the same belongs to whoever runs this program, not to the session
        client.organization = client.project = None
        client._custom_headers = {}
        async with client:
            yield client

    def _http_client(self) -> httpx2.AsyncClient:
        """Follows no redirect: a server could send the request on to where the person never meant it to go."""
        hooks = {"response": [self._tell_of_a_long_wait]}
        if self.allowed is not None:
            transport = GuardedTransport(self.allowed)
            return httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, event_hooks=hooks)
        try:
            return httpx2.AsyncClient(verify=certificates(trust_env=True), follow_redirects=False, event_hooks=hooks)
        except (ValueError, ImportError, httpx2.InvalidURL):  # a proxy of a kind that is unknown or not installed
            pass
        raise self._error(BAD_PROXY)  # out here, so that no address with a proxy's password is its context

    async def _tell_of_a_long_wait(self, response: httpx2.Response) -> None:
        """Where the server asks for a long wait, have its refusal handed on at once; else the client sleeps that long."""
        if asked_wait(response.headers) > min(_LONGEST_WAIT, self.seconds / 2):
            response.headers["x-should-retry"] = "false"  # the client's own sign

    def _checked_url(self) -> httpx2.URL:
        """The base URL as the client reads it; what can't be sent is refused before an exception quotes it."""
        if (url := well_formed(self.base_url)) is None:
            raise self._error(BAD_URL)
        if not _KEY.fullmatch(self.key):
            raise self._error(BAD_KEY)
        return url

    def _error(self, template: str) -> ControllerError:
        return ControllerError(template.format(server=self.server))
