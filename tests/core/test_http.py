"""Waits that servers ask for, read from their headers."""

import time
from email.utils import formatdate

import pytest

from hugginggpt.core.http import read_retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Mon, 99 Foo 2020"}, 0),
        ({"retry-after": formatdate(0, usegmt=True)}, 0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7),
    ],
)
def test_a_wait_is_read_whatever_its_form(headers: dict[str, str], seconds: float) -> None:
    assert read_retry_after(headers) == seconds


def test_a_wait_until_a_date_is_read() -> None:
    assert 50 < read_retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
