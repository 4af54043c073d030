"""The forms of a reply."""

import pytest

from hugginggpt.llm.structured_output import OutputMode, build_response_format, follows_mode

SCHEMA = {"type": "object", "required": ["tasks"]}


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ('{"tasks": []}', {OutputMode.SCHEMA, OutputMode.OBJECT, OutputMode.PLAIN}),
        ('{"plan": []}', {OutputMode.OBJECT, OutputMode.PLAIN}),
        ("[]", {OutputMode.PLAIN}),
        ('```json\n{"tasks": []}\n```', {OutputMode.PLAIN}),
        ("", {OutputMode.PLAIN}),
        ("[" * 100_000, {OutputMode.PLAIN}),
    ],
)
def test_what_was_asked_for_is_told_from_what_was_not(reply: str, kept: set[OutputMode]) -> None:
    assert {mode for mode in OutputMode if follows_mode(mode, SCHEMA, reply)} == kept


def test_each_rung_asks_in_its_own_way() -> None:
    types = [build_response_format(mode, SCHEMA).get("response_format", {}).get("type") for mode in OutputMode]
    assert types == ["json_schema", "json_object", None]
