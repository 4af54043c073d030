"""The forms of a reply."""

import pytest

from hugginggpt.llm.structured_output import Rung, forms, keeps, response_format

SCHEMA = {"type": "object", "required": ["tasks"]}


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ('{"tasks": []}', {Rung.SCHEMA, Rung.OBJECT, Rung.PLAIN}),
        ('{"plan": []}', {Rung.OBJECT, Rung.PLAIN}),
        ("[]", {Rung.PLAIN}),
        ('```json\n{"tasks": []}\n```', {Rung.PLAIN}),
        ("", {Rung.PLAIN}),
        ("[" * 100_000, {Rung.PLAIN}),
    ],
)
def test_what_was_asked_for_is_told_from_what_was_not(reply: str, kept: set[Rung]) -> None:
    assert {rung for rung in Rung if keeps(rung, SCHEMA, reply)} == kept


def test_each_rung_asks_in_its_own_way() -> None:
    types = [response_format(rung, SCHEMA).get("response_format", {}).get("type") for rung in Rung]
    assert types == ["json_schema", "json_object", None]


def test_the_strictest_form_is_tried_first_and_counting_given_up_last() -> None:
    ways = [(form.rung, form.counted) for form in forms(SCHEMA, Rung.OBJECT, streamed=True, counts=True)]
    assert ways == [(Rung.OBJECT, True), (Rung.PLAIN, True), (Rung.OBJECT, False), (Rung.PLAIN, False)]
    assert [form.rung for form in forms(None, Rung.SCHEMA, streamed=True, counts=False)] == [Rung.PLAIN]
