"""What a server can be held to."""

import pytest

from hugginggpt.structure import Ladder, Rung, keeps, response_format

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


def test_the_last_servers_are_remembered_and_no_address_is_kept() -> None:
    ladder = Ladder()
    for number in range(510):
        ladder.remember(f"https://host/{number}?key=secret", "m", Rung.PLAIN)
    assert ladder.rung("https://host/0?key=secret", "m") is Rung.SCHEMA
    assert ladder.rung("https://host/509?key=secret", "m") is Rung.PLAIN
    assert "secret" not in str(vars(ladder))
