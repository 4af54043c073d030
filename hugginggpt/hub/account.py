"""The visitor on whose account hosted models run, and the dedicated endpoints where a visitor runs a model of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from hugginggpt.core.errors import RequestError
from hugginggpt.core.ssrf import AddressPolicy, parse_url
from hugginggpt.hub.search import HubModel

_MAX_URL_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Model served at a URL of its own."""

    task: str
    url: str = field(repr=False)
    """http or https; its query may hold a secret, so it is never shown."""
    trusted: bool = False
    """True if the visitor allows their token to be sent to this endpoint, whoever owns it."""

    @property
    def host(self) -> str:
        """Host name, as people see it."""
        return urlsplit(self.url).hostname or ""

    @property
    def display_url(self) -> str:
        """URL without its query; serves as the model's id."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host  # urlsplit takes the brackets off an IPv6 address
        return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")  # one id with and without the last slash


@dataclass(frozen=True, slots=True)
class Visitor:
    """Account that pays for hosted calls, and the models that its owner has added."""

    token: str = field(default="", repr=False)
    """The visitor's own; empty for none, and then only endpoints are offered."""
    provider: str = ""
    """The only provider to use; empty for whichever serves a model."""
    bill_to: str = ""
    """Organization on the Hub that pays for calls at providers; empty for the token's own account."""
    models: Mapping[str, tuple[HubModel, ...]] = field(default_factory=dict)
    """Models of the Hub that the visitor has added, by task."""
    endpoints: tuple[Endpoint, ...] = ()
    allowed: AddressPolicy | None = None
    """IP addresses that endpoints may have; None: any."""
    shared: bool = False
    """True if the token belongs to the page's owner: lent for calls at providers, never sent to an endpoint."""
    count_call: Callable[[], None] = lambda: None
    """Hook that runs before each call; raises an ExpertError when no more calls are allowed."""


def is_url(text: str) -> bool:
    """Return whether a text is a URL rather than a model's id."""
    return "://" in text  # ids on the Hub are owner/name


def parse_endpoint(task: str, url: str) -> Endpoint:
    """Return the endpoint at a URL that somebody has typed.

    Raises:
        RequestError: The URL can't be called.
    """
    parsed = parse_url(url.strip()) if len(url) <= _MAX_URL_CHARS else None  # it refuses passwords, too: the id would show them
    if parsed is None:
        raise RequestError("The endpoint's address is not valid: write it like https://name.endpoints.huggingface.cloud.")
    return Endpoint(task, str(parsed))  # the host as it is connected to: what is shown, compared and called is one
