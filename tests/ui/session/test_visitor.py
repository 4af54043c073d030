"""Visitors are told apart by an address that they can't choose."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from hugginggpt.ui.session.visitor import read_visitor


def coming(*forwarded: str) -> Request:
    """A request through that many proxies' headers."""
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return Request({"type": "http", "headers": headers, "client": ("10.0.0.9", 4711)})


@pytest.mark.parametrize(
    ("forwarded", "visitor"),
    [
        ((), "10.0.0.9"),
        (("192.0.2.1",), "192.0.2.1"),
        (("203.0.113.5, 192.0.2.1",), "192.0.2.1"),  # the first was written by the visitor
        (("203.0.113.5", "192.0.2.1"), "192.0.2.1"),
        (("203.0.113.5", "203.0.113.6,  192.0.2.1 "), "192.0.2.1"),
        (("",), "10.0.0.9"),
    ],
)
def test_on_a_space_it_is_the_address_that_its_proxy_has_seen(
    forwarded: tuple[str, ...], visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/hugginggpt")
    assert read_visitor(coming(*forwarded)) == visitor


def test_elsewhere_the_header_is_anybodys_and_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert read_visitor(coming("192.0.2.1")) == "10.0.0.9"
