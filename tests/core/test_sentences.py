"""The sentences of a text in any language."""

import pytest

from hugginggpt.core.sentences import sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Er kam am 3. Juni. Dr. Lee ging.\nEnde", ["Er kam am 3. Juni.", "Dr. Lee ging.", "Ende"]),
        ("“Ja?” 这是书。那不是。", ["“Ja?”", "这是书。", "那不是。"]),
        ("She left (at last.) Then he did.", ["She left (at last.)", "Then he did."]),
        ("no stop at all", ["no stop at all"]),
        ("", []),
    ],
)
def test_sentences_end_at_stops_and_nothing_gets_lost(text: str, found: list[str]) -> None:
    pieces = sentences(text)
    assert [piece.text for piece in pieces] == found
    assert "".join(piece.text + piece.gap for piece in pieces) == text
    assert sum(map(len, pieces)) == len(text)
