"""On whose account hosted models run, and the dedicated endpoints at which a visitor has a model of their own running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from hugginggpt.core.errors import RequestError
from hugginggpt.core.ssrf import AddressPolicy, well_formed
from hugginggpt.hub.search import HubModel

_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at an address."""

    task: str
    url: str = field(repr=False)
    """http or https; its query may hold a secret, so it is not shown."""

    @property
    def host(self) -> str:
        """Its host, as people see it."""
        return urlsplit(self.url).hostname or ""

    @property
    def shown(self) -> str:
        """The address without its query: what stands for a model's id."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")


@dataclass(frozen=True, slots=True)
class Visitor:
    """On whose account, and what they have added."""

    token: str = field(default="", repr=False)
    """Their own; empty for none, and then only endpoints are offered."""
    provider: str = ""
    """The only one to use; empty for whichever serves a model."""
    models: Mapping[str, tuple[HubModel, ...]] = field(default_factory=dict)
    """Models of the Hub that they have added, by task."""
    endpoints: tuple[Endpoint, ...] = ()
    allowed: AddressPolicy | None = None
    """Which IP addresses endpoints may have; None: any."""
    shared: bool = False
    """Whether the token is the page's owner's, lent for calls at providers and shown to no endpoint."""
    spend: Callable[[], None] = lambda: None
    """Called before each call; raises an ExpertError where no more are given."""


def is_address(text: str) -> bool:
    """Whether a text is meant as an address rather than as a model's id."""
    return "://" in text


def endpoint(task: str, url: str) -> Endpoint:
    """The endpoint at an address that somebody has typed.

    Raises:
        RequestError: It is no address that can be called.
    """
    url = url.strip()
    if well_formed(url) is None or len(url) > _LONGEST:
        raise RequestError("The endpoint's address is not valid: write it like https://name.endpoints.huggingface.cloud.")
    return Endpoint(task, url)
