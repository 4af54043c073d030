"""JSON of somebody else's: counted before it is parsed."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from hugginggpt.core.json_text import JsonError, parse_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2]", [1, 2]),
        (b'\xef\xbb\xbf{"a": "\xe4\xbd\xa0"}', {"a": "你"}),
        ('{"": []}', {"": []}),
        ('"\\ud800"', "\ud800"),
        ('["a,b,c,d", "[[[[", "\\",,,,"]', ["a,b,c,d", "[[[[", '",,,,']),
        (" 5 ", 5),
    ],
)
def test_json_is_what_it_means(text: str | bytes, value: object) -> None:
    assert parse_json(text, max_values=4) == value  # what stands in strings is no value


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        ("[" * 2_000, "is nested too deep"),
        ('{"a":' * 2_000, "is nested too deep"),
        ("9" * 5_000, "is no JSON"),
        ("[1,2,3,4,5,6,7]", "holds more than 4 values"),
        ("[[],[],[],[]]", "holds more than 4 values"),
        ('{"a":{"b":{"c":{"d":{"e":{"f":{}}}}}}}', "holds more than 4 values"),
        ('["a","b","c","d","e","f","g"]', "holds more than 4 values"),
    ],
)
def test_what_is_none_is_said(text: str | bytes, because: str) -> None:
    limit = 4 if "4" in because else 10_000
    with pytest.raises(JsonError, match=f"^{because}$"):
        parse_json(text, max_values=limit)


@pytest.mark.parametrize("fragment", ["[]", "[],", '"",', '"a":1,', '"\\"', "\\", '"', '{"":', ",", "[", "[{", '["'])
def test_ten_megabytes_of_anything_are_refused_in_a_moment(fragment: str) -> None:
    text = fragment * (10 * 2**20 // len(fragment))
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(JsonError):
        parse_json(text)
    seconds, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 3
    assert peak < 2**20
