"""A server's words as they are shown."""

from __future__ import annotations

import pytest

from hugginggpt.core.refusals import ServerRefusal
from hugginggpt.hub.faults import SENTENCES, classify_refusal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The worker has died.", " (“The worker has died.”)"),
        (
            "<img src=x onerror=alert(1)> [click](https://evil.example/x) **now** `rm`",
            " (“img src x onerror alert(1) click ( now rm”)",
        ),
        ("the key hf_aVerySecret4711 {model}", " (“the key key model”)"),
        ("data:image/png;base64,AAAA was wrong", " (“was wrong”)"),
        ("", ""),
        ("word " * 100, " (“" + ("word " * 32).strip() + " …”)"),
    ],
)
def test_words_are_quoted_without_markup_addresses_and_keys(text: str, shown: str) -> None:
    refusal = ServerRefusal(400, text, frozenset({"failed"}), is_job=True)
    assert classify_refusal(refusal, came_with_success=True).sentence == SENTENCES["job_failed"].replace("{words}", shown)
