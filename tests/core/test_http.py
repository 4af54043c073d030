"""Waits that servers ask for, read from their headers."""

import time
from email.utils import formatdate

import pytest

from hugginggpt.core.http import read_retry_after, read_wait


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


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 7.66s.", 7.66),  # Groq
        ("Rate limit reached … Please try again in 26m11.52s.", 1571.52),
        ("Please try again in 1h12m.", 4320),
        ("Please try again in 549ms. Visit …", 0.549),  # OpenAI
        ("Requests to the API have exceeded the call rate limit. Please retry after 20 seconds.", 20),  # Azure
        ("Please retry in 38.281283s.", 38.281283),  # Gemini
        ("Your rate limit resets in ~13s", 13),  # Replicate
        ("Too many requests, please wait 2 minutes and 5 seconds", 125),
        ("You have reached your daily quota. It resets in 3 hours.", 10_800),
        ("Quota exceeded, try again in 2 days", 172_800),
        ("Model is loading, it will be available in 54 seconds", 54),
        ("Limit 6000 tokens per minute, used 5900", 0),
        ("Please try again later. Your limit is 20 s of audio.", 0),
        ("The request took 30 seconds.", 0),
        ("Try again in a moment", 0),
        ("", 0),
    ],
)
def test_a_wait_is_read_in_a_servers_words(words: str, seconds: float) -> None:
    assert read_wait(words) == pytest.approx(seconds)


def test_long_words_are_read_in_time() -> None:
    begun = time.process_time()
    read_wait("wait for " * 500 + "1 s " * 1_000 + "again in 1m" * 300)
    assert time.process_time() - begun < 1
