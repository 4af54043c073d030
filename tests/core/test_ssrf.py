"""The one form of a host: what is checked, compared and connected to is the same text, however it was written."""

import httpx2
import pytest

from hugginggpt.core.ssrf import canonicalize_host, parse_url

HOSTS = {
    "Example.COM": "example.com",
    "example.com.": "example.com.",
    "my_server": "my_server",  # names in a local network
    "bücher.test": "xn--bcher-kva.test",
    "BÜCHER.test": "xn--bcher-kva.test",
    "bu\u0308cher.test": "xn--bcher-kva.test",  # the mark stands for itself
    "xn--bcher-kva.test": "xn--bcher-kva.test",
    "faß.de": "xn--fa-hia.de",  # IDNA 2003 would go to fass.de, somebody else's
    "βόλος.com": "xn--nxasmm1c.com",
    "例え。jp": "xn--r8jz45g.jp",  # ideographic full stop
    "例え．jp": "xn--r8jz45g.jp",
    "ｅｘａｍｐｌｅ.com": "example.com",
    "ⓛocalhost": "localhost",
    "localhoſt": "localhost",
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "127.1": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "0177.0.0.1": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "0": "0.0.0.0",
    "１２７.0.0.1": "127.0.0.1",
    "１２７。０。０。１": "127.0.0.1",
    "①②⑦.0.0.1": "127.0.0.1",
    "127\uff61" + "1": "127.0.0.1",
    "::1": "::1",
    "0:0::1": "::1",
    "::ffff:127.0.0.1": "::ffff:7f00:1",
    "256.0.0.1": None,
    "1.2.3.4.5": None,
    "example.0x": None,
    "a..b": None,
    "": None,
    ".": None,
    "a b": None,
    "127%2e0.0.1": None,
    "a\\\\b": None,
    "x" * 64 + ".com": None,
    ".".join(["x" * 60] * 5): None,
    "\u2044": None,
    "-\u00fc-": None,
    "::g": None,
}
"""Hosts as they may be written, and the form in which they are looked up; None where that is not done."""


@pytest.mark.parametrize(("host", "form"), HOSTS.items())
def test_a_host_has_one_form(host: str, form: str | None) -> None:
    assert canonicalize_host(host) == form
    if form is not None:
        assert canonicalize_host(form) == form


@pytest.mark.parametrize(("host", "form"), [(host, form) for host, form in HOSTS.items() if form])
def test_the_client_connects_to_that_form(host: str, form: str) -> None:
    url = parse_url(f"http://{f'[{host}]' if ':' in host else host}:8000/a?b=c")
    assert url is not None
    assert url.raw_host.decode() == form
    assert httpx2.URL(str(url)).raw_host == url.raw_host  # also where the text is read once more
    assert (url.port, url.raw_path) == (8000, b"/a?b=c")


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\t", "\n", "\0", " "])
def test_an_address_with_characters_that_nobody_sees_is_none(hidden: str) -> None:
    assert parse_url(f"http://exa{hidden}mple.com/") is None


@pytest.mark.parametrize(
    "url", ["http://user:word@example.com", "http://user@example.com", "ftp://example.com", "http://", "x"]
)
def test_what_is_no_address_of_the_web_or_holds_a_password_is_none(url: str) -> None:
    assert parse_url(url) is None
