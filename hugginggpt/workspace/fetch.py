"""Fetch guard: the only way in which a URL becomes a file.

http and https only; public addresses only, redirects included (see core/ssrf.py).
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.ssrf import AddressPolicy as AddressPolicy  # as X: offered here too
from hugginggpt.core.ssrf import GuardedTransport, RefusedError, parse_url
from hugginggpt.core.ssrf import is_public as is_public

_CHUNK_BYTES = 64 * 1024
_MAX_REDIRECTS = 5


async def fetch(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    seconds: float,
    allowed: AddressPolicy = is_public,
    count: Callable[[int], None] = lambda size: None,
) -> None:
    """Download `url` into the file `target`.

    Args:
        url: An http or https URL.
        target: File for the body; removed again when the download fails.
        max_bytes: Largest body, in bytes; counted as it arrives, whatever Content-Length says.
        seconds: Time for everything: resolving, redirects, the body.
        allowed: IP addresses that may be connected to.
        count: Is told the size of each piece before it is written; what it raises ends the download.

    Raises:
        ResourceError: There is no file; one sentence says why.
    """
    display_url = _redact_url(url)
    if _read_scheme(url) not in {"http", "https"}:
        raise ResourceError(f"{display_url} was not fetched: only http and https addresses are.")
    if (parsed_url := parse_url(url)) is None:
        raise ResourceError(f"{display_url} could not be fetched: {_explain_failure(httpx2.InvalidURL(''))}.")
    try:
        async with asyncio.timeout(seconds):
            await _download(parsed_url, target, max_bytes, allowed, count)
    except TimeoutError as error:
        target.unlink(missing_ok=True)
        raise ResourceError(f"{display_url} took longer than {seconds:g} s: download it and attach the file.") from error
    except RefusedError as error:  # before the file is opened: nothing to remove
        raise ResourceError(f"{display_url} was not fetched: it leads to a private or reserved address.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        target.unlink(missing_ok=True)
        raise ResourceError(f"{display_url} could not be fetched: {_explain_failure(error)}.") from error
    except BaseException:  # a cancelled download, too
        target.unlink(missing_ok=True)
        raise


async def _download(
    url: httpx2.URL, target: Path, max_bytes: int, allowed: AddressPolicy, count: Callable[[int], None]
) -> None:
    display_url = _redact_url(str(url))
    too_large = ResourceError(f"{display_url} is larger than {max_bytes / 2**20:.3g} MB: attach a smaller file.")
    client = httpx2.AsyncClient(
        transport=GuardedTransport(allowed),
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
        timeout=None,  # one deadline for everything, in fetch()
        trust_env=False,  # a proxy of the environment would lead past the guard
    )
    # identity: the body is stored as it arrives, nothing is unpacked
    async with client, client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != httpx2.codes.OK:
            raise ResourceError(f"{display_url} could not be fetched: the server answered {response.status_code}.")
        if int(response.headers.get("Content-Length") or 0) > max_bytes:  # spares the download; the count below is what holds
            raise too_large
        received = 0
        with target.open("wb") as file:
            async for chunk in response.aiter_raw(_CHUNK_BYTES):
                received += len(chunk)
                if received > max_bytes:
                    raise too_large
                count(len(chunk))
                file.write(chunk)


def _read_scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:  # "http://[": half an IPv6 address
        return ""


def _redact_url(url: str) -> str:
    """Return the URL as messages show it: without user, password and query, which may be secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "This address"
    if parts.scheme.lower() not in {"http", "https"}:
        return f"A {parts.scheme}: address"
    return f"{parts.scheme}://{host}{parts.path}"[:120]


def _explain_failure(error: Exception) -> str:
    match error:
        case httpx2.TooManyRedirects():
            return "it redirects too often"
        case httpx2.ConnectError():
            return "there is no connection to that host"
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol() | UnicodeError():
            return "it is not a valid http or https address"
        case _:
            return "the connection broke off"
